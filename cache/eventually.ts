import { setTimeout as sleep } from 'node:timers/promises';

/**
 * For tests: resolves what `probe` returns as soon as that is neither undefined nor false. Rejects with `claim` when
 * it has not been by `withinMs`, and with the last error when the probe threw.
 */
export async function eventually<T>(
  claim: string,
  withinMs: number,
  probe: () => T | Promise<T>,
): Promise<Exclude<Awaited<T>, undefined | false>> {
  const deadlineMs = performance.now() + withinMs;
  for (;;) {
    let cause: unknown;
    try {
      const found = await probe();
      if (isFound(found)) return found;
    } catch (error) {
      cause = error;
    }
    if (performance.now() >= deadlineMs) throw new Error(`${claim}: not so within ${withinMs} ms`, { cause });
    await sleep(10);
  }
}

const isFound = <T>(found: T): found is Exclude<T, undefined | false> =>
  found !== undefined && found !== false;
