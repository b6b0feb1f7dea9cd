import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { saysDiskFull } from './disk.ts';
import { Obstacle } from './obstacle.js';
import { identify, type ProcessIdentity } from './processes.js';
import type { Invocation } from './unprivileged.ts';

/** A program that runs in the background until it is stopped. */
export interface Service {
  readonly process: ProcessIdentity;
  /** Resolves when the program is gone, for whatever reason. */
  readonly exited: Promise<void>;
  /** Its last lines of output, the newest last. */
  recentLines(): readonly string[];
}

const linesKept = 200;

/**
 * Resolves when the program writes a line that holds `readyText`. Rejects with Obstacle, which repeats its
 * reason, when it cannot run or ends before that. `onSpawn` hears of it as soon as it exists. There is no deadline:
 * a Postgres that recovers takes as long as it takes.
 */
export async function startService(
  { command, args, options }: Invocation,
  readyText: string,
  onSpawn?: (process: ProcessIdentity) => void,
): Promise<Service> {
  const child = spawn(command, args, {
    ...options,
    cwd: '/',
    // Its own process group: a Ctrl-C on the terminal is ours to pass on, in order, and not the service's to see.
    detached: true,
    // Settings for Postgres clients in our environment are not meant for this one.
    env: { PATH: process.env.PATH, LC_ALL: 'C' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const identity = identify(child.pid);
  // At once: until then nobody knows of it, and would not end it.
  if (identity) onSpawn?.(identity);
  const lines: string[] = [];
  const ready = new Promise<'ready'>((resolve) => {
    for (const output of [child.stdout, child.stderr])
      createInterface({ input: output }).on('line', (line) => {
        lines.push(line);
        if (lines.length > linesKept) lines.shift();
        if (line.includes(readyText)) resolve('ready');
      });
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const closed = new Promise<'closed'>((resolve) => child.once('close', () => resolve('closed')));
  try {
    await once(child, 'spawn');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Obstacle(`${command} does not run: ${reason}`);
  }
  const outcome = await Promise.race([ready, closed]);
  if (identity && outcome === 'ready') return { process: identity, exited, recentLines: () => lines };
  throw new Obstacle(`${command} ended before it was ready: ${complaint(lines)}`);
}

/** The line that gives the reason, as Postgres, initdb and Redis mark it; else the last one. */
const complaint = (lines: readonly string[]) =>
  lines.find(saysDiskFull) ??
  lines.findLast((line) => /\b(FATAL|PANIC|ERROR|[Ee]rror)\b/.test(line)) ??
  lines.at(-1) ??
  'it said nothing.';
