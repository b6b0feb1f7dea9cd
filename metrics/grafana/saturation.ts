import {
  anySeries,
  increase,
  maxBy,
  ofWorkers,
  quantile,
  rate,
  ratio,
  series,
  sumBy,
} from './expressions.ts';
import { type Choice, dashboard, places } from './frame.ts';
import { stat, timeSeries } from './panels.ts';

const loopTime = 'nodejs_eventloop_time_seconds_total';
const perWorker = 'job, instance, worker';
const byWorker = '{{instance}} worker {{worker}}';

/** Share of its time in which each worker's event loop was busy; one that hangs tells nothing, and has none. */
export const utilisation = ratio(
  rate(loopTime, perWorker, { nodejs_eventloop_state: 'active' }),
  rate(loopTime, perWorker),
);
const skew = `max by (job, instance) (${utilisation}) / avg by (job, instance) (${utilisation})`;
const heapShare = `${series('v8js_memory_heap_used_bytes')} / ${series('v8js_memory_heap_limit_bytes')}`;

/** One Redis and one Postgres serve all instances, so their exporters are chosen by themselves. */
const stores: readonly Choice[] = [
  { name: 'redis', label: 'Redis', query: 'label_values(redis_up, instance)' },
  { name: 'postgres', label: 'Postgres', query: 'label_values(pg_up, instance)' },
];
const ofRedis = { instance: '=~$redis' };
const ofPostgres = { instance: '=~$postgres' };
const storeRate = (counter: string, labels: string, of: typeof ofRedis | typeof ofPostgres) =>
  sumBy(labels, `rate(${anySeries(counter, of)}[$__rate_interval])`);

