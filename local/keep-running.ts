import { setTimeout as sleep } from 'node:timers/promises';
import { Obstacle } from './obstacle.js';
import type { Service } from './service.ts';

const settledAfterMs = 30_000;
const mostFailures = 5;
const firstPauseMs = 250;

/**
 * Starts a service again, on the same port, whenever it ends, until the run does. Never resolves; rejects when it
 * ends, or cannot be started, over and over. `say` hears of every end.
 */
export async function keepRunning(
  name: string,
  first: Service,
  startAgain: () => Promise<Service>,
  ending: AbortSignal,
  say: (sentence: string) => void,
): Promise<never> {
  let service: Service | undefined = first;
  for (let failures = 0; ; ) {
    const startedAt = performance.now();
    await service?.exited;
    if (ending.aborted) return new Promise(() => {});
    failures = performance.now() - startedAt < settledAfterMs ? failures + 1 : 1;
    if (failures > mostFailures) throw new Obstacle(`${name} keeps ending.`);
    say(`${name} has ended; starting it again.`);
    await sleep(firstPauseMs * 2 ** (failures - 1));
    if (ending.aborted) return new Promise(() => {});
    service = await startAgain().catch((error: unknown) => {
      if (failures === mostFailures) throw error;
      return undefined;
    });
  }
}
