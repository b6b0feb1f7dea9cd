/** What a change does to what is kept and to what is under way, and what answers when nobody can tell of changes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cacheByHand, granted, knowledgeByHand, leaseOf, settle } from './by-hand.ts';
import { everyKey } from './entry.ts';

const staleIfErrorMs = 5000;

/** Every change with a smaller id than its stamp's first number is included. */
const one = { value: 'one', stamp: '10:10:' };
const two = { value: 'two', stamp: '20:20:' };
const gone = { value: undefined, stamp: '10:10:' };

function cacheWithKnowledge({ redis = false } = {}) {
  const knowledge = knowledgeByHand();
  const hand = cacheByHand({ redis, coherence: knowledge.coherence, staleIfErrorMs, negativeTtlMs: 10_000 });
  /** Puts a value, or that there is none, into memory. */
  const hold = async (key: string, loaded: { value: string | undefined; stamp: string }) => {
    const read = hand.get(key);
    hand.lookups.at(-1)?.resolve({ result: 'error' });
    await settle();
    hand.loads.at(-1)?.resolve(loaded);
    await read;
  };
  return { ...hand, ...knowledge, hold };
}

test('a change outdates the value in memory: the next request reads the source', async () => {
  const { cache, get, loads, hold, announce } = cacheWithKnowledge();
  await hold('k', one);
  await hold('other', one);
  announce('k', '10');
  assert.deepEqual([cache.hit('k', 0), cache.hit('other', 0)], [undefined, 'one']);
  const read = get('k');
  await settle();
  loads.at(-1)?.resolve(two);
  assert.deepEqual(await read, {
    value: 'two',
    servedFrom: 'postgres',
    memory: 'stale',
    redis: undefined,
    collapsed: false,
  });
  assert.equal(cache.hit('k', 0), 'two');
});

test('a change that the value includes leaves it alone', async () => {
  const { cache, hold, announce } = cacheWithKnowledge();
  await hold('k', one);
  announce('k', '9');
  announce(everyKey, '9');
  assert.equal(cache.hit('k', 0), 'one');
});

test('a change of every key outdates all but what includes it', async () => {
  const { cache, hold, announce } = cacheWithKnowledge();
  await hold('k', one);
  await hold('newer', two);
  announce(everyKey, '15');
  assert.deepEqual([cache.hit('k', 0), cache.hit('newer', 0)], [undefined, 'two']);
});

test('a key that is known to be missing is asked for again when it has changed', async () => {
  for (const key of ['k', everyKey]) {
    const { get, loads, hold, announce } = cacheWithKnowledge();
    await hold('k', gone);
    assert.equal((await get('k')).servedFrom, 'negative');
    announce(key, '10');
    const read = get('k');
    await settle();
    loads.at(-1)?.resolve(two);
    assert.equal((await read).value, 'two');
  }
});

test('a change detaches the fill: who asked before gets what it brings, who asks after does not, and memory neither', async () => {
  for (const key of ['k', everyKey]) {
    const { cache, get, loads, announce } = cacheWithKnowledge();
    const early = get('k');
    await settle();
    announce(key, '10');
    const late = get('k');
    await settle();
    assert.equal(loads.length, 2);
    loads[1]?.resolve(two);
    assert.equal((await late).value, 'two');
    loads[0]?.resolve(one);
    assert.equal((await early).value, 'one');
    assert.equal(cache.hit('k', 0), 'two');
    assert.equal(cache.fillsInFlight, 0);
  }
});

test('an outdated value answers while the source fails, as stale, for STALE_IF_ERROR_MS from the change on', async () => {
  const { get, loads, clock, hold, announce } = cacheWithKnowledge();
  await hold('k', one);
  clock.nowMs = 300;
  announce('k', '10');
  const read = async () => {
    const read = get('k');
    await settle();
    loads.at(-1)?.reject(new Error('no source'));
    return read;
  };
  assert.deepEqual(await read(), {
    value: 'one',
    servedFrom: 'stale',
    memory: 'stale',
    redis: undefined,
    collapsed: false,
  });
  clock.nowMs = 300 + staleIfErrorMs - 1;
  assert.equal((await read()).servedFrom, 'stale');
  clock.nowMs = 300 + staleIfErrorMs;
  await assert.rejects(read(), { message: 'no source' });
});

test('a value from Redis that misses a change which Redis may not have been told of is outdated, and the source is asked', async () => {
  const { cache, get, lookups, loads, stores, state, heard } = cacheWithKnowledge({ redis: true });
  state.floors.set('k', ['10']);
  const read = get('k');
  lookups[0]?.resolve({ result: 'hit', ...one });
  await settle();
  loads[0]?.resolve(two);
  assert.deepEqual(await read, {
    value: 'two',
    servedFrom: 'postgres',
    memory: 'miss',
    redis: 'outdated',
    collapsed: false,
  });
  assert.deepEqual([stores.length, cache.hit('k', 0)], [0, 'two']);
  assert.ok(heard.includes('redis outdated'));
});

test('one that includes it answers', async () => {
  const { get, lookups, state } = cacheWithKnowledge({ redis: true });
  state.floors.set('k', ['10']);
  const read = get('k');
  lookups[0]?.resolve({ result: 'hit', ...two });
  assert.equal((await read).servedFrom, 'redis');
});

