import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type ByHand, cacheByHand, granted, leaseOf, settle } from './by-hand.ts';
import { timeAlone } from './coherence.ts';
import { LoadTimeoutError } from './fill.ts';
import { jittered } from './read-through.ts';

const one = { value: 'one', stamp: '1:1:' };
const gone = { value: undefined, stamp: '2:2:' };

test('the shelves are asked in order: memory, Redis, the source', async () => {
  const { cache, get, loads, lookups, heard } = cacheByHand({ redis: true });
  const first = get('k');
  await settle();
  assert.deepEqual([lookups.length, loads.length], [1, 0], 'the source waits for what Redis says');
  lookups[0]?.resolve(granted('k'));
  await settle();
  loads[0]?.resolve(one);
  assert.deepEqual(await first, {
    value: 'one',
    servedFrom: 'postgres',
    memory: 'miss',
    redis: 'miss',
    collapsed: false,
  });
  assert.equal((await get('k')).servedFrom, 'memory');
  assert.deepEqual([lookups.length, loads.length], [1, 1], 'a hit in memory asks nobody');
  assert.deepEqual(heard, ['memory miss', 'lease granted', 'redis miss', 'filled postgres', 'memory hit']);
  assert.equal(cache.fillsInFlight, 0);
});

test('a value that Redis has is kept in memory and the source is not asked', async () => {
  const { get, loads, lookups, stores, heard } = cacheByHand({ redis: true });
  const first = get('k');
  lookups[0]?.resolve({ result: 'hit', ...one });
  assert.equal((await first).servedFrom, 'redis');
  assert.equal((await get('k')).servedFrom, 'memory');
  assert.deepEqual([loads.length, stores.length], [0, 0]);
  assert.deepEqual(heard, ['memory miss', 'redis hit', 'filled redis', 'memory hit']);
});

for (const result of ['error', 'bypass'] as const)
  test(`a Redis that ${result === 'error' ? 'fails' : 'is passed by'} is a miss to which nothing is stored`, async () => {
    const { get, loads, lookups, stores, heard } = cacheByHand({ redis: true });
    const read = get('k');
    lookups[0]?.resolve({ result });
    await settle();
    loads[0]?.resolve(one);
    assert.equal((await read).servedFrom, 'postgres');
    assert.deepEqual(stores, []);
    assert.deepEqual(heard, ['memory miss', `redis ${result}`, 'filled postgres']);
  });

test('a Redis of which it is not known what it was told is not asked', async () => {
  const { get, loads, lookups, stores, heard } = cacheByHand({ redis: true, coherence: timeAlone });
  const read = get('k');
  await settle();
  loads[0]?.resolve(one);
  assert.equal((await read).servedFrom, 'postgres');
  assert.deepEqual([lookups, stores], [[], []]);
  assert.deepEqual(heard, ['memory miss', 'redis bypass', 'filled postgres']);
});

const stored = ({ stores }: Pick<ByHand, 'stores'>) => stores.map(({ resolve: _, ...store }) => store);

test('after a miss the value is stored in Redis with its stamp and cost under its lease, and nobody waits for that', async () => {
  const hand = cacheByHand({ redis: true, random: () => 0.5 });
  const { get, loads, lookups, clock, releases } = hand;
  const read = get('k');
  clock.nowMs = 10;
  lookups[0]?.resolve(granted('k'));
  await settle();
  clock.nowMs = 40;
  loads[0]?.resolve(one);
  // The store by hand does not resolve, and yet:
  assert.equal((await read).value, 'one');
  assert.deepEqual(stored(hand), [{ lease: leaseOf('k'), ...one, ttlMs: 57_000, costMs: 30 }]);
  assert.deepEqual(releases, [], 'storing gives the lease back');
});

test('an absent key is stored in Redis for NEGATIVE_TTL_MS', async () => {
  const hand = cacheByHand({ redis: true });
  const { get, loads, lookups } = hand;
  const read = get('k');
  lookups[0]?.resolve(granted('k'));
  await settle();
  loads[0]?.resolve(gone);
  assert.equal((await read).value, undefined);
  assert.deepEqual(stored(hand), [{ lease: leaseOf('k'), ...gone, ttlMs: 100, costMs: 0 }]);
});

