/**
 * What a worker counts, in one preallocated array: a slot for each counter, and for each histogram series one per
 * bucket, one for what lies above the last, and one for the sum. Recording is an index and an addition, about a
 * twentieth of what a general-purpose histogram costs. Totals only ever grow, so a snapshot that is
 * lost or sent twice does no harm.
 */
import type { CacheObserver, ServedFrom } from '../cache/entry.ts';
import type { RedisObserver } from '../cache/redis-tier.ts';
import type { FailureKind } from '../sql/errors.ts';
import {
  admissionWait,
  type CumulativeDefinition,
  cacheCoalesced,
  cacheEvictions,
  cacheFillDuration,
  cacheLeases,
  cacheOperationDuration,
  cacheRefreshes,
  cacheRequests,
  changeEvents,
  changeLag,
  connectionsDropped,
  connectionTimeouts,
  cumulativeMetrics,
  databaseOperationDuration,
  eventLoopDelay,
  eventLoopTime,
  garbageCollections,
  type HistogramDefinition,
  type Labels,
  logLinesDropped,
  processCpu,
  productsServed,
  requestDuration,
  requestLabels,
  requestsShed,
  responseBodySize,
} from './catalogue.ts';

export type ConnectionDrop = 'full' | 'slow-reader' | 'pipelining';
export type DatabaseOperation =
  | 'product_page'
  | 'product_pages'
  | 'product_list'
  | 'search'
  | 'suggestions'
  | 'related'
  | 'reviews'
  | 'achievements'
  | 'product_export'
  | 'warm_up';
export type GarbageCollection = 'major' | 'minor' | 'incremental' | 'weakcb';

/** Everything that happens in a worker is told here. Calls are synchronous and do not throw. */
export interface Recorder {
  readonly cache: CacheObserver;
  readonly redis: RedisObserver;
  /** Reads of Postgres that were begun or refused. */
  readonly admission: {
    admitted(waitedMs: number): void;
    shed(reason: 'refresh' | 'event_loop' | 'queue_full' | 'timeout' | 'abandoned'): void;
  };
  requestBegan(): void;
  /** `bodyBytes` is what was sent, 0 for an answer without a body. */
  requestEnded(method: string, route: string, status: number, durationMs: number, bodyBytes: number): void;
  productServed(servedFrom: ServedFrom): void;
  /** A client's connection was closed without an answer. */
  connectionDropped(reason: ConnectionDrop): void;
  /** Changes that came together, and how long ago the change log was asked that told of them. */
  changed(result: 'announced' | 'found', count: number, lagMs: number): void;
  /** `failure` undefined: it succeeded. */
  databaseAnswered(operation: DatabaseOperation, durationMs: number, failure: FailureKind | undefined): void;
  /** No connection to Postgres was to be had in time. */
  connectionTimedOut(): void;
  eventLoopDelayed(delayMs: number): void;
  garbageCollected(kind: GarbageCollection, durationMs: number): void;
  logLinesDropped(lines: number): void;
  /** Requests that have begun and not ended. */
  readonly activeRequests: number;
  /** The totals up to now, one per slot. */
  totals(): number[];
}

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
export function requiredSlot(definition: CumulativeDefinition, labels: Labels): number {
  const slot = slotOf(definition, labels);
  if (slot === undefined) throw new Error(`${definition.name} has no series ${JSON.stringify(labels)}`);
  return slot;
}

/** The slots of a metric's series by the value of one of their labels, the others being given. */
function slotsBy<T extends string>(
  definition: CumulativeDefinition,
  label: string,
  values: readonly T[],
  others: Labels = {},
): Readonly<Record<T, number>> {
  const found = values.map((value) => [value, requiredSlot(definition, { ...others, [label]: value })]);
  // The keys are the values, which is more than the compiler can follow.
  return Object.fromEntries(found) as Record<T, number>;
}

