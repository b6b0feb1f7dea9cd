import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { mostDeathsBeforeReady, restartPolicy } from './restart-policy.ts';

const of = (deathsInRow: number, deathsBeforeReady: number, isAnyReady = true) => ({
  deathsInRow,
  deathsBeforeReady,
  isAnyReady,
});

const delays = (isAnyReady: boolean) =>
  [1, 2, 3, 4, 9, 10, 1000].map((deathsInRow) => {
    const verdict = restartPolicy(of(deathsInRow, 0, isAnyReady), 0);
    return verdict.action === 'restart' ? verdict.afterMs : undefined;
  });

test('a worker is replaced after 100 ms, twice that for each death before, at most 30 s', () => {
  assert.deepEqual(delays(true), [100, 200, 400, 800, 25_600, 30_000, 30_000]);
});

test('where no other worker is ready, it is replaced after a second at most', () => {
  assert.deepEqual(delays(false), [100, 200, 400, 800, 1000, 1000, 1000]);
});

test('jitter takes off up to a fifth and never adds', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10_000 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (deaths, random) => {
        const most = restartPolicy(of(deaths, 0), 0);
        const verdict = restartPolicy(of(deaths, 0), random);
        assert.ok(most.action === 'restart' && verdict.action === 'restart');
        assert.ok(verdict.afterMs <= most.afterMs && verdict.afterMs >= 0.8 * most.afterMs);
      },
    ),
  );
});

test('the fifth death before any worker is ready is the last', () => {
  assert.equal(mostDeathsBeforeReady, 5);
  assert.equal(restartPolicy(of(4, 4, false), 0).action, 'restart');
  assert.deepEqual(restartPolicy(of(5, 5, false), 0), { action: 'give-up' });
  // Five workers that die once each are five deaths as well.
  assert.deepEqual(restartPolicy(of(1, 5, false), 0), { action: 'give-up' });
});

test('while another worker serves, one that cannot start is tried on and on', () => {
  assert.equal(restartPolicy(of(100, 100, true), 0).action, 'restart');
});

test('deaths of workers that had been ready never end the primary', () => {
  assert.equal(restartPolicy(of(100, 0), 0).action, 'restart');
});
