import { coherenceRows } from './coherence.ts';
import { quantile, rate, ratio, series, sumBy } from './expressions.ts';
import { dashboard, places } from './frame.ts';
import { stat, timeSeries } from './panels.ts';

const served = 'frontshelf_product_served_total';
const lookups = 'frontshelf_cache_requests_total';
const fills = 'frontshelf_cache_fill_duration_seconds';
const clientCalls = 'db_client_operation_duration_seconds';

const hitRatio = (tier: string) =>
  ratio(rate(lookups, '', { tier, result: '=~hit|negative' }), rate(lookups, '', { tier }));
/** A page past its time cost Postgres nothing either, but only because Postgres failed. */
export const freshFromCaches = ratio(rate(served, '', { tier: '=~memory|redis|negative' }), rate(served));
/** Requests that needed a fill, per fill. */
const coalescing = `(${rate('frontshelf_cache_coalesced_total')} + ${rate(`${fills}_count`)}) / (${rate(`${fills}_count`)} > 0)`;
const quantiles = [0.5, 0.99] as const;

export const tiers = () =>
  dashboard({
    place: places.tiers,
    description:
      'Which shelf served the pages, how well the caches work, whether changes show, and what that costs Redis and Postgres.',
    rows: [
      {
        title: 'Do the caches work?',
        panels: [
          stat({
            title: 'Memory hit ratio',
            description:
              'Share of look-ups that a worker answered from its own memory. Low after a start; if it stays low, the pages in demand do not fit: see evictions, and raise MEMORY_TIER_BYTES.',
            unit: 'percentunit',
            decimals: 1,
            expression: hitRatio('memory'),
            base: 'red',
            steps: [
              [0.5, 'orange'],
              [0.8, 'green'],
            ],
            empty: 'no look-ups',
          }),
          stat({
            title: 'Redis hit ratio',
            description:
              'Share of memory misses that Redis answered. Low when Redis was emptied or is too small; 0 with errors when it is down.',
            unit: 'percentunit',
            decimals: 1,
            expression: hitRatio('redis'),
            base: 'orange',
            steps: [[0.5, 'green']],
            empty: 'no look-ups',
          }),
          stat({
            title: 'Pages fresh from the caches',
            description:
              'Share of product pages that came from memory or Redis within their time. This is what keeps Postgres alive: when it falls by a tenth, Postgres gets that much more work.',
            unit: 'percentunit',
            decimals: 1,
            expression: freshFromCaches,
            base: 'red',
            steps: [
              [0.5, 'orange'],
              [0.9, 'green'],
            ],
            empty: 'no requests',
          }),
          stat({
            title: 'Stale pages',
            description:
              'Product pages per second that may miss changes, and say so, because Postgres or the change log does not answer. Users see pages, perhaps old ones. Mend Postgres.',
            unit: 'reqps',
            decimals: 1,
            expression: rate(served, '', { tier: 'stale' }),
            base: 'green',
            steps: [[0.001, 'orange']],
            empty: 'no data',
            next: places.saturation,
          }),
          stat({
            title: 'Requests per fill',
            description:
              'How many requests one fill served: 1 when each was alone, more when many asked for the same cold page at once. High is not bad: so many reads were saved.',
            unit: 'short',
            decimals: 2,
            expression: coalescing,
            base: 'blue',
            empty: 'no fills',
          }),
          stat({
            title: 'Evictions',
            description:
              'Pages per second that left memory for want of room. When it comes with a low hit ratio, raise MEMORY_TIER_BYTES, if the machine has the memory for all workers.',
            unit: 'ops',
            decimals: 1,
            expression: rate('frontshelf_cache_evictions_total'),
            base: 'green',
            steps: [[50, 'orange']],
            empty: 'no data',
          }),
        ],
      },
      {
        title: 'Who served',
        panels: [
          timeSeries({
            title: 'Product pages by shelf',
            description:
              'Product pages per second by where they came from. Negative is the known absence of a page. Orange is work for Postgres; yellow is a page past its time.',
            unit: 'reqps',
            width: 12,
            lines: [[rate(served, 'tier'), '{{tier}}']],
            stack: 'normal',
          }),
          timeSeries({
            title: 'Share of product pages by shelf',
            description:
              'The same as shares of all. After a restart orange and blue should give way to green within a minute.',
            unit: 'reqps',
            width: 12,
            lines: [[rate(served, 'tier'), '{{tier}}']],
            stack: 'percent',
          }),
          timeSeries({
            title: 'Hit ratio by tier',
            description:
              'Share of look-ups that each tier answered, and of pages that came fresh from either. Memory falls: too small, or many cold pages. Redis falls alone: emptied or down.',
            unit: 'percentunit',
            max: 1,
            lines: [
              [hitRatio('memory'), 'memory'],
              [hitRatio('redis'), 'redis'],
              [freshFromCaches, 'both'],
            ],
          }),
          timeSeries({
            title: 'Memory look-ups by result',
            description:
              'Look-ups in the workers’ memory per second. Miss needs a fill; stale was there past its time; negative is a known absence.',
            unit: 'ops',
            lines: [[rate(lookups, 'result', { tier: 'memory' }), '{{result}}']],
          }),
          timeSeries({
            title: 'Redis look-ups by result',
            description:
              'Look-ups in Redis per second. Errors are time-outs and lost connections, each of which costs a request no more than REDIS_TIMEOUT_MS: check Redis. Bypass means that Redis was not asked at all.',
            unit: 'ops',
            lines: [[rate(lookups, 'result', { tier: 'redis' }), '{{result}}']],
          }),
        ],
      },
      ...coherenceRows(),
      {
        title: 'Fills: how a page gets into memory',
        panels: [
          timeSeries({
            title: 'Fills by outcome',
            description:
              'Fills per second by where the page was found. Absent is a page that does not exist; many of them are a scan or broken links. Errors are requests that Postgres could not answer.',
            unit: 'ops',
            lines: [[rate(`${fills}_count`, 'outcome'), '{{outcome}}']],
          }),
          timeSeries({
            title: 'Duration of fills, p99',
            description:
              '99 % of fills were faster, by where the page was found. Users wait this long for a cold page. When postgres rises, look at the pool and at Postgres below.',
            unit: 's',
            lines: [[quantile(0.99, fills, 'outcome'), '{{outcome}}']],
          }),
          timeSeries({
            title: 'Fills under way and requests saved',
            description:
              'Fills in flight now, and requests per fill. Fills that pile up mean that Postgres answers more slowly than pages are asked for.',
            unit: 'short',
            lines: [
              [sumBy('', series('frontshelf_cache_fills_in_flight')), 'fills under way'],
              [coalescing, 'requests per fill'],
            ],
          }),
        ],
      },
      {
        title: 'Memory tier',
        panels: [
          timeSeries({
            title: 'Bytes in memory by worker',
            description:
              'What pages occupy in each worker, and the limit. A worker at its limit evicts; one far below the others was just started.',
            unit: 'bytes',
            lines: [
              [
                sumBy('instance, worker', series('frontshelf_cache_size_bytes', { tier: 'memory' })),
                '{{instance}} worker {{worker}}',
              ],
              [`max(${series('frontshelf_cache_max_bytes', { tier: 'memory' })})`, 'limit'],
            ],
            dashed: ['limit'],
          }),
          timeSeries({
            title: 'Entries by worker',
            description:
              'Pages, and known absences, in each worker. Absences have a partition of their own, so a scan of random names cannot push pages out.',
            unit: 'short',
            lines: [
              [
                sumBy('instance, worker, tier', series('frontshelf_cache_entries')),
                '{{instance}} worker {{worker}} {{tier}}',
              ],
            ],
          }),
          timeSeries({
            title: 'Evictions',
            description:
              'Pages per second that left memory for want of room. A few are normal for a long tail of rare pages.',
            unit: 'ops',
            lines: [[rate('frontshelf_cache_evictions_total', 'reason'), '{{reason}}']],
          }),
        ],
      },
      {
        title: 'Redis and Postgres, as the workers see them',
        panels: [
          timeSeries({
            title: 'Duration of Redis operations',
            description:
              'Half and 99 % were faster. Beyond a millisecond look at the network and at Redis’ slow log; a line at REDIS_TIMEOUT_MS is Redis that hangs.',
            unit: 's',
            lines: quantiles.map(
              (q) =>
                [
                  quantile(q, 'frontshelf_cache_operation_duration_seconds', 'op', { tier: 'redis' }),
                  `{{op}} p${q * 100}`,
                ] as const,
            ),
          }),
          timeSeries({
            title: 'Duration of Postgres operations',
            description:
              'Half and 99 % were faster, the wait for a connection included. A rise with the same rate is Postgres (locks, a cold cache, a lost index) or the pool. See the exporter on Saturation.',
            unit: 's',
            lines: quantiles.map(
              (q) =>
                [
                  quantile(q, clientCalls, 'db_operation_name', { db_system_name: 'postgresql' }),
                  `{{db_operation_name}} p${q * 100}`,
                ] as const,
            ),
          }),
          timeSeries({
            title: 'Operations by store and name',
            description:
              'Calls per second to Redis and Postgres. Those to Postgres should be few beside the pages served.',
            unit: 'ops',
            lines: [
              [
                rate(`${clientCalls}_count`, 'db_system_name, db_operation_name'),
                '{{db_system_name}} {{db_operation_name}}',
              ],
            ],
          }),
          timeSeries({
            title: 'Failed operations by store and reason',
            description:
              'Calls per second that failed. Timeout: it hangs or is overloaded. Unavailable: it is not there. Other: a defect, look in the log.',
            unit: 'ops',
            width: 24,
            lines: [
              [
                rate(`${clientCalls}_count`, 'db_system_name, error_type', {
                  error_type: '!=',
                }),
                '{{db_system_name}} {{error_type}}',
              ],
            ],
          }),
        ],
      },
    ],
  });
