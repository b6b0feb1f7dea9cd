/** For tests: a result in which every promise is held. */
import type { Latencies, Pass, Result, Step } from './result.ts';

export const latencies = (p99: number): Latencies => ({ count: 100, p50: p99 / 2, p99, max: p99 * 1.5 });

export function step(load: number, more: Partial<Step> = {}): Step {
  const offeredPerSecond = load * 150;
  const goodputPerSecond = Math.min(150, offeredPerSecond);
  return {
    load,
    seconds: 30,
    offeredPerSecond,
    requestsPerSecond: offeredPerSecond,
    goodputPerSecond,
    refusalsPerSecond: offeredPerSecond - goodputPerSecond,
    admittedMs: latencies(60),
    refusedMs: load > 1 ? latencies(25) : null,
    hits: { requests: 6000, failed: 0, ms: latencies(3) },
    warmPages: 0,
    otherOutcomes: {},
    lateMs: latencies(1.5),
    generatorCores: 0.3,
    serverCores: 0.6,
    busyCores: 1.2,
    ...more,
  };
}

export const pass = (refused: Pass['refused'], more: Partial<Pass> = {}): Pass => ({
  refused,
  steps: [0.5, 1, 2, 5, 10].map((load) => step(load)),
  stepDown: step(0.5),
  recoveryMs: 500,
  ...more,
});

export const result = (more: Partial<Result> = {}): Result => ({
  conditions: { date: '2026-11-26T12:00:00.000Z', commit: 'abc', availableCores: 2, seconds: 30 },
  readDelayMs: 20,
  capacityPerSecond: 150,
  lonelyReadMs: latencies(25),
  unloaded: step(0, { admittedMs: null, hits: { requests: 6000, failed: 0, ms: latencies(2) } }),
  passes: [pass('give up'), pass('retry')],
  ...more,
});

/** The result with the last step of its first pass changed. */
export const withLastStep = (more: Partial<Step>): Result =>
  result({
    passes: [
      pass('give up', { steps: [...[0.5, 1, 2, 5].map((load) => step(load)), step(10, more)] }),
      pass('retry'),
    ],
  });
