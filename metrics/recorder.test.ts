import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  cacheCoalesced,
  cacheEvictions,
  cacheFillDuration,
  cacheLeases,
  cacheOperationDuration,
  cacheRefreshes,
  cacheRequests,
  connectionTimeouts,
  cumulativeMetrics,
  databaseOperationDuration,
  eventLoopDelay,
  eventLoopTime,
  garbageCollections,
  type HistogramDefinition,
  type Labels,
  processCpu,
  productsServed,
  requestDuration,
  requestLabels,
  responseBodySize,
} from './catalogue.ts';
import { createRecorder, slotOf, totalSlots } from './recorder.ts';

const slot = (...series: Parameters<typeof slotOf>) =>
  slotOf(...series) ?? assert.fail(JSON.stringify(series));
const page200 = requestLabels('GET', '/v1/products/{slug}', 200);

/** A histogram series: observations per bucket (not summed up), those beyond the last, and the sum. */
function histogram(totals: readonly number[], definition: HistogramDefinition, labels: Labels) {
  const first = slot(definition, labels);
  const { length } = definition.buckets;
  return { counts: totals.slice(first, first + length + 1), sum: totals[first + length + 1] };
}

test('a duration on the edge of a bucket is in it, and one past the last is counted beyond', () => {
  for (const [index, edgeSeconds] of requestDuration.buckets.entries()) {
    const recorder = createRecorder();
    recorder.requestEnded('GET', '/v1/products/{slug}', 200, edgeSeconds * 1000, 0);
    recorder.requestEnded('GET', '/v1/products/{slug}', 200, edgeSeconds * 1000 * 1.001, 0);
    const { counts, sum } = histogram(recorder.totals(), requestDuration, page200);
    const expected = counts.map((_, i) => (i === index || i === index + 1 ? 1 : 0));
    assert.deepEqual(counts, expected, `${edgeSeconds} s`);
    assert.ok(Math.abs((sum ?? 0) - 2.001 * edgeSeconds) < 2e-7);
  }
});

test('a duration of 0 is in the first bucket', () => {
  const recorder = createRecorder();
  recorder.requestEnded('GET', '/livez', 200, 0, 0);
  assert.equal(
    histogram(recorder.totals(), requestDuration, requestLabels('GET', '/livez', 200)).counts[0],
    1,
  );
});

test('a request counts in its own series and in no other', () => {
  const recorder = createRecorder();
  const before = recorder.totals();
  recorder.requestEnded('HEAD', '/v1/products', 304, 1, 0);
  const after = recorder.totals();
  const changed = after.flatMap((total, i) => (total === before[i] ? [] : [i]));
  const first = slot(requestDuration, requestLabels('HEAD', '/v1/products', 304));
  // They may have moved in the meantime.
  const clocks = [
    slot(processCpu, {}),
    slot(eventLoopTime, { nodejs_eventloop_state: 'active' }),
    slot(eventLoopTime, { nodejs_eventloop_state: 'idle' }),
  ];
  assert.deepEqual(
    changed.filter((i) => !clocks.includes(i)),
    [
      first + 1,
      first + requestDuration.buckets.length + 1,
      slot(responseBodySize, { http_route: '/v1/products' }),
    ],
  );
});

test('a method that does not exist here is _OTHER, and a combination nobody foresaw is still counted', () => {
  const recorder = createRecorder();
  recorder.requestEnded('BREW', '/v1/products', 405, 1, 0);
  recorder.requestEnded('GET', '/v1/products', 418, 1, 0);
  recorder.requestEnded('GET', '/no/such/route', 200, 1, 0);
  const count = (labels: Labels) =>
    histogram(recorder.totals(), requestDuration, labels).counts.reduce((sum, n) => sum + n);
  assert.equal(count(requestLabels('_OTHER', '/v1/products', 405)), 1);
  assert.equal(count(requestLabels('_OTHER', 'unmatched', 'other')), 2);
});

test('every answer of the cache and every shelf has its own counter', () => {
  const recorder = createRecorder();
  const value = (...series: Parameters<typeof slotOf>) => recorder.totals()[slot(...series)];
  for (const result of ['hit', 'miss', 'stale', 'negative'] as const) {
    recorder.cache.memoryAnswered(result);
    assert.equal(value(cacheRequests, { tier: 'memory', result }), 1);
  }
  for (const result of ['hit', 'miss', 'negative', 'outdated', 'error', 'bypass'] as const) {
    recorder.cache.redisAnswered(result);
    assert.equal(value(cacheRequests, { tier: 'redis', result }), 1);
  }
  for (const tier of ['memory', 'redis', 'postgres', 'stale', 'negative'] as const) {
    recorder.productServed(tier);
    assert.equal(value(productsServed, { tier }), 1);
  }
  recorder.cache.evicted();
  assert.equal(value(cacheEvictions, { tier: 'memory', reason: 'size' }), 1);
  for (const scope of ['worker', 'cluster'] as const) {
    recorder.cache.coalesced(scope);
    assert.equal(value(cacheCoalesced, { scope }), 1);
  }
  for (const result of ['granted', 'early', 'refused', 'expired'] as const) {
    recorder.cache.leased(result);
    assert.equal(value(cacheLeases, { result }), 1);
  }
  recorder.cache.refreshed();
  assert.equal(value(cacheRefreshes, {}), 1);
  for (const outcome of ['redis', 'postgres', 'absent', 'error'] as const) {
    recorder.cache.filled(outcome, 0.3);
    const { counts, sum } = histogram(recorder.totals(), cacheFillDuration, { outcome });
    assert.deepEqual(counts.slice(0, 3), [0, 1, 0]);
    assert.ok(Math.abs((sum ?? 0) - 0.0003) < 1e-7);
  }
});

