import {
  type CumulativeDefinition,
  cumulativeMetrics,
  type Labels,
  type MetricDefinition,
  primaryMetrics,
  workerCounters,
  workerGauges,
} from './catalogue.ts';
import { slotOf } from './recorder.ts';

/** What is exposed. */
export interface MetricsSource {
  /** The sums over workers, one per slot of the recorder. */
  readonly totals: Float64Array;
  /** The same for each worker's place, by its number, of which only `workerCounters` count. */
  readonly placeTotals: ReadonlyMap<string, Float64Array>;
  /**
   * Each living worker's gauges, by its number: one per label set of each worker gauge, in the catalogue's order.
   * Null: it has none.
   */
  readonly gauges: ReadonlyMap<string, readonly (number | null)[]>;
  readonly primary: PrimarySamples;
}

export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

/** All series of the metrics that the primary knows by itself. */
export type PrimarySamples = Readonly<Record<keyof typeof primaryMetrics, readonly Sample[]>>;

export type ExpositionFormat = 'prometheus' | 'openmetrics';

const contentTypes: Readonly<Record<ExpositionFormat, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

/**
 * Everything in one of Prometheus' text formats (prometheus.io/docs/instrumenting/exposition_formats,
 * OpenMetrics 1.0). Only reads what is given: it waits for no worker.
 */
export function exposition(
  { totals, placeTotals, gauges, primary }: MetricsSource,
  format: ExpositionFormat = 'prometheus',
): { contentType: string; text: string } {
  const lines: string[] = [];

  for (const definition of cumulativeMetrics) {
    lines.push(heading(definition, format));
    const perWorker = perWorkerMetrics.get(definition);
    if (perWorker === undefined) writeCumulative(lines, sharedSeries.get(definition) ?? [], totals);
    else
      for (const [worker, values] of placeTotals)
        for (const { labels, slot } of perWorker)
          lines.push(line(seriesText(definition.name, { ...labels, worker }), values[slot] ?? 0));
  }

  let first = 0;
  for (const definition of workerGauges) {
    lines.push(heading(definition, format));
    for (const [worker, values] of gauges)
      for (const [i, labels] of definition.labelSets.entries()) {
        const value = values[first + i] ?? null;
        if (value !== null) lines.push(line(seriesText(definition.name, { ...labels, worker }), value));
      }
    first += definition.labelSets.length;
  }

  for (const [key, definition] of Object.entries(primaryMetrics)) {
    lines.push(heading(definition, format));
    if (isPrimaryMetric(key))
      for (const { labels, value } of primary[key])
        lines.push(line(seriesText(definition.name, labels), value));
  }

  if (format === 'openmetrics') lines.push('# EOF');
  return { contentType: contentTypes[format], text: `${lines.join('\n')}\n` };
}

const isPrimaryMetric = (key: string): key is keyof typeof primaryMetrics => key in primaryMetrics;

const line = (series: string, value: number): string => `${series} ${valueText(value)}`;

function valueText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
}

function heading({ name, help, type }: MetricDefinition, format: ExpositionFormat): string {
  // In OpenMetrics the family's name is without the suffix that each of its samples has.
  const family = format === 'openmetrics' && type === 'counter' ? name.replace(/_total$/, '') : name;
  return `# HELP ${family} ${help}\n# TYPE ${family} ${type}`;
}

function seriesText(name: string, labels: Labels): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapedText(text)}"`);
  return pairs.length === 0 ? name : `${name}{${pairs.join(',')}}`;
}

const escapedText = (text: string): string =>
  text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');

/** A counter's series, or those that make up one histogram, without their values. */
interface CumulativeSeries {
  readonly slot: number;
  readonly buckets: readonly string[];
  /** Null: it is a counter. */
  readonly sum: string | null;
  readonly count: string;
}

const perWorkerMetrics: ReadonlyMap<MetricDefinition, readonly { labels: Labels; slot: number }[]> = new Map(
  workerCounters.map((definition) => [
    definition,
    definition.labelSets.map((labels) => ({ labels, slot: slotOf(definition, labels) ?? 0 })),
  ]),
);

/**
 * The series that are the same in every scrape, nearly all there are. Written once they cost a scrape a tenth of
 * what they do through prom-client, which a scrape of a full machine feels: the primary has to share its core.
 */
const sharedSeries: ReadonlyMap<MetricDefinition, readonly CumulativeSeries[]> = new Map(
  cumulativeMetrics
    .filter((definition) => !perWorkerMetrics.has(definition))
    .map((definition) => [
      definition,
      definition.labelSets.map((labels) => cumulativeSeries(definition, labels)),
    ]),
);

function cumulativeSeries(definition: CumulativeDefinition, labels: Labels): CumulativeSeries {
  const { name, type } = definition;
  const slot = slotOf(definition, labels) ?? 0;
  if (type === 'counter') return { slot, buckets: [], sum: null, count: seriesText(name, labels) };
  return {
    slot,
    buckets: [...definition.buckets.map(boundText), '+Inf'].map((le) =>
      seriesText(`${name}_bucket`, { le, ...labels }),
    ),
    sum: seriesText(`${name}_sum`, labels),
    count: seriesText(`${name}_count`, labels),
  };
}

function writeCumulative(
  lines: string[],
  series: readonly CumulativeSeries[],
  totals: Readonly<Float64Array>,
): void {
  for (const { slot, buckets, sum, count } of series) {
    if (sum === null) {
      lines.push(line(count, totals[slot] ?? 0));
      continue;
    }
    let below = 0;
    for (const [i, bucket] of buckets.entries()) {
      below += totals[slot + i] ?? 0;
      lines.push(line(bucket, below));
    }
    lines.push(line(sum, totals[slot + buckets.length] ?? 0), line(count, below));
  }
}

/** A whole number as 1.0: OpenMetrics asks for it, and a bucket must be one series whichever format was scraped. */
function boundText(bound: number): string {
  return Number.isInteger(bound) ? bound.toFixed(1) : String(bound);
}