test('a key that Redis knows to be absent is remembered, and the source is not asked', async () => {
  const { get, loads, lookups, heard } = cacheByHand({ redis: true });
  const read = get('k');
  lookups[0]?.resolve({ result: 'hit', ...gone });
  assert.deepEqual(await read, {
    value: undefined,
    servedFrom: 'redis',
    memory: 'miss',
    redis: 'negative',
    collapsed: false,
  });
  assert.equal((await get('k')).servedFrom, 'negative');
  assert.deepEqual([lookups.length, loads.length], [1, 0]);
  assert.deepEqual(heard, ['memory miss', 'redis negative', 'filled redis', 'memory negative']);
});

test('a lease is given back when the source fails, so that nobody waits for it', async () => {
  const { get, loads, lookups, stores, releases } = cacheByHand({ redis: true });
  const read = get('k');
  lookups[0]?.resolve(granted('k'));
  await settle();
  loads[0]?.reject(new Error('no source'));
  await assert.rejects(read, { message: 'no source' });
  assert.deepEqual(releases, [leaseOf('k')]);
  assert.deepEqual(stores, []);
});

test('a value that Redis refuses, since its lease was taken away, is counted and answers all the same', async () => {
  const { get, loads, lookups, stores, heard } = cacheByHand({ redis: true });
  const read = get('k');
  lookups[0]?.resolve(granted('k'));
  await settle();
  loads[0]?.resolve(one);
  await read;
  stores[0]?.resolve(false);
  await settle();
  assert.equal(heard.at(-1), 'lease refused');
  assert.equal((await get('k')).servedFrom, 'memory');
});

test('a hundred readers of one key cost one fill, and the next reader finds it in memory', async () => {
  const { get, loads, lookups, heard } = cacheByHand({ redis: true });
  const reads = Array.from({ length: 100 }, () => get('k'));
  lookups[0]?.resolve(granted('k'));
  await settle();
  reads.push(get('k'));
  loads[0]?.resolve(one);
  const served = await Promise.all(reads);
  assert.ok(served.every(({ value }) => value === 'one'));
  assert.deepEqual([lookups.length, loads.length], [1, 1]);
  assert.equal(heard.filter((what) => what === 'coalesced in the worker').length, 100);
  assert.equal((await get('k')).servedFrom, 'memory');
});

test('readers of different keys do not wait for each other', async () => {
  const { get, loads } = cacheByHand();
  const reads = [get('a'), get('b')];
  await settle();
  assert.deepEqual(
    loads.map(({ key }) => key),
    ['a', 'b'],
  );
  loads[1]?.resolve({ value: 'of b', stamp: '' });
  assert.equal((await reads[1])?.value, 'of b');
  loads[0]?.resolve({ value: 'of a', stamp: '' });
  assert.equal((await reads[0])?.value, 'of a');
});

test('a fill is registered before any I/O: a read from inside the lookup or the load joins it', async () => {
  const inside: Promise<unknown>[] = [];
  const join = () => void (inside.length < 2 && inside.push(hand.cache.read('k', 0)));
  const hand = cacheByHand({ redis: true, onLookup: join, onLoad: join });
  const read = hand.get('k');
  assert.equal(hand.cache.fillsInFlight, 1);
  hand.lookups[0]?.resolve(granted('k'));
  await settle();
  hand.loads[0]?.resolve(one);
  await Promise.all([read, ...inside]);
  assert.equal(inside.length, 2);
  assert.deepEqual([hand.lookups.length, hand.loads.length], [1, 1]);
});

test('a failing source reaches everyone who waits, once each, and the next reader tries again', async () => {
  const { cache, get, loads } = cacheByHand();
  const reads = [get('k'), get('k')];
  await settle();
  loads[0]?.reject(new Error('no source'));
  for (const read of reads) await assert.rejects(read, { message: 'no source' });
  assert.equal(cache.fillsInFlight, 0);
  const again = get('k');
  await settle();
  loads[1]?.resolve(one);
  assert.equal((await again).value, 'one');
});

