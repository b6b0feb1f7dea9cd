/** What a run measured: the JSON of a result, and all that its report and its chart are made from. */

export interface Result {
  /** The machine, the versions, the commit, the time, the settings. */
  readonly conditions: Readonly<Record<string, unknown>>;
  /** What reading a page from Postgres takes beside its work. */
  readonly readDelayMs: number;
  /** Cold pages per second, from clients enough to keep every connection to Postgres busy. */
  readonly capacityPerSecond: number;
  /** Cold pages, each asked for when the one before it had come. */
  readonly lonelyReadMs: Latencies;
  /** Pages in memory, before there was any other load. */
  readonly unloaded: Pick<Step, 'hits' | 'lateMs' | 'generatorCores' | 'serverCores' | 'busyCores'>;
  readonly passes: readonly Pass[];
}

/** What those do who are refused. */
export type Refused = 'give up' | 'retry';

export interface Pass {
  readonly refused: Refused;
  /** By their loads, upwards. */
  readonly steps: readonly Step[];
  /** Back at the load of the first step. */
  readonly stepDown: Step;
  /** From the step down until pages came as in the first step again; null: they did not. */
  readonly recoveryMs: number | null;
}

/** Requests count for the step in which they were due. */
export interface Step {
  /** New requests for cold pages, as a multiple of the capacity. */
  readonly load: number;
  readonly seconds: number;
  /** New requests for cold pages per second, without retries. */
  readonly offeredPerSecond: number;
  /** All requests for cold pages. */
  readonly requestsPerSecond: number;
  /** Cold pages that came. */
  readonly goodputPerSecond: number;
  readonly refusalsPerSecond: number;
  readonly admittedMs: Latencies | null;
  readonly refusedMs: Latencies | null;
  readonly hits: { readonly requests: number; readonly failed: number; readonly ms: Latencies | null };
  /** Cold pages that were in memory after all, and are no part of the goodput. */
  readonly warmPages: number;
  /** Of both streams, statuses other than 200 and 503, and errors, by how often they came. */
  readonly otherOutcomes: Readonly<Record<string, number>>;
  /** How late requests were sent, by the generator's fault. */
  readonly lateMs: Latencies | null;
  /** CPU of this process, in cores. */
  readonly generatorCores: number;
  /** CPU of the server's processes, Postgres apart; null: it could not be told. */
  readonly serverCores: number | null;
  /** CPU of the whole machine, in cores. */
  readonly busyCores: number;
}

export interface Latencies {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}
