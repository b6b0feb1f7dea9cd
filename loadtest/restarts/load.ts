/** A steady open-loop load of pages over keep-alive and over short connections, half of it each. */
import { startOpenLoop } from '../open-loop.ts';
import type { FailedRequest } from '../provers/losses.ts';
import { percentile } from '../provers/percentile.ts';
import { pick, type Random } from '../provers/random.ts';

/** Longer than a server may take to notice that a worker hangs. */
const timeoutMs = 20_000;
const slowMs = 1000;
/** Not all in memory, so that some requests are under way for a while. */
const popularShare = 0.95;

export interface Pages {
  readonly popular: readonly string[];
  readonly others: readonly string[];
}

export interface LoadFigures {
  readonly requests: number;
  /** By status, and of those without an answer by error. */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly slowestMs: number;
  /** Answers that took more than a second. */
  readonly slow: number;
  /** How late the generator sent its requests. */
  readonly lateP99Ms: number;
}

export interface Load {
  readonly requests: number;
  /** Resolves when the last outcome is in. */
  stop(): Promise<{ readonly figures: LoadFigures; readonly failed: readonly FailedRequest[] }>;
}

export function startLoad(
  url: string,
  { popular, others }: Pages,
  ratePerSecond: number,
  random: Random,
): Load {
  const outcomes = new Map<string, number>();
  const latenciesMs: number[] = [];
  const failed: FailedRequest[] = [];
  const prefix = '/v1/products/';
  const loops = (['keep-alive', 'short'] as const).map((connections) =>
    startOpenLoop({
      url,
      ratePerSecond: ratePerSecond / 2,
      connections,
      timeoutMs,
      random,
      nextTarget: () => prefix + pick(random, random() < popularShare ? popular : others),
      onOutcome({ target, status, error, body, plannedAtMs, lateMs, latencyMs, localPort }) {
        const isRight = status === 200 && body.includes(`"slug":"${target.slice(prefix.length)}"`);
        const kind =
          status === undefined ? (error ?? 'no answer') : status === 200 && !isRight ? 'wrong page' : status;
        const name = `${connections} ${kind}`;
        outcomes.set(name, (outcomes.get(name) ?? 0) + 1);
        latenciesMs.push(latencyMs);
        if (!isRight)
          failed.push({
            error: name,
            sentAtMs: plannedAtMs + lateMs,
            endedAtMs: plannedAtMs + latencyMs,
            localPort,
          });
      },
    }),
  );
  return {
    get requests() {
      return loops.reduce((sum, { started }) => sum + started, 0);
    },
    async stop() {
      await Promise.all(loops.map((loop) => loop.stop()));
      const sorted = latenciesMs.sort((a, b) => a - b);
      const figures = {
        requests: sorted.length,
        outcomes: Object.fromEntries([...outcomes].sort()),
        failed: failed.length,
        p50Ms: percentile(sorted, 0.5),
        p99Ms: percentile(sorted, 0.99),
        slowestMs: percentile(sorted, 1),
        slow: sorted.filter((ms) => ms > slowMs).length,
        lateP99Ms: Math.max(...loops.map(({ lateMs }) => lateMs.p99)),
      };
      return { figures, failed };
    },
  };
}