/** A cache whose memory holds `one` under `k`, fresh until 1000. */
async function holding(options: Parameters<typeof cacheByHand>[0] = {}) {
  const hand = cacheByHand(options);
  const read = hand.get('k');
  await settle();
  hand.loads[0]?.resolve(one);
  await read;
  return hand;
}

test('an entry is fresh up to its time and not at it', async () => {
  const { cache } = await holding();
  assert.equal(cache.hit('k', 999), 'one');
  assert.equal(cache.hit('k', 1000), undefined);
});

test('while the source fails an entry past its time answers, up to STALE_IF_ERROR_MS and not at it', async () => {
  const { get, loads, clock, heard } = await holding();
  clock.nowMs = 5999;
  const within = get('k');
  await settle();
  loads[1]?.reject(new Error('no source'));
  assert.deepEqual(await within, {
    value: 'one',
    servedFrom: 'stale',
    memory: 'stale',
    redis: undefined,
    collapsed: false,
  });
  assert.deepEqual(heard.slice(-2), ['memory stale', 'filled error']);
  clock.nowMs = 6000;
  const past = get('k');
  await settle();
  loads[2]?.reject(new Error('no source'));
  await assert.rejects(past, { message: 'no source' });
});

test('a stale answer does not make the entry fresh', async () => {
  const { get, loads, clock } = await holding();
  clock.nowMs = 1500;
  const stale = get('k');
  await settle();
  loads[1]?.reject(new Error('no source'));
  await stale;
  const next = get('k');
  await settle();
  loads[2]?.resolve({ value: 'two', stamp: '3:3:' });
  assert.deepEqual((await next).value, 'two');
});

test('a source that says a key is gone is believed: a failure after that brings no old value back', async () => {
  const { cache, get, loads, clock } = await holding();
  clock.nowMs = 1500;
  const read = get('k');
  await settle();
  loads[1]?.resolve(gone);
  assert.equal((await read).value, undefined);
  assert.equal(cache.memoryEntries, 0);
  clock.nowMs = 2000;
  const after = get('k');
  await settle();
  loads[2]?.reject(new Error('no source'));
  await assert.rejects(after, { message: 'no source' });
});

test('an absent key is remembered for NEGATIVE_TTL_MS and then asked for again', async () => {
  const { get, loads, clock, heard } = cacheByHand();
  const read = get('k');
  await settle();
  loads[0]?.resolve(gone);
  await read;
  clock.nowMs = 99;
  assert.equal((await get('k')).servedFrom, 'negative');
  assert.equal(heard.at(-1), 'memory negative');
  clock.nowMs = 100;
  const again = get('k');
  await settle();
  assert.equal(loads.length, 2);
  loads[1]?.resolve(one);
  assert.equal((await again).value, 'one');
  assert.equal((await get('k')).servedFrom, 'memory');
});

test('a negative TTL of 0 remembers nothing', async () => {
  const { get, loads } = cacheByHand({ negativeTtlMs: 0 });
  for (let i = 0; i < 2; i++) {
    const read = get('k');
    await settle();
    loads[i]?.resolve(gone);
    await read;
  }
  assert.equal(loads.length, 2);
});

test('a flood of 100,000 made-up keys evicts no value', async () => {
  const { cache, get, loads } = await holding();
  for (let i = 0; i < 100_000; i++) {
    const read = cache.read(`made-up-${i}`, 0);
    await undefined;
    loads.pop()?.resolve(gone);
    await read;
  }
  assert.equal(cache.memoryEntries, 1);
  assert.equal((await get('k')).servedFrom, 'memory');
});

