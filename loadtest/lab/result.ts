/** What one run of the lab measured: the JSON of a result, and all that a report is made from. */

export interface Result {
  readonly scenario: {
    readonly name: string;
    /** What it asks, in one sentence. */
    readonly question: string;
    /** The variables that its script was given, those that name files and addresses left out. */
    readonly settings: Readonly<Record<string, string>>;
    /** 1 is full length. */
    readonly timeScale: number;
  };
  /** The machine, the versions, the commit, the time; in the order in which they are to be shown. */
  readonly conditions: Readonly<Record<string, string | number | boolean>>;
  /** In the order in which they were made: round by round, size by size, target by target. */
  readonly runs: readonly Run[];
}

/** The target's share of the machine. */
export interface Size {
  /** `base` and `scaled` are to each other as 1 to 2; `whole` is no limit. */
  readonly name: 'base' | 'scaled' | 'whole';
  /** Null: no limit. */
  readonly cores: number | null;
  readonly memoryBytes: number | null;
}

/** A target in one round at one size. */
export interface Run {
  readonly target: string;
  readonly api: 'page' | 'parts';
  readonly size: Size;
  /** From 1. */
  readonly round: number;
  readonly seconds: number;
  readonly requests: number;
  /** Requests that were answered with an unexpected status or not at all. */
  readonly failedRequests: number;
  /** Answers whose body was not what was asked for, beside those that failed. */
  readonly wrongAnswers: number;
  /** Iterations that an open loop could not begin, as the generator had no user left. */
  readonly droppedIterations: number;
  /** What a browser needs for one product: one or fifteen requests. In `old-profile` the ten requests of its script. */
  readonly pageViews: number;
  /** Of a request. */
  readonly responseMs: Percentiles;
  /** From the first request of a page view to the last of its answers. */
  readonly pageViewMs: Percentiles;
  readonly peakUsers: number;
  /** CPU of all of the target's processes, without Postgres and Redis. */
  readonly serverCpuSeconds: number;
  readonly serverPeakMemoryBytes: number;
  readonly postgresCpuSeconds: number;
  readonly redisCpuSeconds: number;
  readonly sqlStatements: number;
  readonly redisCommands: number;
  readonly generatorCpuSeconds: number;
  /** Cores that the generator may use. */
  readonly generatorCores: number;
  /** The same in short stretches of time, for curves. */
  readonly slices: readonly Slice[];
  /** What a scenario measures beside, such as `breakpointPerSecond` or `editsPerSecond`. */
  readonly extra: Readonly<Record<string, number>>;
  /** Sentences about the pages that were compared with the database before and after, and were not the same. */
  readonly wrongPages: readonly string[];
  /** Sentences about its programs where they did not live until they were told to end, or did not end then. */
  readonly faults: readonly string[];
  /** What the server's own metrics counted, null where it has none. */
  readonly countedByServer: number | null;
}

/** Milliseconds. */
export interface Percentiles {
  readonly avg: number;
  readonly med: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

export interface Slice {
  readonly fromSeconds: number;
  readonly seconds: number;
  readonly requests: number;
  readonly failedRequests: number;
  readonly responseMs: Percentiles;
}
