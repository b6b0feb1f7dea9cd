/** How a scenario loads the server, and what k6 makes of it: its options and its summary. */
import type { Options, Scenario, Threshold } from 'k6/options';
import { sliceCount } from './settings.ts';
import { sliceConditions } from './slices.ts';

/** So many seconds of so many users or page views, reached evenly. */
export interface Stage {
  readonly seconds: number;
  readonly target: number;
}

/** A load and how long it lasts. */
export interface Load {
  readonly seconds: number;
  readonly scenario: Scenario;
}

type Thresholds = Readonly<Record<string, Threshold[]>>;

/** For scenarios that no server may fail. A page view that was not begun was not measured. */
export const everyRequestAnswered: Thresholds = {
  http_req_failed: ['rate==0'],
  dropped_iterations: ['count==0'],
};

/** No scenario of k6 may be shorter. */
const leastSeconds = 1;

const duration = (seconds: number) => `${Math.round(seconds * 1000)}ms`;

/**
 * A user short is a page view dropped, so enough that each may take a second, and at low rates some more. Most are made
 * when they are needed, as each is a program of its own that takes memory and caches from those that work.
 */
const usersForRate = (ratePerSecond: number) => {
  const maxVUs = Math.max(100, Math.ceil(ratePerSecond));
  return { preAllocatedVUs: Math.max(100, Math.ceil(ratePerSecond / 10)), maxVUs };
};

/**
 * An open loop: page views begin at this rate whatever the server does. So a slow answer delays nobody's next request,
 * and none is hidden behind another.
 */
export function atRate(ratePerSecond: number, seconds: number): Load {
  const lasting = Math.max(leastSeconds, seconds);
  return {
    seconds: lasting,
    scenario: {
      executor: 'constant-arrival-rate',
      rate: ratePerSecond,
      duration: duration(lasting),
      ...usersForRate(ratePerSecond),
    },
  };
}

/** An open loop whose rate rises evenly from one page view per second. */
export const atRisingRate = (maxRatePerSecond: number, seconds: number): Load => ({
  seconds,
  scenario: {
    executor: 'ramping-arrival-rate',
    startRate: 1,
    stages: [{ target: maxRatePerSecond, duration: duration(seconds) }],
    ...usersForRate(maxRatePerSecond / 2),
  },
});

/** A closed loop: users of whom each begins again when it has its answers. Begins with none. */
export const withUsers = (stages: readonly Stage[]): Load => ({
  seconds: stages.reduce((sum, { seconds }) => sum + seconds, 0),
  scenario: {
    executor: 'ramping-vus',
    startVUs: 0,
    stages: stages.map(({ seconds, target }) => ({ target, duration: duration(seconds) })),
  },
});

/** What a scenario exports to k6, beside its function. No server may answer with another product than was asked for. */
export function planRun(name: string, { seconds, scenario }: Load, thresholds: Thresholds = {}) {
  const options: Options = {
    scenarios: { [name]: scenario },
    thresholds: { wrong_answers: ['count==0'], ...thresholds, ...sliceConditions },
    // Without `url`, and with one name for all pages, series stay few whatever the number of products.
    systemTags: ['name', 'status', 'method', 'scenario', 'expected_response', 'error_code', 'check'],
    summaryTrendStats: ['avg', 'min', 'med', 'p(95)', 'p(99)', 'max'],
    // A browser has six connections to a host, over HTTP/1.1; nothing else is to hold a page's requests back.
    batchPerHost: 6,
    batch: 20,
    maxRedirects: 0,
  };
  /** The whole summary as JSON, with the length of a slice: into the file that is named, else to the terminal. */
  const handleSummary = (summary: object): Record<string, string> => ({
    [__ENV.SUMMARY_FILE ?? 'stdout']: JSON.stringify(
      { ...summary, sliceSeconds: seconds / Math.max(1, sliceCount) },
      null,
      2,
    ),
  });
  return { options, handleSummary };
}
