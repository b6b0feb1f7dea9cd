import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerTo, runScenario, startStubServer } from '../k6/testing.ts';
import { findK6, k6Missing } from '../k6.ts';
import { listScenarios } from '../scenarios.ts';
import type { Slice } from './result.ts';
import { breakpointOf, readSummary } from './summary.ts';

const k6 = findK6();

test('what k6 leaves is read as it was seen from the server', { skip: k6 ? false : k6Missing }, async (t) => {
  // By parts of 15 requests at 20 views in a second: in the second half of a run of two seconds all fail.
  const good = 15 * 25;
  const server = await startStubServer((url, before) => ({
    ...answerTo(url),
    ...(before >= good && { status: 503 }),
  }));
  t.after(server.stop);
  const scenario = listScenarios().find(({ name }) => name === 'zipf');
  assert.ok(k6 && scenario);
  const variables = { URL: server.url, API: 'parts', RATE: '20', DURATION: '2s', SLICE_COUNT: '4' };
  const { summary } = await runScenario(k6, scenario.path, variables);
  const measured = readSummary(summary);

  const { seconds, requests, pageViews, responseMs, pageViewMs, slices } = measured;
  assert.ok(seconds !== undefined && seconds >= 2 && seconds < 10, `${seconds}`);
  assert.equal(requests, server.asked.length);
  assert.equal(measured.failedRequests, requests - good);
  assert.equal(measured.wrongAnswers, 0);
  assert.equal(pageViews, requests / 15);
  for (const { avg, med, p95, p99, max } of [responseMs, pageViewMs, ...slices.map((s) => s.responseMs)]) {
    assert.ok(0 < med && med <= p95 && p95 <= p99 && p99 <= max && avg <= max);
  }
  // Fifteen answers, six at a time, take longer than one.
  assert.ok(pageViewMs.med > responseMs.med);

  assert.deepEqual(
    slices.map(({ fromSeconds }) => fromSeconds),
    [0, 0.5, 1, 1.5],
  );
  const sum = (of: (slice: Slice) => number) => slices.reduce((total, slice) => total + of(slice), 0);
  assert.equal(
    sum((slice) => slice.requests),
    requests,
  );
  assert.equal(
    sum((slice) => slice.failedRequests),
    requests - good,
  );
  assert.equal(slices[0]?.failedRequests, 0);
  assert.equal(slices[3]?.failedRequests, slices[3]?.requests);

  // The same run, had it been stopped before its third slice was over.
  const stopped = { ...JSON.parse(summary), state: { testRunDurationMs: 1250 } };
  assert.deepEqual(
    readSummary(JSON.stringify(stopped)).slices.map((slice) => slice.seconds),
    [0.5, 0.5, 0.25],
  );
});

test('what k6 has no metric for is 0, and no time is undefined', () => {
  const none = { avg: 0, med: 0, p95: 0, p99: 0, max: 0 };
  assert.deepEqual(readSummary('{"metrics":{}}'), {
    seconds: undefined,
    requests: 0,
    failedRequests: 0,
    wrongAnswers: 0,
    droppedIterations: 0,
    pageViews: 0,
    responseMs: none,
    pageViewMs: none,
    peakUsers: 0,
    slices: [],
  });
});

const slice = (requests: number, p99: number, failedRequests = 0): Slice => ({
  fromSeconds: 0,
  seconds: 5,
  requests,
  failedRequests,
  responseMs: { avg: 1, med: 1, p95: 1, p99, max: p99 },
});

test('the breakpoint is the rate of the last slice before the first that was too slow or failed', () => {
  const rising = [slice(1000, 5), slice(2000, 50)];
  assert.equal(breakpointOf([...rising, slice(3000, 51), slice(4000, 5)], 50), 400);
  assert.equal(breakpointOf([...rising, slice(3000, 5, 4)], 50), 400);
  assert.equal(breakpointOf([...rising, slice(3000, 5, 3), slice(3100, 90)], 50), 600, '0.1 % may fail');
  assert.equal(breakpointOf([slice(0, 0), ...rising, slice(0, 0)], 50), 400, 'no answer came any more');
});

test('a server that never broke has no breakpoint, and one that broke at once has that of no requests', () => {
  assert.equal(breakpointOf([slice(1000, 5), slice(2000, 50)], 50), null);
  assert.equal(breakpointOf([slice(1000, 51)], 50), 0);
});
