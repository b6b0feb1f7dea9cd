/** Whom a value is read for, as the source is told. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cacheByHand, settle } from './by-hand.ts';

test('a value is wanted until the last who waits for it has left, and again when one more comes', async () => {
  const { cache, loads } = cacheByHand();
  const left = [false, false, false];
  const reads = [0, 1].map((i) => cache.read('k', 0, () => left[i] === true));
  await settle();
  const demand = loads[0]?.demand;
  assert.deepEqual([demand?.isWaitedFor(), demand?.isWanted()], [true, true]);
  left[0] = true;
  assert.equal(demand?.isWanted(), true);
  left[1] = true;
  assert.equal(demand?.isWanted(), false);
  reads.push(cache.read('k', 0, () => left[2] === true));
  await settle();
  assert.equal(demand?.isWanted(), true);
  loads[0]?.resolve({ value: 'one', stamp: '1:1:' });
  await Promise.all(reads);
  assert.equal(loads.length, 1);
});

test('a value that is read anew while the old one answers is waited for by nobody, and still wanted', async () => {
  const { cache, clock, loads, get } = cacheByHand({ staleWhileRevalidateMs: 500 });
  const read = get('k');
  await settle();
  loads[0]?.resolve({ value: 'one', stamp: '1:1:' });
  await read;
  clock.nowMs = 1000;
  assert.equal(cache.hit('k', clock.nowMs), 'one');
  await settle();
  assert.deepEqual([loads[1]?.demand.isWaitedFor(), loads[1]?.demand.isWanted()], [false, true]);
  // Past that time the old one does not answer any more.
  clock.nowMs = 1600;
  const late = cache.read('k', clock.nowMs);
  await settle();
  assert.equal(loads[1]?.demand.isWaitedFor(), true);
  loads[1]?.resolve({ value: 'two', stamp: '2:2:' });
  assert.equal((await late).value, 'two');
});
