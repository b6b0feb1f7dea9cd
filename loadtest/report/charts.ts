/** Which charts a result has, as data that `draw.js` draws in the reader's browser. */
import type { Result, Run } from '../lab/result.ts';
import { type FigureName, type Row, rowsOf, sizesOf, spreadOf, targetsOf } from './figures.ts';
import { count, decimal } from './text.ts';

export interface Chart {
  readonly id: string;
  /** What to see in it. */
  readonly title: string;
  readonly unit: string;
  readonly kind: 'bar' | 'line';
  readonly scale: 'linear' | 'logarithmic';
  /** The same in charts that are read side by side. */
  readonly min: number;
  readonly max: number;
  /** What the labels are of. */
  readonly axis: string;
  readonly labels: readonly string[];
  readonly series: readonly Series[];
}

export interface Series {
  readonly target: string;
  /** Of the target, in all charts. */
  readonly color: number;
  /** One for each label; null where there is none that may be compared. */
  readonly values: readonly (number | null)[];
}

/** Colours of `report.css`; of more targets some share one. */
const colorCount = 8;
export const colorOf = (target: string, targets: readonly string[]): number =>
  targets.indexOf(target) % colorCount;

type Unscaled = Omit<Chart, 'min' | 'max' | 'scale'> & {
  /** `fitting`: logarithmic where bars from zero would hide the least. */
  readonly wants: Chart['scale'] | 'fitting';
};

/** A chart of one figure, with the sizes side by side. */
type BySize = (
  chart: Pick<Unscaled, 'id' | 'title' | 'unit' | 'wants'>,
  read: (row: Row) => number | undefined,
) => Unscaled;

/** Charts that are read side by side, on one scale. */
export type ChartGroup = readonly Chart[];

/** Without those that would be empty. */
export function chartsOf(result: Result): ChartGroup[] {
  const rows = rowsOf(result);
  const targets = targetsOf(result.runs);
  const sizes = sizesOf(result.runs).map(({ name }) => name);

  /** Of all targets, so that legends are alike and a target that is missing is seen to be. */
  const seriesOf = <Label>(
    labels: readonly Label[],
    read: (target: string, label: Label) => number | undefined,
  ) =>
    targets.map((target) => ({
      target,
      color: colorOf(target, targets),
      values: labels.map((label) => read(target, label) ?? null),
    }));

  const rowAt = (target: string, size: string): Row | undefined =>
    rows.find((row) => row.target === target && row.size.name === size);

  const bySize: BySize = (chart, read) => ({
    ...chart,
    kind: 'bar',
    axis: 'Size',
    labels: sizes,
    series: seriesOf(sizes, (target, size) => {
      const row = rowAt(target, size);
      return row && read(row);
    }),
  });
  const medianOf = (name: FigureName) => (row: Row) => row.figures[name]?.median;

  const responses = sizes.map((size): Unscaled => {
    const figures = [
      ['average', 'avgMs'],
      ['p50', 'p50Ms'],
      ['p95', 'p95Ms'],
      ['p99', 'p99Ms'],
    ] as const;
    return {
      id: `response-${size}`,
      title: `Response time of a request, ${size}`,
      unit: 'ms',
      wants: 'fitting',
      kind: 'bar',
      axis: 'Figure',
      labels: figures.map(([label]) => label),
      series: seriesOf(figures, (target, [, name]) => rowAt(target, size)?.figures[name]?.median),
    };
  });

  const overTime = (what: string, percentile: 'med' | 'p99') =>
    sizes.map((size): Unscaled => {
      const compared = rows.filter((row) => row.size.name === size && row.timedRuns.length > 0);
      const longest = Math.max(
        0,
        ...compared.flatMap(({ timedRuns }) => timedRuns.map(({ slices }) => slices.length)),
      );
      const indexes = Array.from({ length: longest }, (_, index) => index);
      return {
        id: `over-time-${percentile}-${size}`,
        title: `${what} over time, ${size}`,
        unit: 'ms',
        wants: 'fitting',
        kind: 'line',
        axis: 'Seconds from the start',
        labels: indexes.map((index) => sliceLabel(compared, index)),
        series: seriesOf(indexes, (target, index) => {
          const runs = compared.find((row) => row.target === target)?.timedRuns ?? [];
          return spreadOf(
            runs
              .flatMap(({ slices }) => slices[index] ?? [])
              .flatMap(({ requests, responseMs }) => (requests > 0 ? responseMs[percentile] : [])),
          )?.median;
        }),
      };
    });

  const groups: (readonly Unscaled[])[] = [
    responses,
    [
      bySize(
        { id: 'throughput', title: 'Page views served', unit: 'page views/s', wants: 'fitting' },
        medianOf('pageViewsPerSecond'),
      ),
      bySize(
        { id: 'errors', title: 'Requests that failed, broken targets too', unit: '%', wants: 'linear' },
        medianOf('errorPercent'),
      ),
    ],
    [
      bySize(
        {
          id: 'cpu',
          title: 'Server CPU for a page view: less is better',
          unit: 'ms of CPU',
          wants: 'logarithmic',
        },
        medianOf('serverCpuMs'),
      ),
    ],
    ...scenarioCharts(result.scenario.name, bySize),
    overTime('Median response', 'med'),
    overTime('99th percentile of the response', 'p99'),
  ];
  return groups
    .map((group) =>
      group.filter(({ series }) => series.some(({ values }) => values.some((value) => value !== null))),
    )
    .filter((group) => group.length > 0)
    .map((group) => {
      // What stands together in different units is read each on its own scale.
      const oneUnit = new Set(group.map(({ unit }) => unit)).size === 1;
      return group.map((chart) => scaled(chart, oneUnit ? group : [chart]));
    });
}