export const saturation = () =>
  dashboard({
    place: places.saturation,
    description: 'What is full or about to be: event loops, workers, connections, memory, Redis, Postgres.',
    choices: stores,
    rows: [
      {
        title: 'What is full?',
        panels: [
          stat({
            title: 'Busiest event loop',
            description:
              'Share of time in which the busiest worker had something to do. From 0.7 requests wait for each other. Add workers while there are cores, then machines.',
            unit: 'percentunit',
            decimals: 0,
            expression: maxBy('', utilisation),
            base: 'green',
            steps: [
              [0.7, 'orange'],
              [0.9, 'red'],
            ],
            empty: 'no data',
          }),
          stat({
            title: 'Worker skew',
            description:
              'Busiest worker over the mean of all. 1 is even. Above 1.5 with much load, few clients hold the connections; so it is after a restart, until clients connect anew.',
            unit: 'short',
            decimals: 2,
            expression: maxBy('', skew),
            base: 'green',
            steps: [[1.5, 'orange']],
            empty: 'no load',
          }),
          stat({
            title: 'Event loop delay, p99',
            description:
              'How late a timer is. What users feel beyond the work itself. Above 10 ms something runs too long at once: look at garbage collection, then at large pages.',
            unit: 's',
            expression: quantile(0.99, 'nodejs_eventloop_delay_seconds'),
            base: 'green',
            steps: [
              [0.025, 'orange'],
              [0.1, 'red'],
            ],
            empty: 'no data',
          }),
          stat({
            title: 'Reads refused',
            description:
              'Reads of Postgres per second that were not admitted though somebody waited. Each is a page past its time, or 503. Postgres is slow (see Tiers), or more pages are cold than it can read.',
            unit: 'ops',
            expression: `sum(rate(${series('frontshelf_requests_shed_total', { reason: '!~refresh|abandoned' })}[$__rate_interval]))`,
            base: 'green',
            steps: [
              [0.1, 'orange'],
              [5, 'red'],
            ],
            empty: 'no data',
          }),
          stat({
            title: 'Fullest heap',
            description:
              'Heap in use over its limit, of the worker nearest to it. Above 0.8 a worker collects garbage without end and then dies of it: lower MEMORY_TIER_BYTES or give more memory.',
            unit: 'percentunit',
            decimals: 0,
            expression: `max(${heapShare})`,
            base: 'green',
            steps: [
              [0.7, 'orange'],
              [0.85, 'red'],
            ],
            empty: 'no data',
          }),
          stat({
            title: 'Workers that died, 1 hour',
            description:
              'Workers that ended other than in order within the last hour. Each lost the requests it was answering. The log has the reason; oom means memory.',
            unit: 'short',
            decimals: 0,
            expression: `sum(increase(${series('frontshelf_worker_exits_total', { reason: '!=clean' })}[1h]))`,
            base: 'green',
            steps: [
              [0.5, 'orange'],
              [5, 'red'],
            ],
            empty: 'no data',
          }),
        ],
      },
      {
        title: 'Event loop',
        panels: [
          timeSeries({
            title: 'Event loop utilisation by worker',
            description:
              'Share of time in which each worker had something to do. All near 1: the machine is full. One apart from the others: see worker skew.',
            unit: 'percentunit',
            max: 1,
            lines: [[utilisation, byWorker]],
            steps: [
              [0.7, 'orange'],
              [0.9, 'red'],
            ],
          }),
          timeSeries({
            title: 'Worker skew',
            description:
              'Busiest worker over the mean of all, by instance. 1 is even; noise when there is no load.',
            unit: 'short',
            min: 1,
            lines: [[skew, '{{instance}}']],
            steps: [[1.5, 'orange']],
          }),
          timeSeries({
            title: 'Event loop delay',
            description:
              'How late timers were in all workers. p99 rises with garbage collection and with long work; p50 rises only when workers are full.',
            unit: 's',
            lines: ([0.5, 0.99] as const).map(
              (q) => [quantile(q, 'nodejs_eventloop_delay_seconds'), `p${q * 100}`] as const,
            ),
          }),
          timeSeries({
            title: 'Requests under way by worker',
            description:
              'Requests that have begun and not ended. They pile up when Postgres is slow or when clients read slowly.',
            unit: 'short',
            lines: [[sumBy(perWorker, series('http_server_active_requests')), byWorker]],
          }),
          timeSeries({
            title: 'CPU by worker',
            description:
              'Cores in use by each worker. A worker uses little more than one: JavaScript has one thread, garbage collection and compression have others.',
            unit: 'short',
            lines: [[rate('process_cpu_seconds_total', perWorker, ofWorkers), byWorker]],
          }),
          timeSeries({
            title: 'Time in garbage collection',
            description:
              'Share of time that all workers together spent collecting garbage, by kind. Much of major: the heap is nearly full, see below.',
            unit: 'percentunit',
            lines: [[rate('v8js_gc_duration_seconds_sum', 'v8js_gc_type'), '{{v8js_gc_type}}']],
          }),
        ],
      },
      {
        title: 'Workers',
        panels: [
          timeSeries({
            title: 'Workers by state',
            description:
              'Workers starting, ready, stopping, or waiting to be started again after a crash, and how many are wished for. Waiting for long is a crash on every start.',
            unit: 'short',
            lines: [
              [sumBy('state', series('frontshelf_workers')), '{{state}}'],
              [sumBy('', series('frontshelf_workers_desired')), 'wished for'],
            ],
            stack: 'normal',
            dashed: ['wished for'],
          }),
          timeSeries({
            title: 'Worker exits by reason',
            description:
              'Workers that ended. Clean is a restart that was asked for. Crash: look in the log for the error. Oom: too little memory. Signal: someone or the kernel killed it. Hang: it told nothing for seconds and was killed.',
            unit: 'short',
            lines: [[increase('frontshelf_worker_exits_total', 'reason'), '{{reason}}']],
          }),
          timeSeries({
            title: 'Workers replaced in order',
            description:
              'Workers that were told to stop when another was ready in their place. Restart is a rolling restart. Memory again and again: a leak, or WORKER_MEMORY_MAX_BYTES is too small.',
            unit: 'short',
            lines: [[increase('frontshelf_workers_replaced_total', 'reason'), '{{reason}}']],
          }),
          timeSeries({
            title: 'Age of workers’ figures',
            description:
              'How long ago each worker last reported. Beyond a few seconds the worker hangs, and all other panels show its past.',
            unit: 's',
            lines: [[maxBy(perWorker, series('frontshelf_worker_snapshot_age_seconds')), byWorker]],
            steps: [[5, 'red']],
          }),
          timeSeries({
            title: 'Log lines lost',
            description:
              'Lines that were dropped, by the process that had them. Anything but 0: who reads the log is too slow or gone, or its disk is full. Requests do not wait for it.',
            unit: 'short',
            lines: [[increase('frontshelf_log_lines_dropped_total', 'process'), '{{process}}']],
          }),
          timeSeries({
            title: 'Resident memory by worker',
            description:
              'Memory of each worker, pages in memory and heap together. It should level off after the memory tier is full; a line that never does is a leak.',
            unit: 'bytes',
            lines: [[maxBy(perWorker, series('process_resident_memory_bytes', ofWorkers)), byWorker]],
          }),
          timeSeries({
            title: 'Heap in use by worker',
            description:
              'JavaScript heap of each worker; how near it is to its limit stands in the first row. Teeth of a saw are normal; teeth that rise are a leak.',
            unit: 'bytes',
            lines: [[maxBy(perWorker, series('v8js_memory_heap_used_bytes')), byWorker]],
          }),
          timeSeries({
            title: 'Open descriptors by worker',
            description:
              'Sockets and files of each worker: mostly clients’ connections. A line that only rises is a leak; the limit is `ulimit -n`.',
            unit: 'short',
            lines: [[maxBy(perWorker, series('process_open_fds', ofWorkers)), byWorker]],
          }),
        ],
      },
      {
        title: 'Connections of clients',
        panels: [
          timeSeries({
            title: 'Client connections by worker',
            description:
              'Open connections of each worker, and the most each may have. From 80 % of it on answers close theirs; at it new ones are dropped. See who holds them before raising MAX_CONNECTIONS.',
            unit: 'short',
            width: 12,
            lines: [
              [maxBy(perWorker, series('http_server_open_connections')), byWorker],
              [`max(${series('http_server_open_connections_max')})`, 'limit'],
            ],
            dashed: ['limit'],
          }),
          timeSeries({
            title: 'Client connections dropped',
            description:
              'Connections per second that were closed without an answer: full for want of room, slow-reader for not taking what was sent, pipelining for too many requests at once. Users are hurt by full alone.',
            unit: 'ops',
            width: 12,
            lines: [[rate('http_server_connections_dropped_total', 'reason'), '{{reason}}']],
          }),
        ],
      },
      {
        title: 'Reads of Postgres',
        panels: [
          timeSeries({
            title: 'Reads refused by reason',
            description:
              'Reads that were not begun. Refresh and abandoned hurt nobody. Queue_full: Postgres gives less than is asked for. Timeout: it has become slow or hangs. Event_loop: the worker itself is behind.',
            unit: 'ops',
            lines: [[rate('frontshelf_requests_shed_total', 'reason'), '{{reason}}']],
          }),
          timeSeries({
            title: 'Reads that wait, and how many may be under way',
            description:
              'Reads in the queue, and those that all workers together may have under way. The queue is as long as can be read in 0.25 s. The limit falls while event loops are behind.',
            unit: 'short',
            lines: [
              [sumBy('', series('frontshelf_admission_queue_depth')), 'waiting'],
              [sumBy('', series('frontshelf_admission_limit')), 'limit'],
              [sumBy('', series('db_client_connection_pending_requests')), 'waiting for a connection'],
            ],
            dashed: ['limit'],
          }),
          timeSeries({
            title: 'Time that reads wait',
            description:
              'Time in the queue of the reads that were begun. Who would wait for more than 0.25 s is refused at once, so more than that means that Postgres has become slower.',
            unit: 's',
            lines: ([0.5, 0.99] as const).map(
              (q) => [quantile(q, 'frontshelf_admission_wait_seconds'), `p${q * 100}`] as const,
            ),
          }),
          timeSeries({
            title: 'What workers give up',
            description:
              'By how far the event loop is behind: 1 early refreshes, 2 also pages that are in no cache, 3 also connections. Above 0 for long: add workers or machines.',
            unit: 'short',
            lines: [[maxBy(perWorker, series('frontshelf_pressure_level')), byWorker]],
            steps: [
              [1, 'orange'],
              [2, 'red'],
            ],
          }),
          timeSeries({
            title: 'Pool connections by state',
            description:
              'Connections of all workers by state, and the most there may be. Used at the limit for long: Postgres is slow, or the pool too small.',
            unit: 'short',
            lines: [
              [sumBy('state', series('db_client_connections')), '{{state}}'],
              [sumBy('', series('db_client_connection_max')), 'limit'],
            ],
            stack: 'normal',
            dashed: ['limit'],
          }),
          timeSeries({
            title: 'Waits for a connection that were given up',
            description:
              'Fills per second that got no connection in time. Each is a request answered 503, or a page past its time. Check Postgres first.',
            unit: 'ops',
            lines: [[rate('db_client_connection_timeouts_total'), 'given up']],
          }),
        ],
      },
      {
        title: 'Redis, from its exporter',
        panels: [
          timeSeries({
            title: 'Redis memory',
            description:
              'Memory in use, and the limit at which Redis begins to evict. At the limit with a falling hit ratio: give it more.',
            unit: 'bytes',
            lines: [
              [maxBy('instance', anySeries('redis_memory_used_bytes', ofRedis)), '{{instance}} used'],
              [`max(${anySeries('redis_memory_max_bytes', ofRedis)} > 0)`, 'limit'],
            ],
            dashed: ['limit'],
          }),
          timeSeries({
            title: 'Redis commands, evictions and clients',
            description:
              'Commands and evicted keys per second, and connected clients: one for each worker and one for each primary. Evictions without an end: too little memory.',
            unit: 'short',
            lines: [
              [storeRate('redis_commands_processed_total', 'instance', ofRedis), '{{instance}} commands/s'],
              [storeRate('redis_evicted_keys_total', 'instance', ofRedis), '{{instance}} evictions/s'],
              [maxBy('instance', anySeries('redis_connected_clients', ofRedis)), '{{instance}} clients'],
            ],
          }),
          timeSeries({
            title: 'Redis and Postgres reachable by their exporters',
            description:
              '1 while the exporter reaches its store. 0 while Frontshelf still works is a fault of the exporter’s login or network.',
            unit: 'short',
            max: 1,
            lines: [
              [maxBy('instance', anySeries('redis_up', ofRedis)), '{{instance}} Redis'],
              [maxBy('instance', anySeries('pg_up', ofPostgres)), '{{instance}} Postgres'],
            ],
          }),
        ],
      },
      {
        title: 'Postgres, from its exporter',
        panels: [
          timeSeries({
            title: 'Postgres sessions by state',
            description:
              'Sessions of all clients by state, and the most there may be. Near the limit new workers cannot connect: lower DATABASE_POOL_MAX or raise max_connections.',
            unit: 'short',
            lines: [
              [sumBy('state', anySeries('pg_stat_activity_count', ofPostgres)), '{{state}}'],
              [`max(${anySeries('pg_settings_max_connections', ofPostgres)})`, 'limit'],
            ],
            dashed: ['limit'],
          }),
          timeSeries({
            title: 'Postgres transactions',
            description:
              'Transactions per second by outcome. Rollbacks of more than a few are errors or time-outs of some client.',
            unit: 'ops',
            lines: [
              [storeRate('pg_stat_database_xact_commit', 'instance', ofPostgres), '{{instance}} commits'],
              [storeRate('pg_stat_database_xact_rollback', 'instance', ofPostgres), '{{instance}} rollbacks'],
            ],
          }),
          timeSeries({
            title: 'Postgres blocks found in its memory',
            description:
              'Share of blocks that Postgres did not have to ask the disk for. Below 0.95 under load the catalogue does not fit: raise shared_buffers.',
            unit: 'percentunit',
            max: 1,
            lines: [
              [
                ratio(
                  storeRate('pg_stat_database_blks_hit', 'instance', ofPostgres),
                  `(${storeRate('pg_stat_database_blks_hit', 'instance', ofPostgres)} + ${storeRate('pg_stat_database_blks_read', 'instance', ofPostgres)})`,
                ),
                '{{instance}}',
              ],
            ],
          }),
        ],
      },
    ],
  });
