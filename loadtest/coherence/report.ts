/** The result of a run: what was done, what was found, and whether that proves anything. */
import { percentile } from '../provers/percentile.ts';
import type { Counts, Violation } from './reading.ts';

export interface Lag {
  readonly samples: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface Result {
  readonly conditions: Readonly<Record<string, unknown>>;
  readonly plan: readonly string[];
  readonly readsJudged: number;
  readonly answers: Readonly<Record<string, number>>;
  readonly failedRequests: Readonly<Record<string, number>>;
  readonly refusedConnections: number;
  readonly writes: Readonly<Record<string, number>>;
  readonly failedWrites: readonly string[];
  readonly faults: Readonly<Record<string, number>>;
  readonly hostEnds: Readonly<Record<string, number>>;
  /** Workers that were ready, and of these those that answered. */
  readonly workers: { readonly seen: number; readonly reached: number };
  readonly lags: Readonly<Record<string, Lag>>;
  /** What a page in memory took to be answered, in the same phases. */
  readonly hits: Readonly<Record<string, Lag>>;
  readonly brokenChases: number;
  readonly lyingAnswers: number;
  /** The first hundred, one for each cell of an answer. */
  readonly violations: readonly Violation[];
  /** Why the run proves nothing; none when it does. */
  readonly thin: readonly string[];
}

export function lagOf(valuesMs: readonly number[]): Lag {
  const sorted = valuesMs.toSorted((a, b) => a - b);
  return {
    samples: sorted.length,
    p50Ms: percentile(sorted, 0.5),
    p99Ms: percentile(sorted, 0.99),
    maxMs: percentile(sorted, 1),
  };
}

export interface Expected {
  readonly reads: number;
  readonly faultKinds: readonly string[];
  readonly lagPhases: readonly string[];
}

/** A sentence for each thing that was to be tried and was not. */
export function thinness(
  result: Pick<Result, 'readsJudged' | 'writes' | 'faults' | 'workers' | 'lags'>,
  expected: Expected,
): string[] {
  const missing = (kinds: readonly string[], counts: Readonly<Record<string, unknown>>) =>
    kinds.filter((kind) => !counts[kind]);
  const { readsJudged, writes, faults, workers, lags } = result;
  return [
    ...(readsJudged < expected.reads
      ? [`Only ${readsJudged} answers were judged; there should be ${expected.reads}.`]
      : []),
    ...missing(Object.keys(writes), writes).map((kind) => `There was no write of kind ${kind}.`),
    ...missing(expected.faultKinds, faults).map((kind) => `The fault ${kind} did not happen.`),
    ...missing(expected.lagPhases, lags).map((phase) => `No commit was followed ${phase}.`),
    ...(workers.reached < workers.seen
      ? [`${workers.seen - workers.reached} of ${workers.seen} workers answered no request.`]
      : []),
  ];
}

const table = (counts: Readonly<Record<string, unknown>>) =>
  Object.entries(counts).map(([name, value]) => `  ${name.padEnd(38)}${value}`);

const section = (title: string, lines: readonly string[]) =>
  lines.length === 0 ? [] : ['', title, ...lines];

const shownMs = (ms: number) => `${ms.toFixed(1)} ms`;

const lagText = ({ samples, p50Ms, p99Ms, maxMs }: Lag) =>
  `p50 ${shownMs(p50Ms)}, p99 ${shownMs(p99Ms)}, max ${shownMs(maxMs)} (${samples} samples)`;

const lagTable = (lags: Readonly<Record<string, Lag>>) =>
  Object.entries(lags).map(([phase, lag]) => `  ${phase.padEnd(38)}${lagText(lag)}`);

export function violationText(violation: Violation): string {
  const { kind, cell, shown, newer, newerAgeMs, version } = violation;
  const { host, workerPid, slug, status, cacheStatus, beganAtMs, endedAtMs, faults } = violation;
  const lines = [`${kind}: ${cell} shows ${JSON.stringify(shown)}`];
  if (newer && newerAgeMs !== undefined)
    lines.push(
      `${JSON.stringify(newer.value)} had been committed for ${shownMs(newerAgeMs)} when the request began (COMMIT sent ${newer.sentAtMs.toFixed(1)}, returned ${newer.returnedAtMs.toFixed(1)})`,
    );
  if (version && Number.isFinite(version.sentAtMs))
    lines.push(
      `what is shown was committed: sent ${version.sentAtMs.toFixed(1)}, returned ${version.returnedAtMs.toFixed(1)}`,
    );
  lines.push(
    `/v1/products/${slug} of ${host}, worker ${workerPid ?? 'unknown'}: ${status}, ${cacheStatus || 'no Cache-Status'}; asked ${beganAtMs.toFixed(1)}, answered ${endedAtMs.toFixed(1)}`,
    `faults: ${faults.join('; ') || 'none'}`,
  );
  return lines.join('\n    ');
}

const violationsShown = 10;

export function reportText(result: Result): string {
  const { conditions, violations, lyingAnswers, workers, thin } = result;
  // One of each cell, as those that follow each other mostly have one cause.
  const shown = [
    ...new Map(violations.toReversed().map((violation) => [violation.cell, violation])).values(),
  ];
  const total = (counts: Readonly<Record<string, number>>) =>
    Object.values(counts).reduce((sum, count) => sum + count, 0);
  return [
    ...section(
      'Conditions',
      table(
        Object.fromEntries(
          Object.entries(conditions).map(([k, v]) => [k, typeof v === 'string' ? v : JSON.stringify(v)]),
        ),
      ),
    ),
    ...section(`Writes (${total(result.writes)})`, table(result.writes)),
    ...section(
      `Writes that failed (${result.failedWrites.length})`,
      result.failedWrites.slice(0, violationsShown).map((text) => `  ${text}`),
    ),
    ...section(`Faults (${total(result.faults)})`, table(result.faults)),
    ...section('Ends of hosts', table(result.hostEnds)),
    ...section(`Answers (${total(result.answers)})`, table(result.answers)),
    ...section(`Requests without an answer (${total(result.failedRequests)})`, table(result.failedRequests)),
    ...section('An answer from memory, for what this machine makes of the least', lagTable(result.hits)),
    ...section('From commit to the first answer that shows it, on each worker', [
      ...lagTable(result.lags),
      `  ${'given up'.padEnd(38)}${result.brokenChases}`,
    ]),
    ...section(
      'Violations, the first of each cell',
      shown
        .reverse()
        .slice(0, violationsShown)
        .map((violation) => `  ${violationText(violation)}`),
    ),
    '',
    `${result.readsJudged} answers of ${workers.reached} workers were judged; ${lyingAnswers} broke the promise.`,
    ...thin.map((reason) => `The run proves nothing: ${reason}`),
  ].join('\n');
}

export const answersOf = ({ answers, failed }: Counts) => ({
  answers: Object.fromEntries([...answers].sort()),
  failedRequests: Object.fromEntries([...failed].sort()),
});
