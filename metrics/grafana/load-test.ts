import { anySeries, maxBy, ofWorkers, quantile, rate, ratio, series, sumBy } from './expressions.ts';
import { dashboard, places } from './frame.ts';
import { stat, timeSeries } from './panels.ts';
import { utilisation } from './saturation.ts';

/** k6 pushes its own figures, which belong to a test and to no server. */
const ofTest = { testid: '=~$testid' };
const k6 = (metric: string, matchers = {}) => anySeries(metric, { ...ofTest, ...matchers });
const k6Rate = (counter: string, matchers = {}) =>
  sumBy('', `rate(${k6(counter, matchers)}[$__rate_interval])`);

const requests = 'http_server_request_duration_seconds';
const ofProducts = { http_route: '/v1/products/{slug}' };
// Of pages that came: k6 keeps one figure for each status, and a percentile of several cannot be had from theirs.
const clientP99 = maxBy('', k6('k6_http_req_duration_p99', { expected_response: 'true' }));
const serverP99 = quantile(0.99, requests, '', ofProducts);
/** Since the test began, which is what its verdict is about; k6's counters begin with it. */
const failedShare = `(sum(${k6('k6_http_reqs_total', { expected_response: 'false' })}) or vector(0)) / sum(${k6('k6_http_reqs_total')})`;
const checksShare = `min(${k6('k6_checks_rate')})`;
const dropped = `sum(${k6('k6_dropped_iterations_total')}) or vector(0)`;