test('sizes of bodies count by route, and those of an unknown route with the unmatched', () => {
  const recorder = createRecorder();
  recorder.requestEnded('GET', '/v1/products/{slug}', 200, 1, 1024);
  recorder.requestEnded('GET', '/v1/products/{slug}', 200, 1, 300_000);
  recorder.requestEnded('GET', '/no/such/route', 404, 1, 100);
  const sizes = (http_route: string) => histogram(recorder.totals(), responseBodySize, { http_route });
  assert.deepEqual(sizes('/v1/products/{slug}'), { counts: [0, 1, 0, 0, 0, 0, 1], sum: 301_024 });
  assert.deepEqual(sizes('unmatched'), { counts: [1, 0, 0, 0, 0, 0, 0], sum: 100 });
});

test('requests that have begun and not ended are active', () => {
  const recorder = createRecorder();
  recorder.requestBegan();
  recorder.requestBegan();
  assert.equal(recorder.activeRequests, 2);
  recorder.requestEnded('GET', '/livez', 200, 1, 15);
  assert.equal(recorder.activeRequests, 1);
});

test('operations of Postgres and Redis count by what they were and how they failed', () => {
  const recorder = createRecorder();
  const count = (definition: HistogramDefinition, labels: Labels) =>
    histogram(recorder.totals(), definition, labels).counts.reduce((sum, n) => sum + n);
  const database = (db_system_name: string, db_operation_name: string, error_type: string) =>
    count(databaseOperationDuration, { db_system_name, db_operation_name, error_type });
  for (const failure of [undefined, 'timeout', 'unavailable', 'other'] as const) {
    for (const operation of ['product_page', 'product_pages', 'product_list', 'search', 'warm_up'] as const) {
      recorder.databaseAnswered(operation, 1, failure);
      assert.equal(database('postgresql', operation, failure ?? ''), 1);
    }
    for (const op of ['get', 'set'] as const) {
      recorder.redis.commandEnded(op, 1, failure);
      assert.equal(database('redis', op, failure ?? ''), 1);
    }
  }
  for (const op of ['get', 'set'] as const) {
    recorder.redis.operationEnded(op, 1);
    assert.equal(count(cacheOperationDuration, { tier: 'redis', op }), 1);
  }
  recorder.connectionTimedOut();
  assert.equal(recorder.totals()[slot(connectionTimeouts, { db_system_name: 'postgresql' })], 1);
});

test('the event loop and the garbage collector have their series', () => {
  const recorder = createRecorder();
  recorder.eventLoopDelayed(3);
  assert.equal(histogram(recorder.totals(), eventLoopDelay, {}).counts[2], 1);
  for (const v8js_gc_type of ['major', 'minor', 'incremental', 'weakcb'] as const) {
    recorder.garbageCollected(v8js_gc_type, 0.05);
    assert.equal(histogram(recorder.totals(), garbageCollections, { v8js_gc_type }).counts[0], 1);
  }
});

test('no two series share a slot, and together they fill the array', () => {
  const taken = cumulativeMetrics.flatMap((definition) =>
    definition.labelSets.flatMap((labels) => {
      const length = definition.type === 'counter' ? 1 : definition.buckets.length + 2;
      return Array.from({ length }, (_, i) => slot(definition, labels) + i);
    }),
  );
  assert.deepEqual(
    taken.toSorted((a, b) => a - b),
    Array.from({ length: totalSlots }, (_, i) => i),
  );
});

test('the order in which labels are written makes no other series', () => {
  const reversed = Object.fromEntries(Object.entries(page200).toReversed());
  assert.equal(slotOf(requestDuration, reversed), slot(requestDuration, page200));
  assert.equal(slotOf(requestDuration, {}), undefined);
});

test('totals are a copy: what is recorded later does not change what was sent', () => {
  const recorder = createRecorder();
  const sent = recorder.totals();
  recorder.productServed('memory');
  assert.equal(sent[slot(productsServed, { tier: 'memory' })], 0);
});
