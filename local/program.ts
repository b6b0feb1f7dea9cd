import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { projectFolder } from './folder.ts';
import { Obstacle } from './obstacle.js';
import { identify, type ProcessIdentity } from './processes.js';

/**
 * Runs one of the project's other programs, as a user would. Resolves when it ends well; rejects with Obstacle
 * when it does not, with what it said.
 */
export async function runProgram(
  path: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  onSpawn: (process: ProcessIdentity) => void,
): Promise<void> {
  const child = spawn(process.execPath, [join(projectFolder, path), ...args], {
    env: { ...process.env, ...env },
    // Its own process group: on Ctrl-C it is ours to end, in its turn.
    detached: true,
    stdio: ['inherit', 'inherit', 'pipe'],
  });
  const identity = identify(child.pid);
  if (identity) onSpawn(identity);
  const [[code, signal], complaint] = await Promise.all([once(child, 'exit'), text(child.stderr)]);
  if (code !== 0) throw new Obstacle(complaint.trim() || `${path} ended early (${signal ?? code}).`);
  process.stderr.write(complaint);
}
