import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Run } from '../lab/result.ts';
import { ratioOf, rowsOf } from './figures.ts';
import { percentiles, resultOf, run, scaled } from './testing.ts';

const onlyRow = (runs: readonly Run[]) => {
  const [row, ...others] = rowsOf(resultOf(runs));
  assert.ok(row && others.length === 0, 'one target at one size is one row');
  return row;
};

test('a figure over rounds is the median with the extremes, and no percentile is averaged', () => {
  const { figures } = onlyRow(
    [1, 2, 9].map((avgMs, index) => run({ round: index + 1, responseMs: percentiles(avgMs) })),
  );
  const { median, min, max } = figures.p99Ms ?? {};
  assert.deepEqual([median, min, max], [8, 4, 36]);
});

test('work is counted for each page view', () => {
  const { figures } = onlyRow([run({ requests: 15_000 })]);
  assert.deepEqual(
    [figures.serverCpuMs, figures.postgresCpuMs, figures.redisCpuMs, figures.sqlStatements].map(
      (one) => one?.median,
    ),
    [2, 0.5, 0.25, 0.3],
  );
  assert.equal(figures.requestsPerSecond?.median, 1500);
  assert.equal(figures.pageViewsPerSecond?.median, 100);
});

test('a void round counts for work and not for time', () => {
  const { state, figures } = onlyRow([
    run({ round: 1, responseMs: percentiles(5), serverCpuSeconds: 2 }),
    run({ round: 2, responseMs: percentiles(1), serverCpuSeconds: 4, droppedIterations: 9 }),
  ]);
  assert.equal(state, 'valid');
  assert.equal(figures.avgMs?.median, 5);
  assert.equal(figures.serverCpuMs?.median, 3);
});

test('one broken round breaks the row, which keeps no figure but those of trust', () => {
  const { state, figures } = onlyRow([run({ round: 1 }), run({ round: 2, wrongAnswers: 1 })]);
  assert.equal(state, 'broken');
  assert.deepEqual(Object.keys(figures), ['errorPercent', 'generatorPercent']);
});

test('what a run does not have is left out, not zero', () => {
  assert.equal(onlyRow([run({ pageViews: 0 })]).figures.serverCpuMs, undefined);
});

test('ratios are made within rounds, so that a machine that drifts does not show', () => {
  const drift = [1, 10, 100];
  const [frontshelf, other] = rowsOf(
    resultOf(
      drift.flatMap((factor, index) => [
        run({ round: index + 1, serverCpuSeconds: factor }),
        run({ round: index + 1, target: 'other', serverCpuSeconds: factor * (3 + index) }),
      ]),
    ),
  );
  assert.ok(frontshelf && other);
  const { median, min, max } = ratioOf('serverCpuMs', other, frontshelf) ?? {};
  assert.deepEqual([median, min, max], [4, 3, 5]);
});

test('there is no ratio to a broken row, nor of rounds that only one has', () => {
  const [broken, whole] = rowsOf(resultOf([run({ wrongAnswers: 1 }), run({ target: 'other' })]));
  assert.ok(broken && whole);
  assert.equal(ratioOf('serverCpuMs', whole, broken), undefined);
  const [first, second] = rowsOf(resultOf([run({ round: 1 }), run({ round: 2, target: 'other' })]));
  assert.ok(first && second);
  assert.equal(ratioOf('serverCpuMs', second, first), undefined);
});

test('sizes are rows of their own', () => {
  const rows = rowsOf(resultOf([run(), run({ size: scaled })]));
  assert.deepEqual(
    rows.map(({ size }) => size.name),
    ['base', 'scaled'],
  );
});
