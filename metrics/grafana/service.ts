import { anySeries, maxBy, quantile, rate, ratio, series, sumBy } from './expressions.ts';
import { dashboard, places } from './frame.ts';
import { heatmap, stat, timeSeries } from './panels.ts';
import { utilisation } from './saturation.ts';
import { freshFromCaches } from './tiers.ts';

const requests = 'http_server_request_duration_seconds';
/** What clients see: the pages and the list, not the probes. */
const ofPages = { http_route: '=~/v1/.+' };
const ofProducts = { http_route: '/v1/products/{slug}' };
const failed = { ...ofPages, http_response_status_code: '=~5..' };

/** The promise is 99.9 % over 30 days; the budget is what may fail. */
const budget = 0.001;
const failedRatioOver = (window: string) =>
  `(${sumBy('', `rate(${series(`${requests}_count`, failed)}[${window}])`)} / (${sumBy('', `rate(${series(`${requests}_count`, ofPages)}[${window}])`)} > 0))`;

/** A label value for each hundred of status codes. */
const byStatusClass = (expression: string) =>
  sumBy(
    'class',
    `label_replace(${expression}, "class", "\${1}xx", "http_response_status_code", "([1-5])..")`,
  );

export const service = () =>
  dashboard({
    place: places.service,
    description:
      'Are users hurt, and where to look next. The first row answers the first question, the second row the other: click what is not green.',
    rows: [
      {
        title: 'Are users hurt?',
        panels: [
          stat({
            title: 'Failed requests',
            description:
              'Share of requests for pages and lists that were answered 5xx. Green below the budget of 0.1 %; red from 14.4 times the budget, which spends a month in two days. When it is not green, look at the second row for the part that fails.',
            unit: 'percentunit',
            decimals: 2,
            expression: ratio(rate(`${requests}_count`, '', failed), rate(`${requests}_count`, '', ofPages)),
            base: 'green',
            steps: [
              [budget, 'orange'],
              [budget * 14.4, 'red'],
            ],
            empty: 'no requests',
            next: places.tiers,
          }),
          stat({
            title: 'Pages slower than 25 ms',
            description:
              'Share of product pages that took longer than 25 ms in the server. The promise is less than 1 %. When it is not green, look at the served-by-tier panels: pages come from Postgres, or the event loop is full.',
            unit: 'percentunit',
            decimals: 2,
            expression: `1 - ${ratio(rate(`${requests}_bucket`, '', { ...ofProducts, le: '0.025' }), rate(`${requests}_count`, '', ofProducts))}`,
            base: 'green',
            steps: [
              [0.01, 'orange'],
              [0.05, 'red'],
            ],
            empty: 'no requests',
            next: places.tiers,
          }),
          stat({
            title: 'Servers not answering',
            description:
              'Servers that Prometheus scraped within the last day and cannot reach now. Requests to a dead server are in none of the other panels. When it is not 0, look whether the process runs and what it logged last.',
            unit: 'short',
            decimals: 0,
            expression: `count((${series('up')} == 0) and on (job, instance) last_over_time(${series('frontshelf_build_info')}[1d])) or vector(0)`,
            base: 'green',
            steps: [[1, 'red']],
            empty: 'no servers',
            next: places.saturation,
          }),
          stat({
            title: 'Error budget left, 30 days',
            description:
              'What is left of the 0.1 % of requests that may fail in 30 days. Below a quarter, put off risky changes; at 0 the promise of the month is broken.',
            unit: 'percentunit',
            decimals: 1,
            expression: `1 - ${failedRatioOver('30d')} / ${budget}`,
            base: 'red',
            steps: [
              [0.000001, 'orange'],
              [0.25, 'green'],
            ],
            empty: 'no requests',
          }),
          stat({
            title: 'Burn rate, 1 hour',
            description:
              'How many times faster than allowed the last hour spent the error budget. 1 spends it in exactly 30 days; from 14.4 on someone is paged.',
            unit: 'short',
            decimals: 1,
            expression: `${failedRatioOver('1h')} / ${budget}`,
            base: 'green',
            steps: [
              [1, 'orange'],
              [14.4, 'red'],
            ],
            empty: 'no requests',
          }),
          stat({
            title: 'Alerts that page',
            description:
              'Alerts that fire now because users are hurt. Each has a runbook; the red marks on the panels show since when. Tickets, which are about causes, are marked on the panels too.',
            unit: 'short',
            decimals: 0,
            expression: `count(${anySeries('ALERTS', { alertstate: 'firing', severity: 'page', job: '=~|$job', instance: '=~|$instance' })}) or vector(0)`,
            base: 'green',
            steps: [[1, 'red']],
            empty: 'none',
          }),
        ],
      },
      {
        title: 'Where to look next',
        panels: [
          stat({
            title: 'Pages fresh from the caches',
            description:
              'Share of product pages that came from memory or Redis within their time. It falls when the caches are cold or too small, when Redis is gone, and when Postgres fails and pages grow old. Open Tiers to see which.',
            unit: 'percentunit',
            decimals: 1,
            expression: freshFromCaches,
            base: 'red',
            steps: [
              [0.5, 'orange'],
              [0.9, 'green'],
            ],
            empty: 'no requests',
            next: places.tiers,
          }),
          stat({
            title: 'Postgres errors',
            description:
              'Failed or timed-out Postgres operations per second. Pages in memory are still served; those that are not answer 503. Check that Postgres runs and is not overloaded.',
            unit: 'ops',
            decimals: 2,
            expression: rate('db_client_operation_duration_seconds_count', '', {
              db_system_name: 'postgresql',
              error_type: '!=',
            }),
            base: 'green',
            steps: [[0.001, 'red']],
            empty: 'no data',
            next: places.tiers,
          }),
          stat({
            title: 'Redis',
            description:
              'Whether every worker has its connection to Redis. Without it pages are read from Postgres once per worker: slower for cold pages, no error. Check that Redis runs and answers.',
            unit: 'short',
            expression: `min(${series('frontshelf_redis_up')})`,
            base: 'orange',
            steps: [[1, 'green']],
            empty: 'not used',
            words: { '0': 'down', '1': 'up' },
            next: places.tiers,
          }),
          stat({
            title: 'Workers missing',
            description:
              'Workers that should be ready and are not. A few seconds after a start or a restart are normal. When it stays, a worker crashes on start: Saturation shows the exits, the log shows why.',
            unit: 'short',
            decimals: 0,
            expression: `${sumBy('', series('frontshelf_workers_desired'))} - ${sumBy('', series('frontshelf_workers', { state: 'ready' }))}`,
            base: 'green',
            steps: [[1, 'orange']],
            empty: 'no data',
            next: places.saturation,
          }),
          stat({
            title: 'Busiest event loop',
            description:
              'Share of time in which the busiest worker had something to do. From 0.7 requests begin to wait for each other; from 0.9 the machine is full. Add workers if there are cores, or machines.',
            unit: 'percentunit',
            decimals: 0,
            expression: maxBy('', utilisation),
            base: 'green',
            steps: [
              [0.7, 'orange'],
              [0.9, 'red'],
            ],
            empty: 'no data',
            next: places.saturation,
          }),
          stat({
            title: 'Reads waiting for Postgres',
            description:
              'Cold pages that wait for their turn to be read. Above 0 for long means that Postgres is slow, or that more pages are cold than it can read; then they are refused.',
            unit: 'short',
            decimals: 0,
            expression: sumBy('', series('frontshelf_admission_queue_depth')),
            base: 'green',
            steps: [
              [1, 'orange'],
              [20, 'red'],
            ],
            empty: 'no data',
            next: places.saturation,
          }),
        ],
      },
      {
        title: 'Rate, errors, duration',
        panels: [
          timeSeries({
            title: 'Requests by route',
            description:
              'Requests per second by route, probes too. A fall without a cause of your own means that clients do not reach the server: look at what stands in front.',
            unit: 'reqps',
            lines: [[rate(`${requests}_count`, 'http_route'), '{{http_route}}']],
            stack: 'normal',
          }),
          timeSeries({
            title: 'Failed requests by route and status',
            description:
              'Answers 5xx per second. 503 is Postgres missing or slow for a page that no cache holds; 500 is a defect: look in the log.',
            unit: 'reqps',
            lines: [
              [
                rate(`${requests}_count`, 'http_route, http_response_status_code', failed),
                '{{http_route}} {{http_response_status_code}}',
              ],
            ],
          }),
          timeSeries({
            title: 'Latency of product pages',
            description:
              'Half, 95 % and 99 % of product pages were faster than these lines, within the resolution of the buckets. The promise is p99 below 25 ms. When only p99 rises, look at fills; when p50 rises too, at the event loop.',
            unit: 's',
            lines: ([0.5, 0.95, 0.99] as const).map(
              (q) => [quantile(q, requests, '', ofProducts), `p${q * 100}`] as const,
            ),
            steps: [[0.025, 'red']],
          }),
          heatmap({
            title: 'Spread of product pages over latency',
            description:
              'How many product pages fell into which bucket of latency. Two bands are normal: memory below 1 ms, fills above. A third band high up is a timeout.',
            unit: 's',
            expression: rate(`${requests}_bucket`, 'le', ofProducts),
          }),
          timeSeries({
            title: 'p99 by route',
            description:
              '99 % of requests were faster. The list always asks Postgres when its short cache time is over, so it may be slower than pages.',
            unit: 's',
            lines: [[quantile(0.99, requests, 'http_route', ofPages), '{{http_route}}']],
          }),
          timeSeries({
            title: 'Answers by status',
            description:
              'Share of answers by class of status code. 3xx is 304, a client that had the page. A rise of 4xx is a client with wrong links, or a scan.',
            unit: 'reqps',
            lines: [
              [
                byStatusClass(
                  rate(`${requests}_count`, 'http_response_status_code', {
                    http_response_status_code: '=~[1-5]..',
                  }),
                ),
                '{{class}}',
              ],
            ],
            stack: 'percent',
          }),
        ],
      },
      {
        title: 'Promise: 99.9 % of requests over 30 days',
        panels: [
          timeSeries({
            title: 'Burn rate by window',
            description:
              'How many times faster than allowed the budget is spent. Above 14.4 over an hour, or 6 over six hours, someone is paged; above 1 over three days a ticket is written.',
            unit: 'short',
            width: 12,
            step: '1m',
            lines: ['5m', '1h', '6h', '3d'].map(
              (window) => [`${failedRatioOver(window)} / ${budget}`, window] as const,
            ),
            steps: [
              [1, 'yellow'],
              [6, 'orange'],
              [14.4, 'red'],
            ],
          }),
          timeSeries({
            title: 'Response size by route',
            description:
              'Mean size of bodies as sent, compressed where the client takes it. A jump means that pages grew, or that clients ceased to accept compression.',
            unit: 'bytes',
            width: 12,
            lines: [
              [
                ratio(
                  rate('http_server_response_body_size_bytes_sum', 'http_route', ofPages),
                  rate('http_server_response_body_size_bytes_count', 'http_route', ofPages),
                ),
                '{{http_route}}',
              ],
            ],
          }),
        ],
      },
    ],
  });
