/**
 * Visitors of pages that are in memory, in a thread of their own: what they wait for is the server, and not this command's
 * work with thousands of refusals a second.
 */
import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import type { Outcome } from '../open-loop.ts';
import { seededRandom } from '../provers/random.ts';
import { inTurn, startClients } from './clients.ts';

/** What is told of a request. */
export type HitOutcome = Pick<Outcome, 'plannedAtMs' | 'lateMs' | 'latencyMs' | 'status' | 'error'>;

export interface HitsOptions {
  readonly url: string;
  readonly paths: readonly string[];
  readonly ratePerSecond: number;
  readonly seed: number;
}

interface Told {
  readonly outcomes: readonly HitOutcome[];
  /** Unix time of the thread's 0. */
  readonly timeOrigin: number;
}

const tellEveryMs = 250;

/** `onOutcome` hears of each request some time after its end, in this thread's time. */
export function startHits(
  options: HitsOptions,
  onOutcome: (outcome: HitOutcome) => void,
): { stop(): Promise<void> } {
  const thread = new Worker(new URL(import.meta.url), { workerData: options });
  thread.unref();
  thread.on('message', ({ outcomes, timeOrigin }: Told) => {
    const laterMs = timeOrigin - performance.timeOrigin;
    for (const outcome of outcomes) onOutcome({ ...outcome, plannedAtMs: outcome.plannedAtMs + laterMs });
  });
  return {
    async stop() {
      const ended = once(thread, 'exit');
      thread.ref();
      thread.postMessage('stop');
      await ended;
    },
  };
}

if (!isMainThread && parentPort) {
  const port = parentPort;
  const { url, paths, ratePerSecond, seed }: HitsOptions = workerData;
  const random = seededRandom(seed);
  let outcomes: HitOutcome[] = [];
  const clients = startClients({
    url,
    ratePerSecond,
    nextTarget: inTurn(random, paths),
    random,
    onOutcome({ plannedAtMs, lateMs, latencyMs, status, error }) {
      outcomes.push({ plannedAtMs, lateMs, latencyMs, status, ...(error !== undefined && { error }) });
    },
  });
  const tell = () => {
    const told: Told = { outcomes, timeOrigin: performance.timeOrigin };
    port.postMessage(told);
    outcomes = [];
  };
  const timer = setInterval(tell, tellEveryMs);
  port.once('message', async () => {
    await clients.stop();
    clearInterval(timer);
    tell();
  });
}
