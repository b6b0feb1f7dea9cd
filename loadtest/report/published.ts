/** What the old system's authors published of it, and what is known to be wrong with that. None of it was measured here. */

export interface PublishedRun {
  readonly avgMs: number;
  readonly requestsPerSecond: number;
  readonly failedPercent: number;
}

export interface Published {
  /** As they called it. */
  readonly architecture: string;
  /** Our target that is built as it was. */
  readonly target: string;
  /** 2 vCPU and 2 GB. */
  readonly base: PublishedRun;
  /** 4 vCPU and 8 GB. */
  readonly scaled: PublishedRun;
}

export const published: readonly Published[] = [
  {
    architecture: 'Distributed monolith',
    target: 'express-distributed',
    base: { avgMs: 234.31, requestsPerSecond: 171.16, failedPercent: 7.43 },
    scaled: { avgMs: 263.84, requestsPerSecond: 151.64, failedPercent: 7.7 },
  },
  {
    architecture: 'Single-server monolith',
    target: 'express-monolith',
    base: { avgMs: 151.21, requestsPerSecond: 265.27, failedPercent: 6.74 },
    scaled: { avgMs: 165.37, requestsPerSecond: 242.64, failedPercent: 6.65 },
  },
  {
    architecture: 'Single server with Redis',
    target: 'express-redis',
    base: { avgMs: 68.16, requestsPerSecond: 587.6, failedPercent: 64.3 },
    scaled: { avgMs: 57.11, requestsPerSecond: 701.1, failedPercent: 64.28 },
  },
];

export const flaws: readonly string[] = [
  'With Redis 64.3 % of the requests failed on the small machine and 64.28 % on the large one. A machine that is overloaded fails less when it is doubled: these were broken routes, and their quick errors were measured as speed.',
  '701 requests/s cannot come from the published script: 100 users, each with ten requests of 57 ms and then a second of rest, make at most 100 × 10 ÷ (10 × 0.057 s + 1 s) = 636 requests/s.',
  'The script set `executor` at the top level of its options, where k6 ignores it: what ran was a closed loop, in which a slow server is asked less often.',
  'No child table had an index on `product_id`: the larger machine read the same whole tables.',
  'At 5,000 users the push of metrics to InfluxDB failed, and the test was cut to 100 users.',
];