test('the floor is that of the time when the fill began, whatever is acknowledged meanwhile', async () => {
  const { get, lookups, loads, state } = cacheWithKnowledge({ redis: true });
  state.floors.set('k', ['10']);
  const read = get('k');
  state.floors.clear();
  lookups[0]?.resolve({ result: 'hit', ...one });
  await settle();
  loads[0]?.resolve(two);
  assert.equal((await read).value, 'two');
});

test('what a lagging source brings answers who asked, and is kept nowhere', async () => {
  const { cache, get, lookups, loads, stores, releases, state } = cacheWithKnowledge({ redis: true });
  state.floors.set('k', ['10']);
  const read = get('k');
  lookups[0]?.resolve(granted('k'));
  await settle();
  loads[0]?.resolve(one);
  assert.equal((await read).value, 'one');
  assert.equal(cache.hit('k', 0), undefined);
  assert.deepEqual([stores, releases], [[], [leaseOf('k')]]);
});

test('when nobody can tell what has changed, memory answers as stale, and nobody else is asked', async () => {
  const { cache, get, loads, lookups, hold, state, heard } = cacheWithKnowledge({ redis: true });
  await hold('k', one);
  state.freshUntilMs = 0;
  const asked = [loads.length, lookups.length];
  heard.splice(0);
  assert.equal(cache.hit('k', 0), undefined);
  assert.deepEqual(await get('k'), {
    value: 'one',
    servedFrom: 'stale',
    memory: 'stale',
    redis: undefined,
    collapsed: false,
  });
  assert.deepEqual([loads.length, lookups.length], asked);
  assert.deepEqual(heard, ['memory stale']);
});

test('what memory does not have comes from Redis as stale', async () => {
  const { get, lookups, state } = cacheWithKnowledge({ redis: true });
  state.freshUntilMs = 0;
  const read = get('k');
  await settle();
  lookups[0]?.resolve({ result: 'hit', ...one });
  assert.deepEqual(await read, {
    value: 'one',
    servedFrom: 'stale',
    memory: 'miss',
    redis: 'hit',
    collapsed: false,
  });
});

test('what is read from the source just now is not stale, unless the reading was begun for another', async () => {
  const { get, lookups, loads, state } = cacheWithKnowledge({ redis: true });
  state.freshUntilMs = 0;
  const first = get('k');
  await settle();
  const second = get('k');
  lookups[0]?.resolve(granted('k'));
  await settle();
  loads[0]?.resolve(one);
  assert.deepEqual([(await first).servedFrom, (await second).servedFrom], ['postgres', 'stale']);
});

test('that a key is missing is not remembered when nobody can tell: it may be there by now', async () => {
  const { get, loads, hold, state } = cacheWithKnowledge();
  await hold('k', gone);
  state.freshUntilMs = 0;
  const read = get('k');
  await settle();
  loads.at(-1)?.resolve(two);
  assert.equal((await read).servedFrom, 'postgres');
});

test('memory past STALE_IF_ERROR_MS does not answer, even when nobody can tell', async () => {
  const { get, loads, clock, hold, state } = cacheWithKnowledge();
  await hold('k', one);
  state.freshUntilMs = 0;
  clock.nowMs = 1000 + staleIfErrorMs;
  const read = get('k');
  await settle();
  loads.at(-1)?.reject(new Error('no source'));
  await assert.rejects(read, { message: 'no source' });
});

test('when it is found out what has changed, memory answers as ever', async () => {
  const { get, hold, state } = cacheWithKnowledge();
  await hold('k', one);
  state.freshUntilMs = 0;
  state.canCatchUp = true;
  // As it is when it is known.
  const read = get('k');
  state.freshUntilMs = 1;
  assert.deepEqual(await read, {
    value: 'one',
    servedFrom: 'memory',
    memory: 'hit',
    redis: undefined,
    collapsed: false,
  });
});

test('when everything may have changed nothing that is kept answers as fresh, nor what is under way', async () => {
  const { cache, get, loads, hold, everythingChanged } = cacheWithKnowledge();
  await hold('k', two);
  await hold('absent', { value: undefined, stamp: '20:20:' });
  const early = get('under-way');
  await settle();
  everythingChanged();
  loads.at(-1)?.resolve(two);
  assert.equal((await early).value, 'two');
  assert.deepEqual(
    [cache.hit('k', 0), cache.hit('under-way', 0), cache.negativeEntries],
    [undefined, undefined, 0],
  );
});

test('what a warm-up has read is put into memory only if it includes all changes announced since it began', () => {
  const { cache, announce, state } = cacheWithKnowledge();
  state.floors.set('floored', ['10']);
  const warming = cache.warmUp();
  announce('changed', '10');
  announce('before', '9');
  for (const key of ['changed', 'before', 'floored', 'untouched']) warming.put(key, one);
  warming.put('changed-2', two);
  const held = ['changed', 'before', 'floored', 'untouched', 'changed-2'].filter((key) => cache.hit(key, 0));
  assert.deepEqual(held, ['before', 'untouched', 'changed-2']);
  announce(everyKey, '15');
  warming.put('late', one);
  warming.put('late-2', two);
  assert.deepEqual([cache.hit('late', 0), cache.hit('late-2', 0)], [undefined, 'two']);
  warming.end();
});

test('a warm-up during which everything may have changed puts nothing any more', () => {
  const { cache, everythingChanged } = cacheWithKnowledge();
  const warming = cache.warmUp();
  everythingChanged();
  warming.put('k', two);
  assert.equal(cache.memoryEntries, 0);
  const next = cache.warmUp();
  next.put('k', two);
  assert.equal(cache.hit('k', 0), 'two');
});
