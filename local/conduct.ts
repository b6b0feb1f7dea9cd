import { setImmediate } from 'node:timers/promises';
import { diskFull, saysDiskFull } from './disk.ts';
import { dataFolder } from './folder.ts';
import { Obstacle } from './obstacle.js';
import type { Service } from './service.ts';
import type { Run } from './state.ts';
import { stopRequested } from './stop-requested.ts';
import { beginRun, type ThisRun } from './this-run.ts';

/**
 * Does the work of a command, as the only run on the data folder, until it resolves with an exit code, fails, or
 * is told to stop. Then ends all that the run has started, and this process.
 */
export async function conduct(
  command: Run['command'],
  shutdownDeadlineMs: number,
  work: (run: ThisRun) => Promise<number>,
): Promise<never> {
  try {
    const run = await beginRun(command, shutdownDeadlineMs, console.log);
    return await untilStopped(
      () => work(run),
      () => run.end(),
      run.services,
    );
  } catch (error) {
    process.exit(report(error));
  }
}

/**
 * Works until it is done, fails, or is told to stop; then calls `end`, and ends this process. The last lines of
 * `services` may tell why it failed.
 */
export async function untilStopped(
  work: () => Promise<number>,
  end: () => Promise<void>,
  services: readonly Service[] = [],
): Promise<never> {
  // A terminal that is gone is no reason to leave the rest undone.
  for (const output of [process.stdout, process.stderr]) output.on('error', () => {});
  let stopping = false;
  const stopped = stopRequested().then((exitCode) => {
    stopping = true;
    console.log('Stopping.');
    return exitCode;
  });
  const finished = work().catch(async (error: unknown) => {
    // A Ctrl-C may have failed the work first, through a program that got it too.
    await setImmediate();
    return stopping ? 1 : report(error, services);
  });
  const exitCode = await Promise.race([stopped, finished]);
  await end();
  process.exit(exitCode);
}

/** Says what went wrong, and returns the exit code. */
export function report(error: unknown, services: readonly Service[] = []): 1 {
  const said = [String(error), ...services.flatMap((service) => service.recentLines())];
  const shown = said.some(saysDiskFull) ? diskFull(dataFolder) : error;
  // What the operating system refuses is as plain as an obstacle; anything else is a fault of ours.
  const isPlain = shown instanceof Obstacle || (shown instanceof Error && 'syscall' in shown);
  console.error(isPlain ? shown.message : shown);
  return 1;
}