function scenarioCharts(scenario: string, bySize: BySize): (readonly Unscaled[])[] {
  if (scenario === 'breakpoint')
    return [
      [
        bySize(
          {
            id: 'breakpoint',
            title: 'The rate at which the bounds broke: more is better',
            unit: 'page views/s',
            wants: 'fitting',
          },
          ({ timedRuns }) =>
            spreadOf(timedRuns.flatMap(({ extra }) => extra.breakpointPerSecond ?? []))?.median,
        ),
      ],
    ];
  if (scenario === 'edits')
    return [
      [
        bySize(
          {
            id: 'misses',
            title: 'Page views that were read from Postgres: less is better',
            unit: '%',
            wants: 'linear',
          },
          ({ runs, state }) =>
            state === 'broken'
              ? undefined
              : spreadOf(runs.flatMap((run) => missPercentOf(run) ?? []))?.median,
        ),
      ],
    ];
  return [];
}

/** Of a hundred page views, those for which Postgres was asked for the page. */
export const missPercentOf = ({ extra, pageViews }: Run): number | undefined =>
  extra.pageStatements === undefined ? undefined : (100 * extra.pageStatements) / pageViews;

function sliceLabel(rows: readonly Row[], index: number): string {
  const from = spreadOf(
    rows.flatMap(({ timedRuns }) => timedRuns.flatMap(({ slices }) => slices[index]?.fromSeconds ?? [])),
  );
  return from === undefined ? '' : from.median < 10 ? decimal(from.median) : count(from.median);
}

/** Beyond this many times the least, bars from zero would hide the least. */
const linearRange = 20;

function scaled({ wants, ...chart }: Unscaled, together: readonly Unscaled[]): Chart {
  const values = together
    .flatMap(({ series }) => series.flatMap((one) => one.values))
    .filter((value) => value !== null);
  const positive = values.filter((value) => value > 0);
  const least = Math.min(...positive);
  const most = Math.max(...values);
  const logarithmic =
    // There is no zero on a logarithmic scale.
    positive.length === values.length &&
    (wants === 'logarithmic' || (wants === 'fitting' && most > linearRange * least));
  if (!logarithmic) return { ...chart, scale: 'linear', min: 0, max: most > 0 ? niceAbove(most) : 1 };
  return { ...chart, scale: 'logarithmic', min: stepBelow(least), max: niceAbove(most) };
}

/** A full power of ten, and one more when the least bar would have no height. */
function stepBelow(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return value < 1.5 * power ? power / 10 : power;
}

function niceAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 1.5, 2, 3, 4, 5, 6, 8].find((step) => step * power >= value) ?? 10) * power;
}