export function createRecorder(): Recorder {
  const values = new Float64Array(totalSlots);

  function add(slot: number, amount: number): void {
    values[slot] = (values[slot] ?? 0) + amount;
  }

  function observe({ buckets }: HistogramDefinition, firstSlot: number, amount: number): void {
    let bucket = 0;
    while (bucket < buckets.length && amount > (buckets[bucket] ?? 0)) bucket++;
    add(firstSlot + bucket, 1);
    add(firstSlot + buckets.length + 1, exactly(amount));
  }

  const cpu = requiredSlot(processCpu, {});
  const loop = slotsBy(eventLoopTime, 'nodejs_eventloop_state', ['active', 'idle']);
  const delay = requiredSlot(eventLoopDelay, {});
  const collections = slotsBy(garbageCollections, 'v8js_gc_type', [
    'major',
    'minor',
    'incremental',
    'weakcb',
  ]);
  const droppedLines = requiredSlot(logLinesDropped, { process: 'worker' });
  const coalesced = slotsBy(cacheCoalesced, 'scope', ['worker', 'cluster']);
  const leases = slotsBy(cacheLeases, 'result', ['granted', 'early', 'refused', 'expired']);
  const changes = slotsBy(changeEvents, 'result', ['announced', 'found']);
  const lag = requiredSlot(changeLag, {});
  const refreshed = requiredSlot(cacheRefreshes, {});
  const evicted = requiredSlot(cacheEvictions, { tier: 'memory', reason: 'size' });
  const connectionTimeout = requiredSlot(connectionTimeouts, { db_system_name: 'postgresql' });
  const dropped = slotsBy(connectionsDropped, 'reason', ['full', 'slow-reader', 'pipelining']);
  const served = slotsBy(productsServed, 'tier', ['memory', 'redis', 'postgres', 'stale', 'negative']);
  const memoryResults = slotsBy(cacheRequests, 'result', ['hit', 'miss', 'stale', 'negative'], {
    tier: 'memory',
  });
  const redisResults = slotsBy(
    cacheRequests,
    'result',
    ['hit', 'miss', 'negative', 'outdated', 'error', 'bypass'],
    { tier: 'redis' },
  );
  const redisOperations = slotsBy(cacheOperationDuration, 'op', ['get', 'set'], { tier: 'redis' });
  const fills = slotsBy(cacheFillDuration, 'outcome', ['redis', 'postgres', 'absent', 'error']);
  const waited = requiredSlot(admissionWait, {});
  const shed = slotsBy(requestsShed, 'reason', [
    'refresh',
    'event_loop',
    'queue_full',
    'timeout',
    'abandoned',
  ]);
  const unforeseen = requiredSlot(requestDuration, requestLabels('_OTHER', 'unmatched', 'other'));
  const unmatchedBody = requiredSlot(responseBodySize, { http_route: 'unmatched' });

  const databaseSlots = (system: string, operation: string) =>
    slotsBy(databaseOperationDuration, 'error_type', ['', 'timeout', 'unavailable', 'other'], {
      db_system_name: system,
      db_operation_name: operation,
    });
  const postgres = {
    product_page: databaseSlots('postgresql', 'product_page'),
    product_pages: databaseSlots('postgresql', 'product_pages'),
    product_list: databaseSlots('postgresql', 'product_list'),
    search: databaseSlots('postgresql', 'search'),
    suggestions: databaseSlots('postgresql', 'suggestions'),
    related: databaseSlots('postgresql', 'related'),
    reviews: databaseSlots('postgresql', 'reviews'),
    achievements: databaseSlots('postgresql', 'achievements'),
    product_export: databaseSlots('postgresql', 'product_export'),
    warm_up: databaseSlots('postgresql', 'warm_up'),
  };
  const redisCommands = { get: databaseSlots('redis', 'get'), set: databaseSlots('redis', 'set') };

  /** What is known of a route, by its statuses and methods as they occur: after that a request costs two lookups. */
  interface RouteSlots {
    readonly body: number;
    readonly durations: Map<number, number>;
  }
  const routes = new Map<string, RouteSlots>();

  function slotsOfRoute(route: string): RouteSlots {
    const known = routes.get(route);
    if (known !== undefined) return known;
    const body = slotOf(responseBodySize, { http_route: route }) ?? unmatchedBody;
    const made = { body, durations: new Map<number, number>() };
    routes.set(route, made);
    return made;
  }

  function durationSlot({ durations }: RouteSlots, method: string, route: string, status: number): number {
    const index = methodIndex(method);
    const known = durations.get(4 * status + index);
    if (known !== undefined) return known;
    const labels = requestLabels(methodNames[index] ?? '', route, status);
    const slot = slotOf(requestDuration, labels) ?? unforeseen;
    durations.set(4 * status + index, slot);
    return slot;
  }

  let active = 0;

  return {
    requestBegan() {
      active++;
    },
    requestEnded(method, route, status, durationMs, bodyBytes) {
      active--;
      const slots = slotsOfRoute(route);
      observe(requestDuration, durationSlot(slots, method, route, status), durationMs / 1000);
      observe(responseBodySize, slots.body, bodyBytes);
    },
    productServed(servedFrom) {
      add(served[servedFrom], 1);
    },
    connectionDropped: (reason) => add(dropped[reason], 1),
    cache: {
      memoryAnswered: (result) => add(memoryResults[result], 1),
      redisAnswered: (result) => add(redisResults[result], 1),
      coalesced: (scope) => add(coalesced[scope], 1),
      leased: (result) => add(leases[result], 1),
      refreshed: () => add(refreshed, 1),
      filled: (outcome, durationMs) => observe(cacheFillDuration, fills[outcome], durationMs / 1000),
      evicted: () => add(evicted, 1),
    },
    redis: {
      commandEnded: (op, durationMs, failure) =>
        observe(databaseOperationDuration, redisCommands[op][failure ?? ''], durationMs / 1000),
      operationEnded: (op, durationMs) =>
        observe(cacheOperationDuration, redisOperations[op], durationMs / 1000),
    },
    admission: {
      admitted: (waitedMs) => observe(admissionWait, waited, waitedMs / 1000),
      shed: (reason) => add(shed[reason], 1),
    },
    changed(result, count, lagMs) {
      add(changes[result], count);
      observe(changeLag, lag, lagMs / 1000);
    },
    databaseAnswered(operation, durationMs, failure) {
      observe(databaseOperationDuration, postgres[operation][failure ?? ''], durationMs / 1000);
    },
    connectionTimedOut: () => add(connectionTimeout, 1),
    eventLoopDelayed: (delayMs) => observe(eventLoopDelay, delay, delayMs / 1000),
    garbageCollected: (kind, durationMs) => observe(garbageCollections, collections[kind], durationMs / 1000),
    logLinesDropped: (lines) => add(droppedLines, lines),
    get activeRequests() {
      return active;
    },
    totals() {
      const { user, system } = process.cpuUsage();
      values[cpu] = exactly((user + system) / 1e6);
      const { active, idle } = performance.eventLoopUtilization();
      values[loop.active] = exactly(active / 1000);
      values[loop.idle] = exactly(idle / 1000);
      return Array.from(values);
    },
  };
}

