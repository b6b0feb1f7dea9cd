/** What the lab knows of an architecture that it measures. */

/**
 * How a client gets what a product page needs: `page` in one request, `/v1/products/{slug}`; `parts` in the fifteen of
 * `parts.ts`, by the product's id.
 */
export type Api = 'page' | 'parts';

export interface Target {
  /** As it is named on the command line and in reports. */
  readonly name: string;
  /** One sentence. */
  readonly summary: string;
  readonly api: Api;
  /** The programs it is made of; clients talk to the first. */
  programs(surroundings: Surroundings): readonly Program[];
}

/** What a target runs on, and how much of the machine it may have. */
export interface Surroundings {
  /** May only read. */
  readonly databaseUrl: string;
  readonly redisUrl: string;
  /** Whole cores that it may use, at least 1 although its share of them may be less. */
  readonly workers: number;
  /** A bound on staleness that the scenario asks for; null: each target's own default. */
  readonly stalenessMs: number | null;
  /** Free ports, a new one at each call. */
  port(): number;
}

export interface Program {
  /** Run by Node, relative to the project. */
  readonly file: string;
  /** All of its environment but PATH; it listens on `PORT`, on 127.0.0.1 only, and ends in order on SIGTERM. */
  readonly env: Readonly<Record<string, string>>;
  readonly port: number;
  /** Answers 200 as soon as the program may be asked for pages. */
  readonly readyPath: string;
  /** Where it tells what it has counted, as Prometheus reads it; absent when it counts nothing. */
  readonly metricsUrl?: string;
}
