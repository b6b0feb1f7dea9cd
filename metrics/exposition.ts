import { AggregatorRegistry } from 'prom-client';
import { cumulativeMetrics, type Labels, workerGauges } from './catalogue.ts';
import { slotOf } from './recorder.ts';

/** What is exposed: the sums over workers, and each living worker's gauges by the worker's slot number. */
export interface MetricsSource {
  /** One total per slot of the recorder. */
  readonly totals: Float64Array;
  /** Per worker one value per label set of each worker gauge, in the catalogue's order. */
  readonly gauges: ReadonlyMap<string, readonly number[]>;
}

interface Sample {
  readonly labels: Labels;
  readonly value: number;
  readonly metricName?: string;
}

/** Everything in Prometheus' text format. Only reads what is given: it waits for no worker. */
export async function exposition({
  totals,
  gauges,
}: MetricsSource): Promise<{ contentType: string; text: string }> {
  const metrics = cumulativeMetrics.map((definition) => ({
    name: definition.name,
    help: definition.help,
    type: definition.type,
    aggregator: 'sum',
    values: definition.labelSets.flatMap((labels): Sample[] => {
      const slot = slotOf(definition, labels) ?? 0;
      return definition.type === 'counter'
        ? [{ labels, value: totals[slot] ?? 0 }]
        : histogramSamples(definition.name, definition.buckets, labels, totals.subarray(slot));
    }),
  }));

  let index = 0;
  const gaugeMetrics = workerGauges.map(({ name, help, type, labelSets }) => {
    const first = index;
    index += labelSets.length;
    const values = [...gauges].flatMap(([worker, worths]) =>
      labelSets.map((labels, i) => ({ labels: { ...labels, worker }, value: worths[first + i] ?? 0 })),
    );
    return { name, help, type, aggregator: 'sum', values };
  });

  // The aggregator is the one public way into the text format for numbers that prom-client did not count itself.
  const registry = AggregatorRegistry.aggregate([[...metrics, ...gaugeMetrics]]);
  return { contentType: registry.contentType, text: await registry.metrics() };
}

function histogramSamples(
  name: string,
  buckets: readonly number[],
  labels: Labels,
  slots: Float64Array,
): Sample[] {
  let count = 0;
  const cumulative = [...buckets, '+Inf'].map((le, i) => {
    count += slots[i] ?? 0;
    return { metricName: `${name}_bucket`, labels: { le: String(le), ...labels }, value: count };
  });
  return [
    ...cumulative,
    { metricName: `${name}_sum`, labels, value: slots[buckets.length + 1] ?? 0 },
    { metricName: `${name}_count`, labels, value: count },
  ];
}
