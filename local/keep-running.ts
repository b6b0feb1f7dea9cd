import { setTimeout as sleep } from 'node:timers/promises';
import { Obstacle } from './obstacle.js';
import type { Service } from './service.ts';

const settledAfterMs = 30_000;
const mostDeaths = 5;
const firstPauseMs = 250;

/**
 * Starts a service again, on the same port, whenever it ends, until the run does. Never resolves; rejects when it
 * cannot be started, or ends over and over. `say` hears of every end.
 */
export async function keepRunning(
  name: string,
  service: Service,
  startAgain: () => Promise<Service>,
  ending: AbortSignal,
  say: (sentence: string) => void,
): Promise<never> {
  for (let deaths = 0; ; ) {
    const startedAt = performance.now();
    await service.exited;
    if (ending.aborted) return new Promise(() => {});
    deaths = performance.now() - startedAt < settledAfterMs ? deaths + 1 : 1;
    if (deaths > mostDeaths)
      throw new Obstacle(`${name} keeps ending; the last it said: ${service.recentLines().at(-1)}`);
    say(`${name} has ended; starting it again.`);
    await sleep(firstPauseMs * 2 ** (deaths - 1));
    if (ending.aborted) return new Promise(() => {});
    service = await startAgain();
  }
}
