/**
 * What a worker counts, in one preallocated array: a slot for each counter, and for each histogram series one per
 * bucket, one for what lies above the last, and one for the sum. Recording is an index and an addition, about a
 * twentieth of what a general-purpose histogram costs. Totals only ever grow, so a snapshot that is
 * lost or sent twice does no harm.
 */
import type { CacheObserver, ServedFrom } from '../cache/entry.ts';
import {
  type CounterDefinition,
  cacheCoalesced,
  cacheFillDuration,
  cacheRequests,
  cumulativeMetrics,
  type HistogramDefinition,
  type Labels,
  processCpu,
  productsServed,
  requestDuration,
  requestLabels,
} from './catalogue.ts';

export interface Recorder {
  readonly cache: CacheObserver;
  requestEnded(method: string, route: string, status: number, durationMs: number): void;
  productServed(servedFrom: ServedFrom): void;
  /** The totals up to now, one per slot. */
  totals(): number[];
}

type CumulativeDefinition = CounterDefinition | HistogramDefinition;

const slotsPerSeries = (definition: CumulativeDefinition): number =>
  definition.type === 'counter' ? 1 : definition.buckets.length + 2;

const seriesKey = (definition: CumulativeDefinition, labels: Labels): string =>
  `${definition.name}${JSON.stringify(Object.entries(labels).sort())}`;

/** Where each series begins in the array; the same in every process, as all derive it from the catalogue. */
const firstSlots = new Map<string, number>();
let slots = 0;
for (const definition of cumulativeMetrics)
  for (const labels of definition.labelSets) {
    firstSlots.set(seriesKey(definition, labels), slots);
    slots += slotsPerSeries(definition);
  }

export const totalSlots = slots;

/** The first slot of a series; undefined when the catalogue does not have it. */
export function slotOf(definition: CumulativeDefinition, labels: Labels): number | undefined {
  return firstSlots.get(seriesKey(definition, labels));
}

/** The same for a series that is known to be there. */
function requiredSlot(definition: CumulativeDefinition, labels: Labels): number {
  const slot = slotOf(definition, labels);
  if (slot === undefined) throw new Error(`${definition.name} has no series ${JSON.stringify(labels)}`);
  return slot;
}

export function createRecorder(): Recorder {
  const values = new Float64Array(totalSlots);

  function add(slot: number, amount: number): void {
    values[slot] = (values[slot] ?? 0) + amount;
  }

  function observe({ buckets }: HistogramDefinition, firstSlot: number, seconds: number): void {
    let bucket = 0;
    while (bucket < buckets.length && seconds > (buckets[bucket] ?? 0)) bucket++;
    add(firstSlot + bucket, 1);
    add(firstSlot + buckets.length + 1, seconds);
  }

  const cpu = requiredSlot(processCpu, {});
  const coalesced = requiredSlot(cacheCoalesced, { scope: 'worker' });
  const served: Readonly<Record<ServedFrom, number>> = {
    memory: requiredSlot(productsServed, { tier: 'memory' }),
    redis: requiredSlot(productsServed, { tier: 'redis' }),
    postgres: requiredSlot(productsServed, { tier: 'postgres' }),
    stale: requiredSlot(productsServed, { tier: 'stale' }),
    negative: requiredSlot(productsServed, { tier: 'negative' }),
  };
  const tierResults = {
    memory: {
      hit: requiredSlot(cacheRequests, { tier: 'memory', result: 'hit' }),
      miss: requiredSlot(cacheRequests, { tier: 'memory', result: 'miss' }),
      stale: requiredSlot(cacheRequests, { tier: 'memory', result: 'stale' }),
      negative: requiredSlot(cacheRequests, { tier: 'memory', result: 'negative' }),
    },
    redis: {
      hit: requiredSlot(cacheRequests, { tier: 'redis', result: 'hit' }),
      miss: requiredSlot(cacheRequests, { tier: 'redis', result: 'miss' }),
      error: requiredSlot(cacheRequests, { tier: 'redis', result: 'error' }),
    },
  };
  const fills = {
    redis: requiredSlot(cacheFillDuration, { outcome: 'redis' }),
    postgres: requiredSlot(cacheFillDuration, { outcome: 'postgres' }),
    absent: requiredSlot(cacheFillDuration, { outcome: 'absent' }),
    error: requiredSlot(cacheFillDuration, { outcome: 'error' }),
  };
  const unforeseen = requiredSlot(requestDuration, requestLabels('_OTHER', 'unmatched', 'other'));

  // Resolved from labels when a combination first occurs; after that a request costs two lookups.
  const requestSlots = new Map<string, Map<number, number>>();
  function requestSlot(method: string, route: string, status: number): number {
    const index = methodIndex(method);
    const known = requestSlots.get(route)?.get(4 * status + index);
    if (known !== undefined) return known;
    const slot =
      slotOf(requestDuration, requestLabels(methodNames[index] ?? '', route, status)) ?? unforeseen;
    const ofRoute = requestSlots.get(route) ?? new Map<number, number>();
    requestSlots.set(route, ofRoute.set(4 * status + index, slot));
    return slot;
  }

  return {
    requestEnded(method, route, status, durationMs) {
      observe(requestDuration, requestSlot(method, route, status), durationMs / 1000);
    },
    productServed(servedFrom) {
      add(served[servedFrom], 1);
    },
    cache: {
      memoryAnswered: (result) => add(tierResults.memory[result], 1),
      redisAnswered: (result) => add(tierResults.redis[result], 1),
      coalesced: () => add(coalesced, 1),
      filled: (outcome, durationMs) => observe(cacheFillDuration, fills[outcome], durationMs / 1000),
    },
    totals() {
      const { user, system } = process.cpuUsage();
      values[cpu] = (user + system) / 1e6;
      return Array.from(values);
    },
  };
}

const methodNames = ['GET', 'HEAD', 'OPTIONS', '_OTHER'];

function methodIndex(method: string): number {
  const index = methodNames.indexOf(method);
  return index < 0 ? 3 : index;
}
