import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { killGroup } from '../../local/children.ts';
import { projectFolder } from '../../local/folder.ts';
import { identify, type ProcessIdentity } from '../../local/processes.js';
import type { Program, Surroundings, Target } from './target.ts';

export interface StartedTarget {
  /** Where clients find it, such as `http://127.0.0.1:4000`. */
  readonly origin: string;
  /** Of its programs, in their order; what these start themselves is not among them. */
  readonly pids: readonly number[];
  /** Of the program that clients talk to, if it counts. */
  readonly metricsUrl: string | undefined;
  /**
   * Resolves when all programs are gone. Rejects, when they are gone too, if one had ended before, did not end in
   * order, or had to be killed.
   */
  stop(): Promise<void>;
}

export interface LaunchOptions {
  /** Puts another command before each program's, such as `taskset -c 0`, that in the end becomes it by exec. */
  readonly wrap?: (command: readonly string[]) => readonly string[];
  /** Hears of each program as soon as it runs, each the head of a process group. */
  readonly onSpawn?: (process: ProcessIdentity) => void;
  /** For each program, from the start of all. */
  readonly readyWithinMs?: number;
  /** From SIGTERM on. */
  readonly endWithinMs?: number;
}

interface Running {
  readonly program: Program;
  readonly pid: number;
  readonly ended: Promise<Ending>;
  hasEnded(): boolean;
  /** All that it has started with it. */
  kill(): void;
  terminate(): void;
}

interface Ending {
  readonly inOrder: boolean;
  /** How it ended, with its last words. */
  readonly sentence: string;
}

const charactersKept = 2000;
const readinessPollMs = 50;

/**
 * Starts a target's programs and resolves when all of them are ready. Rejects, with none left running, when one
 * cannot be started, ends before, which the error gives its last words for, or is not ready in time.
 */
export async function startTarget(
  target: Target,
  surroundings: Surroundings,
  { wrap = (command) => command, onSpawn, readyWithinMs = 60_000, endWithinMs = 10_000 }: LaunchOptions = {},
): Promise<StartedTarget> {
  const running: Running[] = [];
  const stop = async () => {
    const problems = await Promise.all(running.map((one) => endProgram(one, endWithinMs)));
    const sentences = problems.filter((problem) => problem !== undefined);
    if (sentences.length > 0) throw new Error(sentences.join('\n'));
  };
  try {
    const programs = target.programs(surroundings);
    const [first] = programs;
    if (first === undefined) throw new Error(`${target.name} has no programs.`);
    for (const program of programs) {
      const one = startProgram(program, wrap);
      running.push(one);
      const identity = identify(one.pid);
      if (identity) onSpawn?.(identity);
    }
    const deadline = performance.now() + readyWithinMs;
    await Promise.all(running.map((one) => becomesReady(one, deadline)));
    return {
      origin: originOf(first),
      pids: running.map(({ pid }) => pid),
      metricsUrl: first.metricsUrl,
      stop,
    };
  } catch (error) {
    // Why it did not start is what counts, not how it ended.
    await stop().catch(() => {});
    throw error;
  }
}

const originOf = ({ port }: Program) => `http://127.0.0.1:${port}`;

function startProgram(program: Program, wrap: NonNullable<LaunchOptions['wrap']>): Running {
  const [command = '', ...args] = wrap([process.execPath, resolve(projectFolder, program.file)]);
  const child = spawn(command, args, {
    env: { PATH: process.env.PATH, ...program.env },
    // Its own process group: Ctrl-C is for the lab, which then stops the programs in order.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let lastWords = '';
  for (const output of [child.stdout, child.stderr])
    output.setEncoding('utf8').on('data', (text: string) => {
      lastWords = (lastWords + text).slice(-charactersKept);
    });
  const { pid } = child;
  const kill = () => {
    if (pid !== undefined) killGroup(pid);
  };
  // What it has started would outlive it, and keep its output open.
  child.once('exit', kill);
  const ended = new Promise<Ending>((resolve) => {
    child.once('error', ({ message }) =>
      resolve({ inOrder: false, sentence: `${program.file} cannot be started: ${message}` }),
    );
    // Unlike `exit` it comes after the last words.
    child.once('close', (code, signal) =>
      resolve({
        inOrder: code === 0,
        sentence: `${program.file} ended with ${signal ?? code}: ${lastWords.trim() || 'it said nothing.'}`,
      }),
    );
  });
  return {
    program,
    pid: pid ?? 0,
    ended,
    hasEnded: () => pid === undefined || child.exitCode !== null || child.signalCode !== null,
    kill,
    terminate: () => child.kill('SIGTERM'),
  };
}

async function becomesReady({ program, ended, hasEnded }: Running, deadline: number): Promise<void> {
  const url = originOf(program) + program.readyPath;
  for (;;) {
    const isReady = await answersOk(url, deadline);
    // Another's answer counts for nothing, where it has the port that this program wanted.
    if (hasEnded()) throw new Error((await ended).sentence);
    if (isReady) return;
    if (performance.now() >= deadline) throw new Error(`${program.file} does not answer 200 at ${url}.`);
    await sleep(readinessPollMs);
  }
}

async function answersOk(url: string, deadline: number): Promise<boolean> {
  try {
    const timeoutMs = Math.max(0, Math.ceil(deadline - performance.now()));
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
    await response.body?.cancel();
    return response.status === 200;
  } catch {
    return false;
  }
}

/** Resolves when it is gone, with a sentence where that was not in order. */
async function endProgram(
  { program, ended, hasEnded, kill, terminate }: Running,
  endWithinMs: number,
): Promise<string | undefined> {
  if (hasEnded()) return `${(await ended).sentence} Nobody had told it to.`;
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    kill();
  }, endWithinMs);
  terminate();
  const { inOrder, sentence } = await ended;
  clearTimeout(timer);
  if (isLate) return `${program.file} was killed: it did not end on SIGTERM.`;
  return inOrder ? undefined : sentence;
}
