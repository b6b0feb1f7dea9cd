import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Outcome } from '../open-loop.ts';
import { createTally, latenciesOf } from './tally.ts';

const outcome = (status: number | undefined, latencyMs = 10, more: Partial<Outcome> = {}): Outcome => ({
  target: '/',
  plannedAtMs: 0,
  lateMs: 1,
  latencyMs,
  status,
  localPort: undefined,
  headers: {},
  body: Buffer.of(),
  ...more,
});

test('goodput is of cold pages that came, refusals are counted beside it, and retries are not offered anew', () => {
  const tally = createTally();
  tally.cold(outcome(200, 30), false);
  tally.cold(outcome(200, 50), true);
  tally.cold(outcome(503, 5), false);
  tally.cold(outcome(503, 7), true);
  tally.hit(outcome(200, 1));
  const figures = tally.figures(2);
  assert.equal(figures.offeredPerSecond, 1);
  assert.equal(figures.requestsPerSecond, 2);
  assert.equal(figures.goodputPerSecond, 1);
  assert.equal(figures.refusalsPerSecond, 1);
  assert.deepEqual(figures.admittedMs, { count: 2, p50: 30, p99: 50, max: 50 });
  assert.deepEqual(figures.refusedMs, { count: 2, p50: 5, p99: 7, max: 7 });
  assert.deepEqual(figures.hits, { requests: 1, failed: 0, ms: { count: 1, p50: 1, p99: 1, max: 1 } });
  assert.equal(figures.lateMs?.count, 5);
});

test('a cold page that was in memory, stale or not, is no goodput', () => {
  const tally = createTally();
  for (const cacheStatus of ['frontshelf-memory; hit', 'frontshelf-memory; hit; detail=stale'])
    tally.cold(outcome(200, 1, { headers: { 'cache-status': cacheStatus } }), false);
  tally.cold(
    outcome(200, 1, { headers: { 'cache-status': 'frontshelf-memory; fwd=uri-miss; stored' } }),
    false,
  );
  const figures = tally.figures(1);
  assert.equal(figures.warmPages, 2);
  assert.equal(figures.goodputPerSecond, 1);
});

test('a page in memory that is refused has failed, and what is neither a page nor a refusal is named', () => {
  const tally = createTally();
  tally.hit(outcome(503));
  tally.hit(outcome(500));
  tally.hit(outcome(undefined, 10, { error: 'ECONNRESET' }));
  tally.cold(outcome(undefined, 10, { error: 'ECONNRESET' }), false);
  tally.cold(outcome(404), false);
  const figures = tally.figures(1);
  assert.deepEqual(figures.hits, { requests: 3, failed: 3, ms: null });
  assert.deepEqual(figures.otherOutcomes, { 404: 1, 500: 1, ECONNRESET: 2 });
});

test('a percentile is a value that was measured, by rank, and of no values there is none', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
  assert.deepEqual(latenciesOf(hundred), { count: 100, p50: 50, p99: 99, max: 100 });
  assert.deepEqual(latenciesOf([3]), { count: 1, p50: 3, p99: 3, max: 3 });
  assert.equal(latenciesOf([]), null);
});
