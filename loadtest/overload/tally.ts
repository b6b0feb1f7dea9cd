/** The outcomes of one step, and what they come to. */

import type { Outcome } from '../open-loop.ts';
import { percentile } from '../provers/percentile.ts';
import type { HitOutcome } from './hits.ts';
import type { Latencies, Step } from './result.ts';

export type Figures = Omit<Step, 'load' | 'generatorCores' | 'serverCores' | 'busyCores'>;

export interface Tally {
  /** Of a cold page; asked for again after a refusal, or not. */
  cold(outcome: Outcome, isRetry: boolean): void;
  /** Of a page in memory. */
  hit(outcome: HitOutcome): void;
  figures(seconds: number): Figures;
}

// Numbers in flat lists: hundreds of thousands of objects would have the generator collect garbage.
export function createTally(): Tally {
  const admittedMs: number[] = [];
  const refusedMs: number[] = [];
  const hitsMs: number[] = [];
  const lateMs: number[] = [];
  const otherOutcomes: Record<string, number> = {};
  let offered = 0;
  let requests = 0;
  let warmPages = 0;
  let hits = 0;

  function count({ status, error }: Pick<Outcome, 'status' | 'error'>): void {
    const name = status === undefined ? (error ?? 'no answer') : String(status);
    otherOutcomes[name] = (otherOutcomes[name] ?? 0) + 1;
  }

  return {
    cold(outcome, isRetry) {
      requests++;
      if (!isRetry) offered++;
      lateMs.push(outcome.lateMs);
      if (isRefusal(outcome)) refusedMs.push(outcome.latencyMs);
      else if (outcome.status !== 200) count(outcome);
      else if (isFromMemory(outcome)) warmPages++;
      else admittedMs.push(outcome.latencyMs);
    },
    hit(outcome) {
      hits++;
      lateMs.push(outcome.lateMs);
      if (outcome.status === 200) hitsMs.push(outcome.latencyMs);
      else if (!isRefusal(outcome)) count(outcome);
    },
    figures: (seconds) => ({
      seconds,
      offeredPerSecond: offered / seconds,
      requestsPerSecond: requests / seconds,
      goodputPerSecond: admittedMs.length / seconds,
      refusalsPerSecond: refusedMs.length / seconds,
      admittedMs: latenciesOf(admittedMs),
      refusedMs: latenciesOf(refusedMs),
      hits: { requests: hits, failed: hits - hitsMs.length, ms: latenciesOf(hitsMs) },
      warmPages,
      otherOutcomes: { ...otherOutcomes },
      lateMs: latenciesOf(lateMs),
    }),
  };
}

export const isRefusal = ({ status }: Pick<Outcome, 'status'>): boolean => status === 503;

/** By Cache-Status (RFC 9211), also where the page is stale. */
export const isFromMemory = ({ headers }: Outcome): boolean =>
  String(headers['cache-status'] ?? '').startsWith('frontshelf-memory; hit');

/** Null of no values. */
export function latenciesOf(valuesMs: readonly number[]): Latencies | null {
  if (valuesMs.length === 0) return null;
  const sorted = Float64Array.from(valuesMs).sort();
  const at = (share: number) => percentile(sorted, share);
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), max: at(1) };
}
