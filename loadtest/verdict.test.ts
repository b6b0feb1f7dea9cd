import assert from 'node:assert/strict';
import { test } from 'node:test';
import { verdict } from './verdict.ts';

test('each promise is told with its figure and whether it was held; what promises nothing is left out', () => {
  const lines = verdict({
    metrics: {
      http_reqs: { values: { count: 10 } },
      'http_req_duration{name:page}': {
        values: { 'p(99)': 12.34567 },
        thresholds: { 'p(99)<100': { ok: true }, 'p(99.9)<10': { ok: false } },
      },
      'http_req_duration{slice:0}': { values: { max: 12 }, thresholds: { 'max>=0': { ok: true } } },
      dropped_iterations: { values: { count: 3 }, thresholds: { 'count==0': { ok: false } } },
    },
  });
  assert.deepEqual(lines, [
    'held    http_req_duration{name:page} p(99)<100, it is 12.346',
    'BROKEN  http_req_duration{name:page} p(99.9)<10',
    'BROKEN  dropped_iterations count==0, it is 3',
  ]);
});
