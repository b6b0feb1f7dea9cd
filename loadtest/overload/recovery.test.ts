import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Arrival, recoveryMs, windowMs } from './recovery.ts';

/** A request each 25 ms for ten seconds, answered as the function says. */
const arrivals = (latencyMs: (afterMs: number) => number | undefined): Arrival[] =>
  Array.from({ length: 400 }, (_, index) => ({ afterMs: index * 25, latencyMs: latencyMs(index * 25) }));

const recovery = (latencyMs: (afterMs: number) => number | undefined) =>
  recoveryMs(arrivals(latencyMs), 100, 10_000);

test('a server that is normal at once has recovered at once', () => {
  assert.equal(
    recovery(() => 20),
    0,
  );
});

test('it has recovered from the first window on that is normal, and not by a few who were served among others', () => {
  assert.equal(
    recovery((afterMs) => (afterMs < 700 ? undefined : 20)),
    3 * windowMs,
  );
  assert.equal(
    recovery((afterMs) => (afterMs < 700 ? 101 : 100)),
    3 * windowMs,
  );
  assert.equal(
    recovery((afterMs) => (afterMs < 1500 && afterMs % 50 === 0 ? undefined : 20)),
    6 * windowMs,
  );
});

test('one slow page in a window is no fault', () => {
  assert.equal(
    recovery((afterMs) => (afterMs % windowMs === 0 ? 900 : 20)),
    0,
  );
});

test('a lull does not count as long as what follows is not normal for two seconds', () => {
  assert.equal(
    recovery((afterMs) => (afterMs >= 2000 && afterMs < 2500 ? undefined : 20)),
    0,
  );
  assert.equal(
    recovery((afterMs) => (afterMs >= 1000 && afterMs < 2500 ? undefined : 20)),
    2500,
  );
});

test('a server that is never normal has not recovered', () => {
  assert.equal(
    recovery(() => undefined),
    null,
  );
  assert.equal(
    recovery((afterMs) => (afterMs % 1500 < 500 ? undefined : 20)),
    null,
  );
});
