/** Values that are read anew before, or soon after, their time is over, while the copy in memory answers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ByHandOptions, cacheByHand, leaseOf, settle } from './by-hand.ts';

const costMs = 10;
const staleWhileRevalidateMs = 500;
/** When the time of the value that `holding` puts into memory is over. */
const endMs = 1000 + costMs;

/** A cache whose memory holds `one` under `k`, which took 10 ms to make. */
async function holding(options: ByHandOptions = {}) {
  const chance = { random: 0 };
  const hand = cacheByHand({ staleWhileRevalidateMs, random: () => chance.random, ...options });
  const read = hand.get('k');
  await settle();
  hand.clock.nowMs = costMs;
  hand.loads[0]?.resolve({ value: 'one', stamp: '1:1:' });
  await read;
  hand.heard.splice(0);
  return { ...hand, chance };
}

/** Whether a hit at this time, and with this random number, has the value read anew. */
async function refreshes(atMs: number, random: number): Promise<boolean> {
  const { cache, loads, chance } = await holding();
  chance.random = random;
  assert.equal(cache.hit('k', atMs), 'one');
  await settle();
  return loads.length === 2;
}

test('long before its end no value is read anew, whatever the chance', async () => {
  const costsBefore = Math.log(1e6);
  assert.equal(await refreshes(endMs - costMs * costsBefore - 1, 1 - 1e-15), false);
  assert.equal(await refreshes(endMs - costMs * costsBefore + 1, 1 - 1e-15), true);
});

test('near its end it is with a chance that depends on what it costs: at one cost before the end, e to the -1', async () => {
  const chance = Math.exp(-1);
  assert.equal(await refreshes(endMs - costMs, 1 - chance - 0.001), false);
  assert.equal(await refreshes(endMs - costMs, 1 - chance + 0.001), true);
  const [two, three] = [2, 3].map((costs) => 1 - Math.exp(-costs));
  assert.equal(await refreshes(endMs - 3 * costMs, (two ?? 0) + 0.01), false);
  assert.equal(await refreshes(endMs - 3 * costMs, (three ?? 0) + 0.01), true);
});

test('at its end and after it is for certain, and it goes on answering', async () => {
  assert.equal(await refreshes(endMs - 1, 0), false);
  assert.equal(await refreshes(endMs, 0), true);
  assert.equal(await refreshes(endMs + staleWhileRevalidateMs - 1, 0), true);
});

test('it is read anew by one request, and all others are answered from memory meanwhile', async () => {
  const { cache, clock, loads, heard } = await holding();
  clock.nowMs = endMs;
  for (let i = 0; i < 100; i++) assert.equal(cache.hit('k', endMs + i), 'one');
  await settle();
  assert.deepEqual([loads.length, cache.fillsInFlight], [2, 1]);
  assert.equal(heard.filter((what) => what === 'refreshed').length, 1);
  loads[1]?.resolve({ value: 'two', stamp: '2:2:' });
  await settle();
  assert.equal(cache.hit('k', endMs), 'two');
});

test('past STALE_WHILE_REVALIDATE_MS it does not answer: requests wait for the reading that is under way', async () => {
  const { cache, clock, get, loads } = await holding();
  clock.nowMs = endMs;
  cache.hit('k', clock.nowMs);
  clock.nowMs = endMs + staleWhileRevalidateMs;
  assert.equal(cache.hit('k', clock.nowMs), undefined);
  const read = get('k');
  await settle();
  assert.equal(loads.length, 2);
  loads[1]?.resolve({ value: 'two', stamp: '2:2:' });
  assert.deepEqual(await read, {
    value: 'two',
    servedFrom: 'postgres',
    memory: 'stale',
    redis: undefined,
    collapsed: true,
  });
});

test('after a reading that failed it answers as before, and is left alone for a second', async () => {
  const { cache, loads } = await holding({ staleWhileRevalidateMs: 5000 });
  cache.hit('k', endMs);
  await settle();
  loads[1]?.reject(new Error('no source'));
  await settle();
  assert.equal(cache.fillsInFlight, 0);
  assert.equal(cache.hit('k', endMs + 999), 'one');
  await settle();
  assert.equal(loads.length, 2);
  assert.equal(cache.hit('k', endMs + 1000), 'one');
  await settle();
  assert.equal(loads.length, 3);
});

test('a reading that finds nothing takes the value away', async () => {
  const { cache, clock, get, loads } = await holding();
  clock.nowMs = endMs;
  cache.hit('k', endMs);
  await settle();
  loads[1]?.resolve({ value: undefined, stamp: '2:2:' });
  await settle();
  assert.equal(cache.hit('k', endMs), undefined);
  assert.equal((await get('k')).servedFrom, 'negative');
});

/** The same with Redis, from which the value came. */
async function holdingFromRedis(options: ByHandOptions = {}) {
  const hand = cacheByHand({ redis: true, staleWhileRevalidateMs, ...options });
  const read = hand.get('k');
  hand.lookups[0]?.resolve({ result: 'hit', value: 'one', stamp: '1:1:' });
  await read;
  return hand;
}

test('it is read anew through Redis, where another worker may have done so already', async () => {
  const { cache, clock, lookups, loads } = await holdingFromRedis();
  clock.nowMs = 1000;
  cache.hit('k', clock.nowMs);
  await settle();
  lookups[1]?.resolve({ result: 'hit', value: 'two', stamp: '2:2:' });
  await settle();
  assert.equal(cache.hit('k', clock.nowMs), 'two');
  assert.deepEqual([lookups.length, loads.length], [2, 0]);
});

test('a lease that comes with a value from Redis has it read anew once, beside the answer and without asking Redis again', async () => {
  const { cache, get, lookups, loads, stores, heard } = cacheByHand({ redis: true });
  const reads = [get('k'), get('k')];
  lookups[0]?.resolve({ result: 'hit', value: 'one', stamp: '1:1:', lease: leaseOf('k') });
  for (const read of reads) assert.equal((await read).value, 'one');
  await settle();
  assert.deepEqual([lookups.length, loads.length, stores.length], [1, 1, 0]);
  assert.equal(cache.hit('k', 0), 'one');
  loads[0]?.resolve({ value: 'two', stamp: '2:2:' });
  await settle();
  assert.equal(cache.hit('k', 0), 'two');
  assert.deepEqual(
    stores.map(({ lease, value }) => ({ lease, value })),
    [{ lease: leaseOf('k'), value: 'two' }],
  );
  assert.deepEqual(
    heard.filter((what) => what === 'lease early' || what === 'refreshed'),
    ['lease early', 'refreshed'],
  );
});

test('such a lease is given back when the reading fails', async () => {
  const { get, lookups, loads, releases } = cacheByHand({ redis: true });
  const read = get('k');
  lookups[0]?.resolve({ result: 'hit', value: 'one', stamp: '1:1:', lease: leaseOf('k') });
  await read;
  await settle();
  loads[0]?.reject(new Error('no source'));
  await settle();
  assert.deepEqual(releases, [leaseOf('k')]);
});
