import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fullResult, percentiles, resultOf, run } from './testing.ts';
import { comparisons, verdict } from './verdict.ts';

test('a broken target is named first, with its reason and without a time, however fast its errors were', () => {
  const sentences = verdict(
    resultOf([
      run(),
      run({
        target: 'express-redis',
        failedRequests: 643,
        responseMs: percentiles(0.123),
        pageViewMs: percentiles(0.123),
        serverCpuSeconds: 0.01,
      }),
    ]),
  );
  assert.equal(
    sentences[0],
    'express-redis is broken at base, and its times are no result: 643 of 1,000 requests failed, 64.3 %.',
  );
  assert.ok(sentences.slice(1).every((sentence) => !sentence.includes('express-redis')));
  assert.ok(!sentences.join(' ').includes('0.123'));
});

test('the others are compared with frontshelf, from the least CPU up', () => {
  const sentences = comparisons(
    resultOf([
      run({ target: 'other', serverCpuSeconds: 8, pageViewMs: percentiles(20) }),
      run({ responseMs: percentiles(4), pageViewMs: percentiles(4) }),
    ]),
  );
  assert.deepEqual(sentences, [
    'At base frontshelf needs 2 ms of server CPU per page view. A response, and with it a page view, took 4 ms on average; it served 100 page views/s. 0 of 1,000 requests failed.',
    'At base other needs 8 ms of server CPU per page view, 4 times as much as frontshelf. A response, and with it a page view, took 20 ms on average, 5 times that of frontshelf; it served 100 page views/s. 0 of 1,000 requests failed.',
  ]);
});

test('without frontshelf, or when it is broken, the first that is not broken is what others are compared with', () => {
  const runs = [
    run({ wrongAnswers: 1 }),
    run({ target: 'first' }),
    run({ target: 'second', serverCpuSeconds: 6 }),
  ];
  assert.match(comparisons(resultOf(runs)).join(), /second needs 6 ms .*, 3 times as much as first/);
  assert.match(comparisons(resultOf(runs.slice(1))).join(), /3 times as much as first/);
});

test('a void run is said to be void; its CPU is compared, its times are not', () => {
  const [complaint = '', ...compared] = verdict(
    resultOf([run(), run({ target: 'other', serverCpuSeconds: 4, droppedIterations: 7 })]),
  );
  assert.equal(
    complaint,
    'other is void at base: its response times and throughput there are not compared, its CPU per page view is. The generator could not begin 7 iterations.',
  );
  assert.match(
    compared[1] ?? '',
    /other needs 4 ms .*, 2 times as much as frontshelf\. No valid round has its/,
  );
});

test('a ratio over rounds is told with its extremes', () => {
  const runs = [3, 4, 8].flatMap((factor, index) => [
    run({ round: index + 1 }),
    run({ round: index + 1, target: 'other', serverCpuSeconds: 2 * factor }),
  ]);
  assert.match(comparisons(resultOf(runs)).join(), /4 \(3–8\) times as much as frontshelf/);
});

test('a breakpoint is told only of rounds that are valid', () => {
  const sentences = comparisons(
    resultOf(
      [
        run({ extra: { breakpointPerSecond: 4321 } }),
        run({ target: 'other', extra: { breakpointPerSecond: 8765 }, generatorCpuSeconds: 10 }),
      ],
      { name: 'breakpoint' },
    ),
  ).join(' ');
  assert.match(sentences, /held its bounds up to 4,321 page views\/s/);
  assert.doesNotMatch(sentences, /8,765/);
});

test('each target at each size has one sentence when none is broken', () => {
  assert.equal(verdict(fullResult()).length, 10);
});
