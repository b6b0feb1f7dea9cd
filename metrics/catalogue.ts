/** Every metric, defined once: what is recorded, what is exposed, and the order of both follow this file. */

/** One label set of a metric; a metric has all of its label sets from the start, so each series begins at zero. */
export type Labels = Readonly<Record<string, string>>;

interface Definition {
  readonly name: string;
  /** Without quotation marks, backslashes and line breaks, which the text formats escape each in its own way. */
  readonly help: string;
  /** All there are, but for `worker` and for the labels of an `info` metric, whose one set is the primary's to tell. */
  readonly labelSets: readonly Labels[];
}
export type CounterDefinition = Definition & { readonly type: 'counter' };
export type GaugeDefinition = Definition & { readonly type: 'gauge' };
export type HistogramDefinition = Definition & {
  readonly type: 'histogram';
  /** Upper bounds, without +Inf. */
  readonly buckets: readonly number[];
};
export type MetricDefinition = CounterDefinition | GaugeDefinition | HistogramDefinition;
export type CumulativeDefinition = CounterDefinition | HistogramDefinition;

const unlabelled: readonly Labels[] = [{}];

const counter = (name: string, help: string, labelSets = unlabelled): CounterDefinition => ({
  type: 'counter',
  name,
  help,
  labelSets,
});
const gauge = (name: string, help: string, labelSets = unlabelled): GaugeDefinition => ({
  type: 'gauge',
  name,
  help,
  labelSets,
});
const histogram = (
  name: string,
  help: string,
  buckets: readonly number[],
  labelSets = unlabelled,
): HistogramDefinition => ({ type: 'histogram', name, help, labelSets, buckets });

/** A label set per value of one label. */
const each = (label: string, ...values: readonly string[]): readonly Labels[] =>
  values.map((value) => ({ [label]: value }));

/** By the paths of `server/routes.ts` and `server/page-routes.ts`, and those of `unmatched`. */
export const statusesByRoute: Readonly<Record<string, readonly number[]>> = {
  '/v1/products/{slug}': [200, 204, 304, 400, 404, 405, 413, 500, 503],
  '/v1/products/{slug}/related': [200, 204, 304, 400, 404, 405, 413, 500, 503],
  '/v1/products/{slug}/{module}': [200, 204, 304, 400, 404, 405, 413, 500, 503],
  '/v1/products': [200, 204, 304, 400, 405, 413, 500, 503],
  '/v1/suggest': [200, 204, 304, 400, 405, 413, 500, 503],
  '/v1/reviews': [200, 204, 304, 400, 404, 405, 413, 500, 503],
  '/v1/achievements': [200, 204, 304, 400, 404, 405, 413, 500, 503],
  '/': [200, 204, 304, 400, 405, 413, 500, 503],
  '/products/{slug}': [200, 204, 304, 400, 404, 405, 413, 500, 503],
  '/assets/{file}': [200, 204, 304, 400, 404, 405, 413, 500],
  '/assets/art/{slug}/{file}': [200, 204, 304, 400, 404, 405, 413, 500],
  '/v1/products.ndjson': [200, 204, 400, 405, 413, 500, 503],
  '/livez': [200, 204, 400, 405, 413],
  '/readyz': [200, 204, 400, 405, 413, 503],
  '/openapi.json': [200, 204, 304, 400, 405, 413, 500],
  '/problems/{code}': [200, 204, 304, 400, 404, 405, 413, 500],
  unmatched: [400, 404, 405, 408, 413, 414, 431],
};

/** Whether a request with this method can be answered with this status at all. */
const methods: Readonly<Record<string, (status: number) => boolean>> = {
  GET: (status) => ![204, 405, 408].includes(status),
  HEAD: (status) => ![204, 405, 408].includes(status),
  OPTIONS: (status) => [204, 400, 404, 413, 414, 431].includes(status),
  _OTHER: (status) => [400, 405, 408, 431].includes(status),
};

export const requestLabels = (method: string, route: string, status: number | 'other'): Labels => ({
  http_request_method: method,
  http_route: route,
  http_response_status_code: String(status),
});

