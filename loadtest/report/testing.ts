/** For tests: results as the lab would make them, of runs that never were. */
import type { Percentiles, Result, Run, Size } from '../lab/result.ts';

export const base: Size = { name: 'base', cores: 0.5, memoryBytes: 2 ** 30 };
export const scaled: Size = { name: 'scaled', cores: 1, memoryBytes: 2 * 2 ** 30 };

export const percentiles = (avg: number): Percentiles => ({
  avg,
  med: avg * 0.8,
  p95: avg * 2,
  p99: avg * 4,
  max: avg * 9,
});

/** A valid run of ten seconds: 1,000 page views of one request, and 2 ms of server CPU for each. */
export const run = (changes: Partial<Run> = {}): Run => ({
  target: 'frontshelf',
  api: 'page',
  size: base,
  round: 1,
  seconds: 10,
  requests: 1000,
  failedRequests: 0,
  wrongAnswers: 0,
  droppedIterations: 0,
  pageViews: 1000,
  responseMs: percentiles(5),
  pageViewMs: percentiles(5),
  peakUsers: 10,
  serverCpuSeconds: 2,
  serverPeakMemoryBytes: 100 * 2 ** 20,
  postgresCpuSeconds: 0.5,
  redisCpuSeconds: 0.25,
  sqlStatements: 300,
  redisCommands: 400,
  generatorCpuSeconds: 3,
  generatorCores: 1,
  slices: [],
  extra: {},
  wrongPages: [],
  faults: [],
  countedByServer: null,
  ...changes,
});

export const resultOf = (runs: readonly Run[], scenario: Partial<Result['scenario']> = {}): Result => ({
  scenario: {
    name: 'page-view',
    question: 'What does a page view cost?',
    settings: {},
    timeScale: 1,
    ...scenario,
  },
  conditions: { commit: 'abc123', node: 'v26.10.0', cores: 2 },
  runs,
});

const architectures: readonly Partial<Run>[] = [
  { target: 'express-distributed', api: 'parts', serverCpuSeconds: 300, responseMs: percentiles(180) },
  { target: 'express-monolith', api: 'parts', serverCpuSeconds: 120, responseMs: percentiles(90) },
  { target: 'express-redis', api: 'parts', serverCpuSeconds: 60, responseMs: percentiles(40) },
  { target: 'fastify-bentocache', serverCpuSeconds: 3, responseMs: percentiles(4) },
  { target: 'frontshelf', serverCpuSeconds: 0.6, responseMs: percentiles(1.2), countedByServer: 10_000 },
];

/** Five targets at two sizes in three rounds, each in 24 slices. */
export const fullResult = (scenario: Partial<Result['scenario']> = {}): Result =>
  resultOf(
    [1, 2, 3].flatMap((round) =>
      [base, scaled].flatMap((size) =>
        architectures.map((changes) => {
          const factor = (size === base ? 1 : 0.7) * (1 + round / 50);
          const avgMs = (changes.responseMs?.avg ?? 0) * factor;
          const requests = changes.api === 'parts' ? 150_000 : 10_000;
          return run({
            ...changes,
            size,
            round,
            requests,
            pageViews: 10_000,
            seconds: 100 * factor,
            serverCpuSeconds: (changes.serverCpuSeconds ?? 0) * (1 + round / 100),
            generatorCpuSeconds: 30,
            sqlStatements: requests,
            responseMs: percentiles(avgMs),
            pageViewMs: percentiles(changes.api === 'parts' ? avgMs * 3 : avgMs),
            slices: Array.from({ length: 24 }, (_, slice) => ({
              fromSeconds: slice * 4,
              seconds: 4,
              requests: requests / 24,
              failedRequests: 0,
              responseMs: percentiles(avgMs * (1 + 0.4 * Math.sin(slice / 3 + round))),
            })),
          });
        }),
      ),
    ),
    scenario,
  );
