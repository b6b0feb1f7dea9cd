/**
 * Visitors open product pages, popular ones more often, at a rate that does not wait for the server.
 *
 * In such an open loop a slow answer delays nobody's next request, so none is hidden behind another.
 */
import { check } from 'k6';
import { SharedArray } from 'k6/data';
import http from 'k6/http';
import type { Options } from 'k6/options';
import { cumulativeWeights, draw } from '../zipf.ts';

const url = __ENV.URL ?? 'http://127.0.0.1:3000';
const ratePerSecond = Number(__ENV.RATE ?? 500);
const exponent = Number(__ENV.EXPONENT ?? 0.8);
const p99Ms = Number(__ENV.P99_MS ?? 100);

// One copy for all users: what setup() returns is copied for each, which at a thousand users delays the first requests
// by seconds. Hence `npm run loadtest` reads the products, the most popular first, and names the file.
const slugs = new SharedArray<string>('slugs', () => JSON.parse(open(__ENV.SLUGS_FILE ?? '')));
const popularity = new SharedArray('popularity', () => cumulativeWeights(slugs.length, exponent));

export const options: Options = {
  scenarios: {
    'page-view': {
      executor: 'constant-arrival-rate',
      rate: ratePerSecond,
      duration: __ENV.DURATION ?? '10s',
      // A user short is a request dropped, so enough that all answers may take as long as the bound, or half a second.
      preAllocatedVUs: Math.ceil((ratePerSecond * Math.max(p99Ms, 500)) / 1000),
    },
  },
  thresholds: {
    'http_req_failed{name:page}': ['rate==0'],
    'http_req_duration{name:page}': [`p(99)<${p99Ms}`],
    checks: ['rate==1'],
    // A request that was not sent was not measured.
    dropped_iterations: ['count==0'],
  },
  // Without `url`, and with one name for all pages, series stay few whatever the number of products.
  systemTags: ['name', 'status', 'method', 'scenario', 'expected_response', 'error_code', 'check'],
  summaryTrendStats: ['avg', 'min', 'med', 'p(90)', 'p(95)', 'p(99)', 'max'],
};

export default function pageView(): void {
  const slug = slugs[draw(popularity, Math.random())];
  const response = http.get(`${url}/v1/products/${slug}`, {
    tags: { name: 'page' },
    headers: { Accept: 'application/json' },
  });
  check(response, {
    'status is 200': ({ status }) => status === 200,
    'content is JSON': ({ headers }) => headers['Content-Type'] === 'application/json',
    'page is the one asked for': ({ body }) => typeof body === 'string' && body.includes(`"slug":"${slug}"`),
    'cache status is told': ({ headers }) => headers['Cache-Status'] !== undefined,
  });
}

/** The whole summary as JSON: into the file that is named, else to the terminal. */
export const handleSummary = (summary: unknown) => ({
  [__ENV.SUMMARY_FILE ?? 'stdout']: JSON.stringify(summary, null, 2),
});
