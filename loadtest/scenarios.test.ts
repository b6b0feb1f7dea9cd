import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerTo, products, runScenario, startStubServer } from './k6/testing.ts';
import { findK6, k6Missing } from './k6.ts';
import { readSummary } from './lab/summary.ts';
import { listScenarios } from './scenarios.ts';
import { oldProfileParts, parts } from './targets/parts.ts';

const k6 = findK6();
const skip = k6 ? false : k6Missing;
const scenarios = listScenarios();

/** Each takes a second or two, at a rate that a busy machine bears. */
const small = {
  TIME_SCALE: '0.002',
  RATE: '20',
  MAX_RATE: '40',
  USERS: '20',
  DURATION: '10m',
  P99_MS: '5000',
};

const run = (name: string, variables: Readonly<Record<string, string>>) => {
  const scenario = scenarios.find((known) => known.name === name);
  assert.ok(k6 && scenario, name);
  return runScenario(k6, scenario.path, { ...small, ...variables });
};

for (const api of ['page', 'parts'] as const)
  test(`every scenario gets the right answers from a right server, by the ${api} API`, {
    skip,
    // Most of their time is pauses.
    concurrency: 3,
  }, async (t) => {
    const runs = scenarios.map(({ name }) =>
      t.test(name, async (t) => {
        const server = await startStubServer(answerTo);
        t.after(server.stop);
        const { exitCode, complaints, summary } = await run(name, { URL: server.url, API: api });
        assert.equal(exitCode, 0, complaints.join('\n'));
        const { requests, failedRequests, wrongAnswers, pageViews, slices } = readSummary(summary);
        assert.equal(requests, server.asked.length);
        assert.ok(pageViews > 0);
        const requestsPerView =
          name === 'old-profile' ? oldProfileParts.length : api === 'page' ? 1 : parts.length;
        assert.equal(requests, pageViews * requestsPerView);
        assert.deepEqual([failedRequests, wrongAnswers], [0, 0]);
        assert.equal(
          slices.reduce((sum, slice) => sum + slice.requests, 0),
          requests,
        );
      }),
    );
    await Promise.all(runs);
  });

for (const api of ['page', 'parts'] as const)
  test(`a wrong product is a wrong answer, an error a failed request, by the ${api} API`, {
    skip,
  }, async (t) => {
    const server = await startStubServer((url, before) => {
      if (before % 4 === 0) return { status: 500, body: answerTo(url).body };
      // Its name begins like that of another.
      if (before % 4 === 1) return answerTo(url.replace(/(?<=-|products\/)\d+/, '$&0'));
      return answerTo(url);
    });
    t.after(server.stop);
    const { exitCode, summary } = await run('zipf', { URL: server.url, API: api });
    assert.equal(exitCode, 99, 'a promise was broken');
    const { requests, failedRequests, wrongAnswers } = readSummary(summary);
    assert.equal(requests, server.asked.length);
    assert.equal(failedRequests, Math.ceil(requests / 4));
    assert.ok(Math.abs(wrongAnswers - requests / 4) <= 1, `${wrongAnswers} of ${requests}`);
  });

test('a redirect is no answer', { skip }, async (t) => {
  const server = await startStubServer(() => ({ status: 302, body: '' }));
  t.after(server.stop);
  const { summary } = await run('page-view', { URL: server.url, API: 'page' });
  const { requests, failedRequests } = readSummary(summary);
  assert.ok(requests > 0);
  assert.equal(failedRequests, requests);
});

test('cold-cache views no product twice, and ends when all have been viewed', { skip }, async (t) => {
  const server = await startStubServer(answerTo);
  t.after(server.stop);
  await run('cold-cache', { URL: server.url, API: 'page', RATE: '50', DURATION: '10m' });
  assert.equal(new Set(server.asked).size, server.asked.length);
  // The last of an open loop begins at the end, or just not.
  assert.ok(server.asked.length >= products.length - 1);
  assert.notDeepEqual(
    server.asked.slice(0, 10),
    products.slice(0, 10).map(([, slug]) => `/v1/products/${slug}`),
  );
});

test('the old profile asks for its parts in its order', { skip }, async (t) => {
  const server = await startStubServer(answerTo);
  t.after(server.stop);
  await run('old-profile', { URL: server.url, API: 'parts', TIME_SCALE: '0.002' });
  const byProduct = Map.groupBy(server.asked, (path) => path.replace(/[^/]+$/, ''));
  const whole = [...byProduct.values()].filter(({ length }) => length === oldProfileParts.length);
  assert.ok(whole.length > 0);
  for (const paths of whole)
    assert.deepEqual(
      paths.map((path) => path.split('/').at(-1)),
      oldProfileParts,
    );
});

test('without slices the summary has none', { skip }, async (t) => {
  const server = await startStubServer(answerTo);
  t.after(server.stop);
  const { exitCode, summary } = await run('page-view', { URL: server.url, API: 'page', SLICE_COUNT: '0' });
  assert.equal(exitCode, 0);
  assert.deepEqual(readSummary(summary).slices, []);
});
