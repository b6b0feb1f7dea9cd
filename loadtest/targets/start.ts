/** Starts the programs of a target, as those who run it would. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { killGroup } from '../../local/children.ts';
import { projectFolder } from '../../local/folder.ts';
import { Obstacle } from '../../local/obstacle.js';
import { identify, type ProcessIdentity } from '../../local/processes.js';
import type { Program, Surroundings, Target } from './target.ts';

export interface StartedTarget {
  /** Where clients find it. */
  readonly origin: string;
  /** Of its programs, not of what these start. */
  readonly pids: readonly number[];
  /** Requests that it has counted itself; null when it has no metrics. Waits until all its processes have told. */
  countedRequests(): Promise<number | null>;
  /** Resolves when all of it is gone. */
  stop(): Promise<void>;
}

export interface StartOptions {
  /** The command that starts the same program elsewhere, such as on a core of its own. */
  readonly wrap?: (command: readonly string[]) => string[];
  /** Hears of each program as soon as it runs; it is the head of a process group. */
  readonly onSpawn?: (process: ProcessIdentity) => void;
}

const readyWithinMs = 60_000;
const stopWithinMs = 5000;
/** A worker of Frontshelf tells its counts each second. */
const toldWithinMs = 1500;

/** Rejects with Obstacle, which says why, when a program does not get ready. */
export async function startTarget(
  target: Target,
  surroundings: Surroundings,
  { wrap = (command) => [...command], onSpawn }: StartOptions = {},
): Promise<StartedTarget> {
  const programs = target.programs(surroundings);
  const started = programs.map((program) => launch(program, wrap));
  for (const { identity } of started) if (identity) onSpawn?.(identity);
  const stop = async () => {
    await Promise.all(started.map(end));
  };
  try {
    await Promise.all(started.map((one) => waitUntilReady(target.name, one)));
  } catch (error) {
    await stop();
    throw error;
  }
  const [first] = programs;
  return {
    origin: `http://127.0.0.1:${first?.port}`,
    pids: started.flatMap(({ child }) => child.pid ?? []),
    countedRequests: () => countedRequests(first?.metricsUrl),
    stop,
  };
}

interface Launched {
  readonly program: Program;
  readonly child: ChildProcess;
  readonly identity: ProcessIdentity | undefined;
  /** The last that it wrote to stderr. */
  complaint(): string;
}

function launch(program: Program, wrap: (command: readonly string[]) => string[]): Launched {
  const [command = '', ...args] = wrap([process.execPath, join(projectFolder, program.file)]);
  const child = spawn(command, args, {
    env: { PATH: process.env.PATH, NODE_ENV: 'production', ...program.env },
    // A group of its own, with which its workers end as well.
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let complaint = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-2000);
  });
  return { program, child, identity: identify(child.pid), complaint: () => complaint };
}

async function waitUntilReady(name: string, { program, child, complaint }: Launched): Promise<void> {
  const deadlineMs = performance.now() + readyWithinMs;
  const url = `http://127.0.0.1:${program.port}${program.readyPath}`;
  for (;;) {
    const isReady = await fetch(url, { headers: { connection: 'close' } }).then(
      (response) => response.ok,
      () => false,
    );
    if (isReady) return;
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Obstacle(`${name}: ${program.file} ended before it was ready: ${complaint().trim()}`);
    if (performance.now() > deadlineMs)
      throw new Obstacle(`${name}: ${program.file} was not ready within ${readyWithinMs / 1000} s.`);
    await delay(50);
  }
}

async function end({ child }: Launched): Promise<void> {
  if (child.pid === undefined) return;
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await Promise.race([ended, delay(stopWithinMs, undefined, { ref: false })]);
  }
  killGroup(child.pid);
}

async function countedRequests(metricsUrl: string | undefined): Promise<number | null> {
  if (metricsUrl === undefined) return null;
  await delay(toldWithinMs);
  const text = await (await fetch(metricsUrl)).text();
  return [...text.matchAll(/^http_server_request_duration_seconds_count\{.*\} (\d+)$/gm)].reduce(
    (sum, [, count]) => sum + Number(count),
    0,
  );
}
