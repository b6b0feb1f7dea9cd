import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { eventLoopDelay, processCpu } from './catalogue.ts';
import { createRecorder, slotOf, totalSlots } from './recorder.ts';
import { createTotals } from './totals.ts';

const snapshot = (first: number) => Array.from({ length: totalSlots }, (_, i) => (i === 0 ? first : 0));

test('the sum is over the living and the dead', () => {
  const totals = createTotals();
  totals.update(0, 1, snapshot(10));
  totals.update(0, 2, snapshot(5));
  assert.equal(totals.sum()[0], 15);
  totals.retire(1);
  assert.equal(totals.sum()[0], 15);
  totals.update(0, 3, snapshot(1));
  assert.equal(totals.sum()[0], 16);
});

test('a snapshot that comes twice or not at all does no harm', () => {
  const totals = createTotals();
  totals.update(0, 1, snapshot(10));
  totals.update(0, 1, snapshot(10));
  totals.update(0, 1, snapshot(30));
  assert.equal(totals.sum()[0], 30);
});

test('a worker that died before its first snapshot, or twice, adds nothing', () => {
  const totals = createTotals();
  totals.retire(1);
  totals.update(0, 2, snapshot(7));
  totals.retire(2);
  totals.retire(2);
  assert.equal(totals.sum()[0], 7);
});

test('whatever workers come, grow and die, no total ever falls and nothing that was reported is lost', () => {
  const event = fc.record({ slot: fc.nat(3), grows: fc.nat(1000), dies: fc.boolean() });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 50 }), (events) => {
      const totals = createTotals();
      const workers = [0, 1, 2, 3].map((incarnation) => ({ incarnation, total: 0 }));
      let reported = 0;
      let next = 4;
      for (const { slot, grows, dies } of events) {
        const worker = workers[slot] ?? assert.fail();
        worker.total += grows;
        reported += grows;
        totals.update(slot, worker.incarnation, snapshot(worker.total));
        if (dies) {
          totals.retire(worker.incarnation);
          workers[slot] = { incarnation: next++, total: 0 };
        }
        assert.equal(totals.sum()[0], reported);
      }
    }),
  );
});

test("a place's CPU time is that of all workers that have had it, and of no other", () => {
  const cpu = slotOf(processCpu, {}) ?? assert.fail();
  const seconds = (value: number) => Array.from({ length: totalSlots }, (_, i) => (i === cpu ? value : 0));
  const totals = createTotals();
  assert.equal(totals.sumOfPlace(0)[cpu], 0);
  totals.update(0, 1, seconds(10));
  totals.update(1, 2, seconds(5));
  totals.retire(1);
  assert.equal(totals.sumOfPlace(0)[cpu], 10);
  totals.update(0, 3, seconds(2));
  assert.equal(totals.sumOfPlace(0)[cpu], 12);
  assert.equal(totals.sumOfPlace(1)[cpu], 5);
});

test('a sum that was given out does not change', () => {
  const totals = createTotals();
  const sum = totals.sum();
  totals.update(0, 1, snapshot(1));
  totals.retire(1);
  assert.equal(sum[0], 0);
});

test('sums of seconds are exact, so they are the same whoever of those that they are of has died', () => {
  const seconds = fc.array(fc.double({ min: 0, max: 60_000, noNaN: true }), { maxLength: 20 });
  fc.assert(
    fc.property(fc.array(seconds, { minLength: 2, maxLength: 4 }), (workers) => {
      const snapshots = workers.map((durationsMs) => {
        const recorder = createRecorder();
        for (const durationMs of durationsMs) recorder.eventLoopDelayed(durationMs);
        return recorder.totals();
      });
      const sums = [snapshots, snapshots.toReversed()].map((order) => {
        const totals = createTotals();
        for (const [incarnation, snapshot] of order.entries()) totals.update(0, incarnation, snapshot);
        totals.retire(0);
        return totals.sum();
      });
      const first = slotOf(eventLoopDelay, {}) ?? 0;
      const end = first + eventLoopDelay.buckets.length + 2;
      assert.deepEqual(sums[0]?.slice(first, end), sums[1]?.slice(first, end));
    }),
  );
});
