/** What a run comes to, and what the rounds of a target at a size come to together. */
import { type Spread, spread } from '../bench/statistics.ts';
import type { Result, Run, Size } from '../lab/result.ts';
import { judgeRun, type State } from './judge.ts';

/** Figures that hang on time, and are compared only where the generator gave what it was to give. */
const timedFigures = {
  avgMs: ({ responseMs }: Run) => responseMs.avg,
  p50Ms: ({ responseMs }: Run) => responseMs.med,
  p95Ms: ({ responseMs }: Run) => responseMs.p95,
  p99Ms: ({ responseMs }: Run) => responseMs.p99,
  pageViewAvgMs: ({ pageViewMs }: Run) => pageViewMs.avg,
  pageViewP99Ms: ({ pageViewMs }: Run) => pageViewMs.p99,
  requestsPerSecond: (run: Run) => run.requests / run.seconds,
  pageViewsPerSecond: (run: Run) => run.pageViews / run.seconds,
};

/** Figures of work done, which are the same however fast it was asked for. */
const workFigures = {
  serverCpuMs: (run: Run) => (1000 * run.serverCpuSeconds) / run.pageViews,
  postgresCpuMs: (run: Run) => (1000 * run.postgresCpuSeconds) / run.pageViews,
  redisCpuMs: (run: Run) => (1000 * run.redisCpuSeconds) / run.pageViews,
  sqlStatements: (run: Run) => run.sqlStatements / run.pageViews,
  redisCommands: (run: Run) => run.redisCommands / run.pageViews,
  peakMemoryMebibytes: (run: Run) => run.serverPeakMemoryBytes / 2 ** 20,
};

/** Figures that tell how far a run may be believed, and are shown of all. */
const trustFigures = {
  errorPercent: (run: Run) => (100 * run.failedRequests) / run.requests,
  generatorPercent: (run: Run) => (100 * run.generatorCpuSeconds) / run.seconds / run.generatorCores,
};

const all = { ...timedFigures, ...workFigures, ...trustFigures };
export type FigureName = keyof typeof all;
const figureNames = Object.keys(all).filter((name): name is FigureName => name in all);

/** NaN or infinite where the run does not have it: there is no CPU time per page view without page views. */
export const figureOf = (run: Run, name: FigureName): number => all[name](run);

/** A target at a size over all rounds. */
export interface Row {
  readonly target: string;
  readonly size: Size;
  readonly runs: readonly Run[];
  /** Those whose times may be compared; none when broken. */
  readonly timedRuns: readonly Run[];
  /** `broken` when one round was; `void` when no round is valid. */
  readonly state: State;
  /** Why rounds are broken or void, each once. */
  readonly reasons: readonly string[];
  /**
   * Those that may be compared, over the rounds in which they may be: of a broken row only how far it may be
   * believed; of void rounds nothing that hangs on time.
   */
  readonly figures: Partial<Readonly<Record<FigureName, Spread>>>;
}

/** Rows in the order of the sizes, then of the targets, as they first came. */
export function rowsOf({ runs, scenario }: Result): Row[] {
  return sizesOf(runs).flatMap((size) =>
    targetsOf(runs).flatMap((target) => {
      const own = runs.filter((run) => run.target === target && run.size.name === size.name);
      return own.length === 0 ? [] : [rowOf(target, size, own, scenario.name)];
    }),
  );
}

export const targetsOf = (runs: readonly Run[]): string[] => [...new Set(runs.map((run) => run.target))];

export const sizesOf = (runs: readonly Run[]): Size[] => [
  ...new Map(runs.map((run) => [run.size.name, run.size])).values(),
];

function rowOf(target: string, size: Size, runs: readonly Run[], scenario: string): Row {
  const judged = runs.map((run) => ({ run, ...judgeRun(run, scenario) }));
  const valid = judged.filter(({ state }) => state === 'valid').map(({ run }) => run);
  const broken = judged.filter(({ state }) => state === 'broken');
  const state = broken.length > 0 ? 'broken' : valid.length === 0 ? 'void' : 'valid';
  const timedRuns = state === 'broken' ? [] : valid;
  const workRuns = state === 'broken' ? [] : runs;
  const figures = Object.fromEntries(
    figureNames.flatMap((name) => {
      const usable = name in trustFigures ? runs : name in timedFigures ? timedRuns : workRuns;
      const over = spreadOf(usable.map((run) => figureOf(run, name)));
      return over === undefined ? [] : [[name, over]];
    }),
  );
  const told = state === 'broken' ? broken : judged;
  return {
    target,
    size,
    runs,
    timedRuns,
    state,
    reasons: [...new Set(told.flatMap(({ reasons }) => reasons))],
    figures,
  };
}

/** Undefined when there is no number among the values. */
export function spreadOf(values: readonly number[]): Spread | undefined {
  const finite = values.filter(Number.isFinite);
  return finite.length === 0 ? undefined : spread(finite);
}

/**
 * How many times as much as the reference a row needs: one ratio for each round that both have, as machines drift by
 * more from round to round than within one. Undefined when the rows have no such round.
 */
export function ratioOf(name: FigureName, row: Row, reference: Row): Spread | undefined {
  if (row.state === 'broken' || reference.state === 'broken') return undefined;
  const usable = ({ runs, timedRuns }: Row) => (name in timedFigures ? timedRuns : runs);
  return spreadOf(
    usable(row).flatMap((run) => {
      const other = usable(reference).find(({ round }) => round === run.round);
      return other === undefined ? [] : [figureOf(run, name) / figureOf(other, name)];
    }),
  );
}
