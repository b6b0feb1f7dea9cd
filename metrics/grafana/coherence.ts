import { increase, maxBy, quantile, rate, series, sumBy } from './expressions.ts';
import type { Row } from './frame.ts';
import { stat, timeSeries } from './panels.ts';

const age = 'frontshelf_feed_age_seconds';
const lag = 'frontshelf_change_lag_seconds';

/** Rows about changes of the catalogue: whether they show, how soon, and what stands between. */
export const coherenceRows = (): Row[] => [
  {
    title: 'Do changes show?',
    panels: [
      stat({
        title: 'Oldest knowledge of changes',
        description:
          'How long ago the change log was asked that the least informed worker knows the answer of. Past STALENESS_MS (0.25 s) its pages are served as stale: look at the log connections below, then at Postgres.',
        unit: 's',
        decimals: 2,
        expression: maxBy('', series(age)),
        base: 'green',
        steps: [
          [0.25, 'orange'],
          [2, 'red'],
        ],
        empty: 'no data',
      }),
      stat({
        title: 'Change lag, p99',
        description:
          '99 % of changes took effect in a worker sooner than this after the question that found them. A few milliseconds; more is a busy primary or busy workers, see Saturation.',
        unit: 's',
        decimals: 3,
        expression: quantile(0.99, lag),
        base: 'green',
        steps: [[0.1, 'orange']],
        empty: 'no changes',
      }),
      stat({
        title: 'Servers that use Redis',
        description:
          'Servers that have told Redis of all changes, so that their workers may believe it. One that has not goes to Postgres for each page it does not hold: see whether its Redis is up.',
        unit: 'short',
        decimals: 0,
        expression: sumBy('', series('frontshelf_redis_joined')),
        base: 'blue',
        empty: 'no data',
      }),
      stat({
        title: 'Gaps in the change log, 1 hour',
        description:
          'How often a server could not go on where it had left the change log, and dropped all pages: it was away for longer than CHANGE_RETENTION_MS, the database was restored, or too much changed at once.',
        unit: 'short',
        decimals: 0,
        expression: `sum(increase(${series('frontshelf_feed_gaps_total')}[1h]))`,
        base: 'green',
        steps: [[0.5, 'orange']],
        empty: 'no data',
      }),
      timeSeries({
        title: 'Knowledge of changes by worker',
        description:
          'Seconds since the change log was asked that a worker knows the answer of. It should stay below POLL_MS and a little. All workers of a server: its primary or Postgres. One worker: it is overloaded.',
        unit: 's',
        lines: [[maxBy('instance, worker', series(age)), '{{instance}} worker {{worker}}']],
      }),
      timeSeries({
        title: 'Change lag',
        description:
          'Half and 99 % of changes took effect in a worker sooner after the question that found them. What a COMMIT waits for before that is the wake-up, or POLL_MS where it is lost.',
        unit: 's',
        lines: [
          [quantile(0.5, lag), 'p50'],
          [quantile(0.99, lag), 'p99'],
        ],
      }),
      timeSeries({
        title: 'Changes',
        description:
          'Changes of pages per second as the primaries read them, and as workers heard of them: announced, or found by themselves while their primary said nothing, which should not happen.',
        unit: 'ops',
        lines: [
          [rate('frontshelf_changes_read_total'), 'read'],
          [rate('frontshelf_change_events_total', 'result'), '{{result}} to workers'],
        ],
      }),
      timeSeries({
        title: 'Connections to the change log',
        description:
          'Servers whose connection that asks, and whose connection that is woken, is up. Without the latter changes show after POLL_MS; without the former pages become stale.',
        unit: 'short',
        lines: [[sumBy('connection', series('frontshelf_feed_up')), '{{connection}}']],
      }),
      timeSeries({
        title: 'Changes that Redis was not told of',
        description:
          'Batches of changes that wait for Redis, and pages that workers check more closely meanwhile. They pile up while Redis does not answer, and go when it does.',
        unit: 'short',
        lines: [
          [sumBy('', series('frontshelf_changes_pending')), 'batches'],
          [maxBy('', series('frontshelf_change_floors')), 'pages'],
        ],
      }),
      timeSeries({
        title: 'Redis joined',
        description:
          'How often a server caught up with Redis: replayed what it had missed, or began a new epoch, in which Redis is empty. After a start once; more is a Redis that loses its memory, or changes of every page.',
        unit: 'short',
        lines: [[increase('frontshelf_redis_joins_total', 'result'), '{{result}}']],
      }),
    ],
  },
  {
    title: 'Who reads Postgres for whom',
    panels: [
      timeSeries({
        title: 'Leases',
        description:
          'Rights to read a page for all workers: granted for a page that Redis lacks, early for one whose time is nearly over. Refused means that the page changed meanwhile; expired that a worker waited in vain.',
        unit: 'ops',
        lines: [[rate('frontshelf_cache_lease_total', 'result'), '{{result}}']],
      }),
      timeSeries({
        title: 'Waits for somebody else’s read',
        description:
          'Requests that waited for a fill of their own worker, and fills that waited for another worker, per second. Each is a read that Postgres was spared.',
        unit: 'ops',
        lines: [[rate('frontshelf_cache_coalesced_total', 'scope'), '{{scope}}']],
      }),
      timeSeries({
        title: 'Pages read anew in time',
        description:
          'Pages per second that were read again while the copy in memory still answered, so that nobody waited for them.',
        unit: 'ops',
        lines: [[rate('frontshelf_cache_refreshes_total'), 'read anew']],
      }),
      timeSeries({
        title: 'Redis breaker by state',
        description:
          'Workers by the state of their breaker. Open: three commands in a row failed, so nobody waits for Redis until a probe succeeds.',
        unit: 'short',
        stack: 'normal',
        lines: [[sumBy('state', series('frontshelf_breaker_state')), '{{state}}']],
      }),
    ],
  },
];