export const requestDuration = histogram(
  'http_server_request_duration_seconds',
  'Time from a parsed request head to the complete response handed to the kernel.',
  [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
  [
    ...Object.entries(statusesByRoute).flatMap(([route, statuses]) =>
      Object.entries(methods).flatMap(([method, answers]) =>
        statuses.filter(answers).map((status) => requestLabels(method, route, status)),
      ),
    ),
    // For a combination that this table has overlooked: better counted here than nowhere.
    requestLabels('_OTHER', 'unmatched', 'other'),
  ],
);

export const responseBodySize = histogram(
  'http_server_response_body_size_bytes',
  'Size of response bodies as sent, compressed or not; an answer without a body counts as 0.',
  [256, 1024, 4096, 16_384, 65_536, 262_144],
  each('http_route', ...Object.keys(statusesByRoute)),
);

export const productsServed = counter(
  'frontshelf_product_served_total',
  'Product pages, whole or in part, by the shelf that answered; stale is memory past its time while Postgres failed.',
  each('tier', 'memory', 'redis', 'postgres', 'stale', 'negative'),
);

export const connectionsDropped = counter(
  'http_server_connections_dropped_total',
  'Client connections that were closed without an answer: full at the bound, slow-reader for not taking what was sent, pipelining for too many requests at once.',
  each('reason', 'full', 'slow-reader', 'pipelining'),
);

export const cacheRequests = counter(
  'frontshelf_cache_requests_total',
  'Lookups of a product page in a cache tier by result.',
  [
    ...['hit', 'miss', 'stale', 'negative'].map((result) => ({ tier: 'memory', result })),
    ...['hit', 'miss', 'negative', 'outdated', 'error', 'bypass'].map((result) => ({
      tier: 'redis',
      result,
    })),
  ],
);

export const cacheOperationDuration = histogram(
  'frontshelf_cache_operation_duration_seconds',
  'Time of an operation of a cache tier with the work on its value, whatever came of it.',
  [0.000_025, 0.000_05, 0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25],
  ['get', 'set'].map((op) => ({ tier: 'redis', op })),
);

export const cacheEvictions = counter(
  'frontshelf_cache_evictions_total',
  'Pages that a tier gave up for want of room.',
  [{ tier: 'memory', reason: 'size' }],
);

export const cacheCoalesced = counter(
  'frontshelf_cache_coalesced_total',
  'Requests that waited for a fill that another request of the worker had begun, or fills that waited for another worker.',
  each('scope', 'worker', 'cluster'),
);
export const cacheLeases = counter(
  'frontshelf_cache_lease_total',
  'Leases to fill a page in Redis: granted, early before its end, refused when it came to storing, expired while others waited.',
  each('result', 'granted', 'early', 'refused', 'expired'),
);
export const cacheRefreshes = counter(
  'frontshelf_cache_refreshes_total',
  'Pages that were read anew while the copy in memory still answered.',
);

export const changeEvents = counter(
  'frontshelf_change_events_total',
  'Changes of pages that a worker heard of: announced by its host, or found by itself while its host said nothing.',
  each('result', 'announced', 'found'),
);
export const changeLag = histogram(
  'frontshelf_change_lag_seconds',
  'Time from the question to the change log that found a change to its effect in a worker.',
  [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
);
export const cacheFillDuration = histogram(
  'frontshelf_cache_fill_duration_seconds',
  'Time of a fill of the memory tier by where the page was found.',
  [0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
  each('outcome', 'redis', 'postgres', 'absent', 'error'),
);

export const databaseOperationDuration = histogram(
  'db_client_operation_duration_seconds',
  'Time of an operation of Postgres or Redis as its client sees it, the wait for a connection included.',
  [0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
  Object.entries({
    postgresql: [
      'product_page',
      'product_pages',
      'product_list',
      'search',
      'suggestions',
      'related',
      'reviews',
      'achievements',
      'product_export',
      'warm_up',
    ],
    redis: ['get', 'set'],
  }).flatMap(([system, operations]) =>
    operations.flatMap((operation) =>
      ['', 'timeout', 'unavailable', 'other'].map((errorType) => ({
        db_system_name: system,
        db_operation_name: operation,
        error_type: errorType,
      })),
    ),
  ),
);

export const connectionTimeouts = counter(
  'db_client_connection_timeouts_total',
  'Operations that ended because no connection was to be had in time.',
  each('db_system_name', 'postgresql'),
);

export const requestsShed = counter(
  'frontshelf_requests_shed_total',
  'Reads of Postgres that were not admitted: nobody waited for them and the event loop was behind (refresh), it was too far behind (event_loop), they would have waited too long (queue_full) or had (timeout), or all who waited had gone (abandoned).',
  each('reason', 'refresh', 'event_loop', 'queue_full', 'timeout', 'abandoned'),
);
export const admissionWait = histogram(
  'frontshelf_admission_wait_seconds',
  'Time that a read of Postgres waited for its turn before it was admitted.',
  [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5],
);

export const eventLoopDelay = histogram(
  'nodejs_eventloop_delay_seconds',
  'How late a timer of the event loop fired, looked at every 20 ms.',
  [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
);

export const garbageCollections = histogram(
  'v8js_gc_duration_seconds',
  'Time of a garbage collection, in which nothing else runs.',
  [0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25],
  each('v8js_gc_type', 'major', 'minor', 'incremental', 'weakcb'),
);

export const logLinesDropped = counter(
  'frontshelf_log_lines_dropped_total',
  'Log lines that were lost by the process that had them, because nobody read them in time or they could not be written.',
  each('process', 'worker', 'primary'),
);

/** What a worker adds to over its life; summed over workers, living and dead. */
const sharedMetrics = [
  requestDuration,
  responseBodySize,
  productsServed,
  connectionsDropped,
  cacheRequests,
  cacheOperationDuration,
  cacheEvictions,
  cacheCoalesced,
  cacheLeases,
  cacheRefreshes,
  changeEvents,
  changeLag,
  cacheFillDuration,
  databaseOperationDuration,
  connectionTimeouts,
  requestsShed,
  admissionWait,
  eventLoopDelay,
  garbageCollections,
  logLinesDropped,
] as const;

export const eventLoopTime = counter(
  'nodejs_eventloop_time_seconds_total',
  'Time of the event loop of this worker and of those before it in its place, busy and waiting.',
  each('nodejs_eventloop_state', 'active', 'idle'),
);
export const processCpu = counter(
  'process_cpu_seconds_total',
  'CPU time, user and system, of this worker and of those before it in its place.',
);

/** The same, summed over the workers that have had one place, the dead included, and exposed with the label `worker`. */
export const workerCounters = [eventLoopTime, processCpu] as const;

/** All that a worker's recorder holds. */
export const cumulativeMetrics: readonly CumulativeDefinition[] = [...sharedMetrics, ...workerCounters];

export const activeRequests = gauge(
  'http_server_active_requests',
  'Requests that this worker has begun and not yet answered.',
);
export const openConnections = gauge(
  'http_server_open_connections',
  'Client connections that this worker has open.',
);
export const openConnectionsMax = gauge(
  'http_server_open_connections_max',
  'Client connections that this worker may have open; one more is closed at once.',
);
export const cacheEntries = gauge(
  'frontshelf_cache_entries',
  'Pages, or slugs known to have none, in a tier of this worker.',
  each('tier', 'memory', 'negative'),
);
export const cacheSizeBytes = gauge(
  'frontshelf_cache_size_bytes',
  'Bytes that pages occupy in a tier of this worker.',
  each('tier', 'memory'),
);
export const cacheMaxBytes = gauge(
  'frontshelf_cache_max_bytes',
  'Bytes that pages may occupy in a tier of this worker.',
  each('tier', 'memory'),
);
export const fillsInFlight = gauge('frontshelf_cache_fills_in_flight', 'Fills under way in this worker.');
// Not `…_connection_count`, as OpenTelemetry has it: a gauge must not end in `_count`.
export const databaseConnections = gauge(
  'db_client_connections',
  'Connections of this worker by whether they are in use.',
  ['idle', 'used'].map((state) => ({ db_system_name: 'postgresql', state })),
);
export const connectionMax = gauge(
  'db_client_connection_max',
  'Connections that this worker may have.',
  each('db_system_name', 'postgresql'),
);
export const connectionPending = gauge(
  'db_client_connection_pending_requests',
  'Operations of this worker that wait for a connection.',
  each('db_system_name', 'postgresql'),
);
export const admissionLimit = gauge(
  'frontshelf_admission_limit',
  'Reads of Postgres that this worker may have under way at once; below the size of its pool while its event loop is behind.',
);
export const admissionQueueDepth = gauge(
  'frontshelf_admission_queue_depth',
  'Reads of Postgres that wait for their turn in this worker.',
);
export const pressureLevel = gauge(
  'frontshelf_pressure_level',
  'What this worker gives up as its event loop is behind: 0 nothing, 1 early refreshes, 2 also pages that are not in memory or Redis, 3 also its connections.',
);
export const redisUp = gauge(
  'frontshelf_redis_up',
  "1 while this worker's connection to Redis is ready, else 0; absent without a Redis.",
);
export const breakerState = gauge(
  'frontshelf_breaker_state',
  'The one state that the breaker of this worker is in has 1; absent without a Redis.',
  ['closed', 'open', 'half-open'].map((state) => ({ dependency: 'redis', state })),
);
export const feedAge = gauge(
  'frontshelf_feed_age_seconds',
  'Time since the change log was asked that this worker knows the answer of; pages are stale past STALENESS_MS.',
);
export const changeFloors = gauge(
  'frontshelf_change_floors',
  'Pages with changes of which Redis may not have been told yet; what Redis has of them is checked.',
);
export const heapUsed = gauge('v8js_memory_heap_used_bytes', 'JavaScript heap in use in this worker.');
export const heapLimit = gauge(
  'v8js_memory_heap_limit_bytes',
  'JavaScript heap at which this worker would be ended by V8.',
);
export const residentMemory = gauge('process_resident_memory_bytes', 'Resident memory of this worker.');
export const openDescriptors = gauge(
  'process_open_fds',
  'File descriptors that this worker has open; absent where the system does not tell.',
);

/** What a worker is like now; exposed with the label `worker`, one value per living worker and label set. */
export const workerGauges = [
  activeRequests,
  openConnections,
  openConnectionsMax,
  cacheEntries,
  cacheSizeBytes,
  cacheMaxBytes,
  fillsInFlight,
  databaseConnections,
  connectionMax,
  connectionPending,
  admissionLimit,
  admissionQueueDepth,
  pressureLevel,
  redisUp,
  breakerState,
  feedAge,
  changeFloors,
  heapUsed,
  heapLimit,
  residentMemory,
  openDescriptors,
] as const satisfies readonly GaugeDefinition[];

/** Where a gauge without labels stands among a worker's values. */
export function gaugeIndex(gauge: (typeof workerGauges)[number]): number {
  const before = workerGauges.slice(0, workerGauges.indexOf(gauge));
  return before.reduce((count, { labelSets }) => count + labelSets.length, 0);
}

/** What the primary knows by itself. Those named after one worker have the label `worker`, one value each. */
export const primaryMetrics = {
  workers: gauge(
    'frontshelf_workers',
    'Workers by state; waiting is one that died and is not yet started again, stopping also one that was replaced.',
    each('state', 'starting', 'ready', 'stopping', 'waiting'),
  ),
  workersDesired: gauge('frontshelf_workers_desired', 'Workers that there should be.'),
  workerExits: counter(
    'frontshelf_worker_exits_total',
    'Workers that ended; oom is V8 out of memory (it aborts), hang one that was killed as it told nothing, signal any other signal.',
    each('reason', 'clean', 'crash', 'oom', 'hang', 'signal'),
  ),
  workersReplaced: counter(
    'frontshelf_workers_replaced_total',
    'Workers that were told to stop when another was ready in their place: a rolling restart, or above the memory limit.',
    each('reason', 'restart', 'memory'),
  ),
  feedUp: gauge(
    'frontshelf_feed_up',
    '1 while the primary can ask the change log and is woken by changes, else 0.',
    each('connection', 'ask', 'listen'),
  ),
  feedGaps: counter(
    'frontshelf_feed_gaps_total',
    'Times at which the change log did not go on where it was left, and all pages were dropped.',
  ),
  changesRead: counter(
    'frontshelf_changes_read_total',
    'Changes that the primary has read from the change log.',
  ),
  changesPending: gauge(
    'frontshelf_changes_pending',
    'Batches of changes that Redis has not been told of yet.',
  ),
  redisJoined: gauge(
    'frontshelf_redis_joined',
    '1 while Redis is used, having been told of all changes, else 0.',
  ),
  redisJoins: counter(
    'frontshelf_redis_joins_total',
    'Times at which Redis was told of all changes that it had missed, or was begun anew in an empty epoch.',
    each('result', 'replayed', 'new-epoch'),
  ),
  snapshotAge: gauge(
    'frontshelf_worker_snapshot_age_seconds',
    'Time since this worker last told its metrics, which it does every second, or since it was started.',
  ),
  workerStartTime: gauge(
    'frontshelf_worker_start_time_seconds',
    'Unix time at which this worker was started.',
  ),
  processStartTime: gauge('process_start_time_seconds', 'Unix time at which the primary was started.'),
  buildInfo: gauge('frontshelf_build_info', 'Always 1; the versions are in the labels.'),
  configInfo: gauge(
    'frontshelf_config_info',
    'Always 1; the settings that are numbers are in the labels, and whether there is a Redis.',
  ),
} as const satisfies Readonly<Record<string, CounterDefinition | GaugeDefinition>>;

/** All metrics, in the order of their exposition. */
export const allMetrics: readonly MetricDefinition[] = [
  ...cumulativeMetrics,
  ...workerGauges,
  ...Object.values(primaryMetrics),
];
