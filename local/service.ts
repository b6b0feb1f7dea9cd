import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { end, identify, type ProcessIdentity } from './processes.js';
import type { Invocation } from './unprivileged.ts';

/** A program that runs in the background until it is stopped. */
export interface Service {
  readonly process: ProcessIdentity;
  /** Resolves when the program is gone, for whatever reason. */
  readonly exited: Promise<void>;
  /** Its last lines of output, the newest last. */
  recentLines(): readonly string[];
}

/** A program that did not become ready; `lines` are the last it wrote. */
export class ServiceFailure extends Error {
  readonly lines: readonly string[];
  constructor(message: string, lines: readonly string[]) {
    super(message);
    this.lines = lines;
  }
}

const linesKept = 200;
const readyWithinMs = 60_000;

/**
 * Resolves when the program writes a line that holds `readyText`. Rejects with ServiceFailure when it cannot
 * run, ends before that, or takes over a minute. `onSpawn` hears of it as soon as it exists.
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
    throw new ServiceFailure(`${command} does not run: ${reason}`, lines);
  }
  const identity = identify(child.pid ?? 0);
  if (identity) onSpawn?.(identity);

  const giveUp = new AbortController();
  const outcome = await Promise.race([
    ready,
    closed,
    sleep(readyWithinMs, 'late' as const, { signal: giveUp.signal }),
  ]);
  giveUp.abort();
  if (identity && outcome === 'ready') return { process: identity, exited, recentLines: () => lines };
  if (identity) await end(identity, [{ signal: 'SIGKILL', waitMs: 1000 }]);
  throw new ServiceFailure(
    outcome === 'late'
      ? `${command} was not ready within a minute.`
      : `${command} ended before it was ready: ${lines.at(-1) ?? 'it said nothing'}`,
    lines,
  );
}
