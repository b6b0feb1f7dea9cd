import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { projectFolder } from './folder.ts';
import { Obstacle } from './obstacle.js';
import { identify, type ProcessIdentity } from './processes.js';

/**
 * Runs one of the project's other programs, as a user would. Resolves when it ends well; rejects with Obstacle
 * when it does not, one without a message if the program has said why.
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
    stdio: 'inherit',
  });
  const exited = once(child, 'exit');
  const identity = identify(child.pid ?? 0);
  if (identity) onSpawn(identity);
  const [code, signal] = await exited;
  if (code !== 0) throw new Obstacle(signal === null ? '' : `${path} was killed (${signal}).`);
}
