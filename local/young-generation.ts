/** For tests that claim of something that it is garbage soon. */
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Resolves once V8 has collected its young generation, after which a WeakRef has nothing that only what was made in it
 * refers to. What is to be found gone must have been made after the first call.
 */
export async function collectYoungGeneration(): Promise<void> {
  for (const flag of ['--expose-gc', '--handle-weak-ref-weakly-in-minor-gc']) setFlagsFromString(flag);
  const collect: unknown = runInNewContext('gc');
  if (typeof collect !== 'function') throw new Error('V8 exposes no gc.');
  // What survives once is young still; and a WeakRef that was made or read in a task holds until it is over.
  for (let times = 0; times < 2; times++) {
    await delay(0);
    collect({ type: 'minor' });
  }
}