export const loadTest = () =>
  dashboard({
    place: places.loadTest,
    description:
      'A load test as k6 saw it, beside the server that it loaded. A test that dropped iterations, or whose generator was full, measured the generator.',
    from: 'now-15m',
    // Tests without an identifier have none of the label, so all must match the empty one too.
    choices: [{ name: 'testid', label: 'Test', query: 'label_values(k6_vus, testid)', all: '.*' }],
    rows: [
      {
        title: 'Does the result count?',
        panels: [
          stat({
            title: 'Requests sent',
            description: 'Requests per second that k6 sends now. Compare with what the scenario wished for.',
            unit: 'reqps',
            decimals: 0,
            expression: k6Rate('k6_http_reqs_total'),
            base: 'blue',
            empty: 'no test',
          }),
          stat({
            title: 'Dropped iterations',
            description:
              'Requests that k6 could not send in time because all its users were busy. Any makes the result void: the server, or the generator, was too slow. Give k6 more users and cores.',
            unit: 'short',
            decimals: 0,
            expression: dropped,
            base: 'green',
            steps: [[1, 'red']],
            empty: 'no test',
          }),
          stat({
            title: 'Failed requests',
            description:
              'Share of page requests that failed for the client since the test began, time-outs and refused connections included. The promise is none.',
            unit: 'percentunit',
            decimals: 2,
            expression: failedShare,
            base: 'green',
            steps: [[0.000001, 'red']],
            empty: 'no test',
            next: places.service,
          }),
          stat({
            title: 'Checks passed',
            description:
              'Share passed, since the test began, of the check that passed least: status, type, the right page. Less than all means that something else than pages was measured.',
            unit: 'percentunit',
            decimals: 2,
            expression: checksShare,
            base: 'red',
            steps: [[1, 'green']],
            empty: 'no test',
          }),
          stat({
            title: 'Client p99',
            description:
              'From the start of the test until now, 99 % of the pages that came were faster, connection and network included. Compare with the server’s own figure beside it.',
            unit: 's',
            expression: clientP99,
            base: 'green',
            steps: [
              [0.1, 'orange'],
              [0.5, 'red'],
            ],
            empty: 'no test',
          }),
          stat({
            title: 'Server p99',
            description:
              'In the server, 99 % of pages took less over the time that is shown: choose the time of the test. Far below the client’s: the time is lost before the server sees the request, in the generator or in a full event loop.',
            unit: 's',
            expression: `histogram_quantile(0.99, sum by (le) (rate(${series(`${requests}_bucket`, ofProducts)}[$__range])))`,
            base: 'green',
            steps: [
              [0.025, 'orange'],
              [0.1, 'red'],
            ],
            empty: 'no requests',
            next: places.saturation,
          }),
        ],
      },
      {
        title: 'The client beside the server',
        panels: [
          timeSeries({
            title: 'Client p99 beside server p99',
            description:
              'Client: since the start of the test, so it moves slowly. Server: of each moment. The gap is what the server does not see: the network, the generator, and the wait for a busy event loop.',
            unit: 's',
            width: 12,
            lines: [
              [clientP99, 'client'],
              [serverP99, 'server'],
            ],
          }),
          timeSeries({
            title: 'Requests sent and answered',
            description:
              'What k6 sent and what the server counted, probes left out. Lines apart: requests are lost between them, or someone else sends too.',
            unit: 'reqps',
            width: 12,
            lines: [
              [k6Rate('k6_http_reqs_total'), 'sent by k6'],
              [rate(`${requests}_count`, '', { http_route: '=~/v1/.+' }), 'answered by the server'],
            ],
          }),
          timeSeries({
            title: 'Users',
            description:
              'Users of k6 at work, and those it has made. In an open scenario the users at work rise when the server slows down; at the limit iterations are dropped.',
            unit: 'short',
            lines: [
              [sumBy('', k6('k6_vus')), 'users'],
              [sumBy('', k6('k6_vus_max')), 'limit'],
            ],
            dashed: ['limit'],
          }),
          timeSeries({
            title: 'Dropped iterations',
            description:
              'Iterations per second that k6 could not begin. Anything but 0 makes the result void.',
            unit: 'ops',
            lines: [[`${k6Rate('k6_dropped_iterations_total')} or vector(0)`, 'dropped']],
          }),
          timeSeries({
            title: 'Failures, as client and as server',
            description:
              'Failed requests per second by status as k6 saw them, and answers 5xx that the server counted. Failures with status 0 never reached the server.',
            unit: 'reqps',
            lines: [
              [
                sumBy(
                  'status',
                  `rate(${k6('k6_http_reqs_total', { expected_response: 'false' })}[$__rate_interval])`,
                ),
                'client {{status}}',
              ],
              [
                rate(`${requests}_count`, 'http_response_status_code', {
                  http_response_status_code: '=~5..',
                }),
                'server {{http_response_status_code}}',
              ],
            ],
          }),
        ],
      },
      {
        title: 'The server under it',
        panels: [
          timeSeries({
            title: 'Product pages by shelf',
            description:
              'Where the pages came from. A test of hits should be all green; orange in it means that the warm-up was too short, or that memory is too small.',
            unit: 'reqps',
            lines: [[rate('frontshelf_product_served_total', 'tier'), '{{tier}}']],
            stack: 'normal',
          }),
          timeSeries({
            title: 'Event loop utilisation by worker',
            description:
              'Share of time in which each worker had something to do. Beyond 0.9 the test measures a full server; below, with a high latency, something else is slow.',
            unit: 'percentunit',
            max: 1,
            lines: [[utilisation, '{{instance}} worker {{worker}}']],
            steps: [[0.9, 'red']],
          }),
          timeSeries({
            title: 'CPU per request',
            description:
              'Server CPU time of all workers for each request: the figure by which settings and versions are compared. It is fair only at the same rate and the same mix.',
            unit: 's',
            lines: [
              [
                ratio(rate('process_cpu_seconds_total', '', ofWorkers), rate(`${requests}_count`)),
                'CPU per request',
              ],
            ],
          }),
          timeSeries({
            title: 'Bytes received by the client',
            description:
              'Bytes per second that k6 received. Near the speed of the network, the network is what was measured.',
            unit: 'Bps',
            lines: [[k6Rate('k6_data_received_total'), 'received']],
          }),
          timeSeries({
            title: 'Reads waiting for Postgres',
            description:
              'Cold pages that wait for their turn. Above 0 in a test of hits means that it was no test of hits.',
            unit: 'short',
            lines: [[sumBy('', series('frontshelf_admission_queue_depth')), 'waiting']],
          }),
          timeSeries({
            title: 'Resident memory by worker',
            description:
              'Memory of each worker. In a soak it must level off; a line that never does is a leak, and the soak has found it.',
            unit: 'bytes',
            lines: [
              [
                maxBy('job, instance, worker', series('process_resident_memory_bytes', ofWorkers)),
                '{{instance}} worker {{worker}}',
              ],
            ],
          }),
        ],
      },
    ],
  });
