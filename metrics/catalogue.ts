/** Every metric, defined once: what is recorded, what is exposed, and the order of both follow this file. */

/** One label set of a metric; a metric has all of its label sets from the start, so each series begins at zero. */
export type Labels = Readonly<Record<string, string>>;

interface Definition {
  readonly name: string;
  readonly help: string;
  readonly labelSets: readonly Labels[];
}
export type CounterDefinition = Definition & { readonly type: 'counter' };
export type HistogramDefinition = Definition & {
  readonly type: 'histogram';
  readonly buckets: readonly number[];
};
/** A gauge has one value per worker, exposed with the label `worker`. */
export type GaugeDefinition = Definition & { readonly type: 'gauge' };

const statusesByRoute: Readonly<Record<string, readonly number[]>> = {
  '/v1/products/{slug}': [200, 204, 304, 400, 404, 405, 413, 500, 503],
  '/v1/products': [200, 204, 304, 400, 405, 413, 500, 503],
  '/livez': [200, 204, 400, 405, 413],
  '/readyz': [200, 204, 400, 405, 413, 503],
  '/openapi.json': [200, 204, 304, 400, 405, 413, 500],
  unmatched: [400, 404, 405, 408, 413, 414, 431],
};

/** Whether a request with this method can be answered with this status at all. */
const methods: Readonly<Record<string, (status: number) => boolean>> = {
  GET: (status) => ![204, 405, 408, 431].includes(status),
  HEAD: (status) => ![204, 405, 408, 431].includes(status),
  OPTIONS: (status) => [204, 400, 404, 413, 414].includes(status),
  _OTHER: (status) => [400, 405, 408, 431].includes(status),
};

export const requestLabels = (method: string, route: string, status: number | 'other'): Labels => ({
  http_request_method: method,
  http_route: route,
  http_response_status_code: String(status),
});

export const requestDuration: HistogramDefinition = {
  type: 'histogram',
  name: 'http_server_request_duration_seconds',
  help: 'Time from a parsed request head to the complete response handed to the kernel.',
  labelSets: [
    ...Object.entries(statusesByRoute).flatMap(([route, statuses]) =>
      Object.entries(methods).flatMap(([method, answers]) =>
        statuses.filter(answers).map((status) => requestLabels(method, route, status)),
      ),
    ),
    // For a combination that this table has overlooked: better counted here than nowhere.
    requestLabels('_OTHER', 'unmatched', 'other'),
  ],
  buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
};

export const productsServed: CounterDefinition = {
  type: 'counter',
  name: 'frontshelf_product_served_total',
  help: 'Product pages by the shelf that answered; stale is memory past its time while Postgres failed.',
  labelSets: ['memory', 'redis', 'postgres', 'stale', 'negative'].map((tier) => ({ tier })),
};

export const cacheRequests: CounterDefinition = {
  type: 'counter',
  name: 'frontshelf_cache_requests_total',
  help: 'Lookups of a product page in a cache tier by result.',
  labelSets: [
    ...['hit', 'miss', 'stale', 'negative'].map((result) => ({ tier: 'memory', result })),
    ...['hit', 'miss', 'error'].map((result) => ({ tier: 'redis', result })),
  ],
};

export const cacheCoalesced: CounterDefinition = {
  type: 'counter',
  name: 'frontshelf_cache_coalesced_total',
  help: 'Requests that waited for a fill that another request had begun.',
  labelSets: [{ scope: 'worker' }],
};

export const cacheFillDuration: HistogramDefinition = {
  type: 'histogram',
  name: 'frontshelf_cache_fill_duration_seconds',
  help: 'Time of a fill of the memory tier by where the page was found.',
  labelSets: ['redis', 'postgres', 'absent', 'error'].map((outcome) => ({ outcome })),
  buckets: [0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
};

export const processCpu: CounterDefinition = {
  type: 'counter',
  name: 'process_cpu_seconds_total',
  help: 'CPU time of all workers, user and system.',
  labelSets: [{}],
};

/** What a worker adds to over its life; summed over workers, living and dead. */
export const cumulativeMetrics = [
  requestDuration,
  productsServed,
  cacheRequests,
  cacheCoalesced,
  cacheFillDuration,
  processCpu,
] as const;

const gauge = (name: string, help: string, labelSets: readonly Labels[] = [{}]): GaugeDefinition => ({
  type: 'gauge',
  name,
  help,
  labelSets,
});

export const cacheEntries = gauge('frontshelf_cache_entries', 'Pages in a tier of this worker.', [
  { tier: 'memory' },
]);
export const cacheSizeBytes = gauge(
  'frontshelf_cache_size_bytes',
  'Bytes that pages occupy in a tier of this worker.',
  [{ tier: 'memory' }],
);
export const fillsInFlight = gauge('frontshelf_cache_fills_in_flight', 'Fills under way in this worker.');
export const residentMemory = gauge('process_resident_memory_bytes', 'Resident memory of this worker.');
export const heapUsed = gauge('v8js_memory_heap_used_bytes', 'JavaScript heap in use in this worker.');
export const eventLoopUtilization = gauge(
  'nodejs_eventloop_utilization_ratio',
  'Share of the last second in which the event loop of this worker was busy.',
);

/** What a worker is like now; one series per living worker. */
export const workerGauges = [
  cacheEntries,
  cacheSizeBytes,
  fillsInFlight,
  residentMemory,
  heapUsed,
  eventLoopUtilization,
] as const;