/**
 * Rounded to a multiple of 2^-23, about a tenth of a microsecond. Sums of such numbers are exact up to 2^30, so they do not
 * depend on the order of adding, in which dead workers come first: rounded otherwise a sum could go down.
 */
const exactly = (amount: number): number => Math.round(amount * 2 ** 23) / 2 ** 23;

const methodNames = ['GET', 'HEAD', 'OPTIONS', '_OTHER'];

function methodIndex(method: string): number {
  const index = methodNames.indexOf(method);
  return index < 0 ? 3 : index;
}

const ignore = () => {};

/** Records nothing. For the bench, which measures what recording costs by leaving it out. */
export const silentRecorder: Recorder = {
  cache: {
    memoryAnswered: ignore,
    redisAnswered: ignore,
    coalesced: ignore,
    leased: ignore,
    refreshed: ignore,
    filled: ignore,
    evicted: ignore,
  },
  redis: { commandEnded: ignore, operationEnded: ignore },
  admission: { admitted: ignore, shed: ignore },
  requestBegan: ignore,
  requestEnded: ignore,
  productServed: ignore,
  connectionDropped: ignore,
  changed: ignore,
  databaseAnswered: ignore,
  connectionTimedOut: ignore,
  eventLoopDelayed: ignore,
  garbageCollected: ignore,
  logLinesDropped: ignore,
  activeRequests: 0,
  totals: () => [],
};