test('a fill that has no answer by its deadline rejects with LoadTimeoutError', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { cache, get, lookups } = cacheByHand({ redis: true });
  const read = get('k');
  lookups[0]?.resolve(granted('k'));
  await settle();
  t.mock.timers.tick(999);
  assert.equal(cache.fillsInFlight, 1);
  t.mock.timers.tick(1);
  await assert.rejects(read, LoadTimeoutError);
  assert.equal(cache.fillsInFlight, 0);
});

test('the time that Redis took counts against the deadline', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { clock, get, lookups } = cacheByHand({ redis: true });
  const read = get('k');
  clock.nowMs = 400;
  lookups[0]?.resolve({ result: 'error' });
  await settle();
  t.mock.timers.tick(600);
  await assert.rejects(read, LoadTimeoutError);
});

test('past its deadline an entry in memory still answers', async (t) => {
  const { get, clock } = await holding();
  t.mock.timers.enable({ apis: ['setTimeout'] });
  clock.nowMs = 1500;
  const read = get('k');
  await settle();
  t.mock.timers.tick(1000);
  assert.equal((await read).servedFrom, 'stale');
});

test('what comes after the deadline is dropped, be it a value or an error', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  // An unhandled rejection would fail this test: the runner listens for them.
  const { cache, get, loads } = cacheByHand();
  const reads = [get('late'), get('failing')];
  await settle();
  t.mock.timers.tick(1000);
  for (const read of reads) await assert.rejects(read, LoadTimeoutError);
  loads[0]?.resolve(one);
  loads[1]?.reject(new Error('late as well'));
  await settle();
  assert.equal(cache.memoryEntries, 0);
  const again = get('late');
  await settle();
  assert.equal(loads.length, 3, 'a new reader begins a new fill');
  loads[2]?.resolve({ value: 'newer', stamp: '5:5:' });
  assert.equal((await again).value, 'newer');
});

test('a source that throws instead of rejecting is a failing source', async () => {
  const { cache, get } = cacheByHand({
    onLoad() {
      throw new Error('thrown');
    },
  });
  await assert.rejects(get('k'), { message: 'thrown' });
  assert.equal(cache.fillsInFlight, 0);
});

test('warm-up puts a value into memory but never over one that is there', async () => {
  const { cache } = await holding();
  const warming = cache.warmUp();
  warming.put('k', { value: 'older', stamp: '0:0:' });
  warming.put('other', { value: 'warm', stamp: '0:0:' });
  warming.end();
  assert.equal(cache.hit('k', 0), 'one');
  assert.equal(cache.hit('other', 0), 'warm');
});

test('a key that turns out to exist is no longer absent', async () => {
  const { cache, get, loads, clock } = cacheByHand({ negativeTtlMs: 10_000 });
  const read = get('k');
  await settle();
  loads[0]?.resolve(gone);
  await read;
  const warming = cache.warmUp();
  warming.put('k', one);
  warming.end();
  clock.nowMs = 1500;
  const again = get('k');
  await settle();
  loads[1]?.resolve({ value: 'two', stamp: '3:3:' });
  assert.equal((await again).value, 'two');
});

test('without a memory tier every read goes on, and readers still share a fill', async () => {
  const { cache, get, loads, heard } = cacheByHand({ memoryMaxBytes: 0 });
  for (let i = 0; i < 2; i++) {
    const reads = [get('k'), get('k')];
    await settle();
    loads[i]?.resolve(one);
    assert.deepEqual((await reads[0])?.servedFrom, 'postgres');
    await reads[1];
  }
  assert.equal(loads.length, 2);
  assert.equal(cache.memoryBytes, 0);
  assert.deepEqual(heard, [
    'coalesced in the worker',
    'filled postgres',
    'coalesced in the worker',
    'filled postgres',
  ]);
});

test('jitter takes off up to a tenth of a TTL and never adds', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 30 * 86_400_000 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (ttlMs, random) => {
        const jitteredMs = jittered(ttlMs, () => random);
        assert.ok(jitteredMs <= ttlMs && jitteredMs >= 0.9 * ttlMs);
      },
    ),
  );
  assert.equal(
    jittered(1000, () => 0.5),
    950,
  );
});
