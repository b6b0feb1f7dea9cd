import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus, release } from 'node:os';

/** Output of a command in the project's folder, or undefined where it cannot be run. */
function output(command: string, ...args: string[]): string | undefined {
  try {
    return execFileSync(command, args, {
      cwd: import.meta.dirname,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return undefined;
  }
}

/** What a figure depends on and a reader cannot see from it: the time, the code and the machine. */
export function machineConditions() {
  const changes = output('git', 'status', '--porcelain');
  return {
    date: new Date().toISOString(),
    commit: output('git', 'rev-parse', '--short=12', 'HEAD') ?? 'unknown',
    uncommittedChanges: changes === undefined ? 'unknown' : changes !== '',
    node: process.version,
    kernel: release(),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    availableCores: availableParallelism(),
  };
}

/**
 * A core for the server and another for the generator, so that the scheduler moves neither during a round.
 * Undefined where there is no `taskset` or only one core: then the system places them.
 */
export function separateCores(): { server: number; generator: number } | undefined {
  // "pid 123's current affinity list: 0-3,6"
  const allowed = output('taskset', '-pc', String(process.pid))?.match(/: (\S+)$/)?.[1];
  const ends = allowed?.split(/[,-]/).map(Number);
  const server = ends?.at(0);
  // The last core is least likely to be the first one's hyper-thread.
  const generator = ends?.at(-1);
  return server === undefined || generator === undefined || server === generator
    ? undefined
    : { server, generator };
}

/** Puts all threads of running processes on one core. */
export function pin(pids: readonly number[], core: number): void {
  for (const pid of pids) execFileSync('taskset', ['-acp', String(core), String(pid)], { stdio: 'ignore' });
}
