/** A fill that is not the one which was given the lease: what it waits for, and for how long. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cacheByHand, granted, leaseOf, settle } from './by-hand.ts';

const leaseMs = 500;
const one = { value: 'one', stamp: '1:1:' };

/** A fill whose lookup has been answered with `wait`. */
async function waiting() {
  const hand = cacheByHand({ redis: true, leaseMs, fillTimeoutMs: 10_000 });
  const read = hand.get('k');
  hand.lookups[0]?.resolve({ result: 'wait' });
  await settle();
  /** Lets its pause pass, and time with it; then Redis is asked again. */
  const pass = async (ms = hand.pauses.at(-1)?.ms ?? 0) => {
    hand.clock.nowMs += ms;
    hand.pauses.at(-1)?.resolve();
    await settle();
  };
  return { ...hand, read, pass };
}

test('who waits asks Redis again after 2 ms, and then every 4 ms', async () => {
  const { lookups, loads, pauses, heard, pass } = await waiting();
  for (let i = 1; i < 7; i++) {
    assert.equal(lookups.length, i, 'not before its pause is over');
    await pass();
    lookups[i]?.resolve({ result: 'wait' });
    await settle();
  }
  assert.deepEqual(
    pauses.map(({ ms }) => ms),
    [2, 4, 4, 4, 4, 4, 4],
  );
  assert.equal(loads.length, 0, 'the source is not asked');
  assert.equal(heard.filter((what) => what === 'coalesced in the cluster').length, 1);
});

test('and gets what the other has stored', async () => {
  const { read, lookups, loads, heard, pass } = await waiting();
  await pass();
  lookups[1]?.resolve({ result: 'hit', ...one });
  assert.deepEqual(await read, {
    value: 'one',
    servedFrom: 'redis',
    memory: 'miss',
    redis: 'hit',
    collapsed: false,
  });
  assert.equal(loads.length, 0);
  assert.ok(heard.includes('redis hit') && !heard.includes('redis miss'));
});

test('and takes over when the lease is free again, and stores', async () => {
  const { read, lookups, loads, stores, heard, pass } = await waiting();
  await pass(leaseMs);
  lookups[1]?.resolve(granted('k'));
  await settle();
  loads[0]?.resolve(one);
  assert.equal((await read).servedFrom, 'postgres');
  assert.deepEqual(
    stores.map(({ lease }) => lease),
    [leaseOf('k')],
  );
  assert.ok(heard.includes('lease granted'));
});

test('and reads the source after twice the lease, and does not store', async () => {
  const { read, lookups, loads, stores, releases, heard, pass } = await waiting();
  await pass(2 * leaseMs);
  lookups[1]?.resolve({ result: 'wait' });
  await settle();
  assert.equal(loads.length, 0, 'not yet');
  await pass(1);
  lookups[2]?.resolve({ result: 'wait' });
  await settle();
  assert.equal(loads.length, 1);
  loads[0]?.resolve(one);
  assert.deepEqual(await read, {
    value: 'one',
    servedFrom: 'postgres',
    memory: 'miss',
    redis: 'miss',
    collapsed: false,
  });
  assert.deepEqual([stores, releases], [[], []]);
  assert.ok(heard.includes('lease expired'));
});

test('and reads the source at once when Redis fails meanwhile', async () => {
  const { read, lookups, loads, stores, pass } = await waiting();
  await pass();
  lookups[1]?.resolve({ result: 'error' });
  await settle();
  loads[0]?.resolve(one);
  assert.equal((await read).servedFrom, 'postgres');
  assert.deepEqual(stores, []);
});
