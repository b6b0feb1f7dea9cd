import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lagOf, thinness, violationText } from './report.ts';

test('percentiles are values that were measured', () => {
  const values = Array.from({ length: 200 }, (_, index) => 200 - index);
  assert.deepEqual(lagOf(values), { samples: 200, p50Ms: 100, p99Ms: 198, maxMs: 200 });
  assert.deepEqual(lagOf([7]), { samples: 1, p50Ms: 7, p99Ms: 7, maxMs: 7 });
});

const full = {
  readsJudged: 100,
  writes: { title: 1 },
  faults: { 'redis-flushed': 1 },
  workers: { seen: 4, reached: 4 },
  lags: { healthy: lagOf([1]) },
};
const expected = { reads: 100, faultKinds: ['redis-flushed'], lagPhases: ['healthy'] };

test('a run in which all was tried is not thin', () => {
  assert.deepEqual(thinness(full, expected), []);
});

test('a run that left something out proves nothing, and says what', () => {
  for (const [part, sentence] of [
    [{ readsJudged: 99 }, 'Only 99 answers were judged; there should be 100.'],
    [{ writes: { title: 1, price: 0 } }, 'There was no write of kind price.'],
    [{ faults: {} }, 'The fault redis-flushed did not happen.'],
    [{ lags: {} }, 'No commit was followed healthy.'],
    [{ workers: { seen: 4, reached: 3 } }, '1 of 4 workers answered no request.'],
  ] as const)
    assert.deepEqual(thinness({ ...full, ...part }, expected), [sentence]);
});

test('a violation is told with all that is known of it', () => {
  const text = violationText({
    kind: 'stale',
    cell: 'title of a',
    shown: 'old',
    version: { value: 'old', sentAtMs: 100, returnedAtMs: 101 },
    newer: { value: 'new', sentAtMs: 1000, returnedAtMs: 1010 },
    newerAgeMs: 490,
    host: 'host 1',
    workerPid: 42,
    slug: 'a',
    status: 200,
    cacheStatus: 'frontshelf-memory; hit',
    beganAtMs: 1500,
    endedAtMs: 1501,
    faults: ['redis-flushed'],
  });
  for (const part of [
    'title of a',
    '"old"',
    '"new"',
    '490.0 ms',
    'host 1',
    '42',
    'memory; hit',
    'redis-flushed',
  ])
    assert.ok(text.includes(part), `${part} in ${text}`);
});
