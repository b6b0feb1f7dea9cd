/** k6's summary of a run, in the shapes of a result. */
import type { Percentiles, Run, Slice } from './result.ts';

type Measured = Pick<
  Run,
  | 'requests'
  | 'failedRequests'
  | 'wrongAnswers'
  | 'droppedIterations'
  | 'pageViews'
  | 'responseMs'
  | 'pageViewMs'
  | 'peakUsers'
  | 'slices'
> & { readonly seconds: number | undefined };

interface Summary {
  readonly state?: { readonly testRunDurationMs?: number };
  /** As `loadtest/k6/run.ts` adds it. */
  readonly sliceSeconds?: number;
  readonly metrics: Readonly<Record<string, { readonly values: Readonly<Record<string, number>> }>>;
}

/** Reads the JSON that a scenario leaves. What k6 has no metric for did not happen, and is 0. */
export function readSummary(text: string): Measured {
  const { state, sliceSeconds = 0, metrics }: Summary = JSON.parse(text);
  const value = (metric: string, name: string): number => metrics[metric]?.values[name] ?? 0;
  const percentiles = (metric: string): Percentiles => ({
    avg: value(metric, 'avg'),
    med: value(metric, 'med'),
    p95: value(metric, 'p(95)'),
    p99: value(metric, 'p(99)'),
    max: value(metric, 'max'),
  });
  const seconds = state?.testRunDurationMs === undefined ? undefined : state.testRunDurationMs / 1000;

  const slices: Slice[] = [];
  // A run that was stopped has no more slices than it lived to see, and a shorter last one.
  for (let slice = 0; metrics[`http_req_failed{slice:${slice}}`] !== undefined; slice++) {
    const fromSeconds = slice * sliceSeconds;
    const failed = `http_req_failed{slice:${slice}}`;
    if (seconds !== undefined && fromSeconds >= seconds) break;
    slices.push({
      fromSeconds,
      seconds: Math.min(sliceSeconds, (seconds ?? Number.POSITIVE_INFINITY) - fromSeconds),
      requests: value(failed, 'passes') + value(failed, 'fails'),
      // For k6 a pass of this metric is a request that failed.
      failedRequests: value(failed, 'passes'),
      responseMs: percentiles(`http_req_duration{slice:${slice}}`),
    });
  }
  return {
    seconds,
    requests: value('http_reqs', 'count'),
    failedRequests: value('http_req_failed', 'passes'),
    wrongAnswers: value('wrong_answers', 'count'),
    droppedIterations: value('dropped_iterations', 'count'),
    pageViews: value('page_views', 'count'),
    responseMs: percentiles('http_req_duration'),
    pageViewMs: percentiles('page_view_duration'),
    peakUsers: value('vus', 'max'),
    slices,
  };
}

/** The most that may fail while a server is said to hold. */
const mostFailures = 0.001;

/**
 * Requests per second of the last slice that held, before the first in which the 99th percentile was above the bound,
 * requests failed, or none was answered any more. Null when all held, as the server was not asked for enough; 0 when
 * the first did not.
 */
export function breakpointOf(slices: readonly Slice[], p99Ms: number): number | null {
  const first = slices.findIndex(({ requests }) => requests > 0);
  const broken = slices.findIndex(
    ({ requests, failedRequests, responseMs }, index) =>
      responseMs.p99 > p99Ms ||
      failedRequests > requests * mostFailures ||
      (requests === 0 && first !== -1 && index > first),
  );
  if (broken === -1) return null;
  const last = slices[broken - 1];
  return last === undefined ? 0 : last.requests / last.seconds;
}
