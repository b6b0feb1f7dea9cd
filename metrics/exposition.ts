import { AggregatorRegistry, Registry } from 'prom-client';
import {
  type CumulativeDefinition,
  cumulativeMetrics,
  type HistogramDefinition,
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

/** As prom-client takes it; `metricName` where it is not the family's. */
interface WrittenSample extends Sample {
  readonly metricName?: string;
}

export type ExpositionFormat = 'prometheus' | 'openmetrics';

/** Everything in one of Prometheus' text formats. Only reads what is given: it waits for no worker. */
export async function exposition(
  { totals, placeTotals, gauges, primary }: MetricsSource,
  format: ExpositionFormat = 'prometheus',
): Promise<{ contentType: string; text: string }> {
  const perWorker: ReadonlySet<MetricDefinition> = new Set(workerCounters);
  const families: { definition: MetricDefinition; samples: readonly WrittenSample[] }[] = [];

  for (const definition of cumulativeMetrics) {
    const places: Iterable<[string | undefined, Float64Array]> = perWorker.has(definition)
      ? placeTotals
      : [[undefined, totals]];
    const samples = [...places].flatMap(([worker, values]) =>
      definition.labelSets.flatMap((labels) => cumulativeSamples(definition, labels, worker, values)),
    );
    families.push({ definition, samples });
  }

  let first = 0;
  for (const definition of workerGauges) {
    const samples = [...gauges].flatMap(([worker, values]) =>
      definition.labelSets.flatMap((labels, i) => {
        const value = values[first + i] ?? null;
        return value === null ? [] : [{ labels: { ...labels, worker }, value }];
      }),
    );
    first += definition.labelSets.length;
    families.push({ definition, samples });
  }

  for (const [key, definition] of Object.entries(primaryMetrics))
    if (isPrimaryMetric(key)) families.push({ definition, samples: primary[key] });

  // The aggregator is the one public way into the text format for numbers that prom-client did not count itself.
  const registry: Registry<
    typeof Registry.PROMETHEUS_CONTENT_TYPE | typeof Registry.OPENMETRICS_CONTENT_TYPE
  > = AggregatorRegistry.aggregate([
    families.map(({ definition: { name, help, type }, samples }) => ({
      // In OpenMetrics the family's name is without the suffix, which prom-client then adds to each sample.
      name: format === 'openmetrics' && type === 'counter' ? name.replace(/_total$/, '') : name,
      help,
      type,
      aggregator: 'first',
      values: samples,
    })),
  ]);
  if (format === 'openmetrics') registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  return { contentType: registry.contentType, text: await registry.metrics() };
}

const isPrimaryMetric = (key: string): key is keyof typeof primaryMetrics => key in primaryMetrics;

function cumulativeSamples(
  definition: CumulativeDefinition,
  labels: Labels,
  worker: string | undefined,
  totals: Float64Array,
): WrittenSample[] {
  const slot = slotOf(definition, labels) ?? 0;
  if (definition.type === 'histogram') return histogramSamples(definition, labels, totals.subarray(slot));
  return [{ labels: worker === undefined ? labels : { ...labels, worker }, value: totals[slot] ?? 0 }];
}

function histogramSamples(
  { name, buckets }: HistogramDefinition,
  labels: Labels,
  slots: Float64Array,
): WrittenSample[] {
  let count = 0;
  const cumulative = [...buckets.map(boundText), '+Inf'].map((le, i) => {
    count += slots[i] ?? 0;
    return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: count };
  });
  return [
    ...cumulative,
    { metricName: `${name}_sum`, labels, value: slots[buckets.length + 1] ?? 0 },
    { metricName: `${name}_count`, labels, value: count },
  ];
}

/** A whole number as 1.0: OpenMetrics asks for it, and a bucket must be one series whichever format was scraped. */
const boundText = (bound: number): string => (Number.isInteger(bound) ? bound.toFixed(1) : String(bound));
