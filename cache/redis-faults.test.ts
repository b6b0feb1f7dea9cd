/** The tier over a Redis that is killed, stopped, cut off, full, read-only. Nothing here asks anything of Redis but TCP. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, suite, test } from 'node:test';
import { Redis as Client, type Redis } from 'ioredis';
import { type FaultProxy, startFaultProxy } from '../local/fault-proxy.ts';
import { findRedis, type Redis as Server, startRedis } from '../local/redis.ts';
import { textCodec } from './by-hand.ts';
import { timeAlone } from './coherence.ts';
import { eventually } from './eventually.ts';
import { modelHistory } from './model-history.ts';
import { createReadThrough } from './read-through.ts';
import { connectRedis } from './redis-connection.ts';
import { createRedisTier, hostKey, pageKey, type RedisTier } from './redis-tier.ts';

const mark = { epoch: 'epoch', host: 'host', batch: 1 };
const timeoutMs = 50;
const recoveryMs = 5000;
/** What a machine busy with other tests may add to a deadline. Without the deadline it would be for ever. */
const graceMs = 1000;

suite('a Redis in trouble', {
  skip: findRedis() === undefined && 'there is no Redis on this machine',
}, () => {
  let server: Server;
  let proxy: FaultProxy;
  let redis: Redis;
  let tier: RedisTier<string>;
  let admin: Redis;

  beforeEach(async () => {
    server = await startRedis();
    proxy = await startFaultProxy({ host: '127.0.0.1', port: server.port });
    redis = connectRedis(`redis://127.0.0.1:${proxy.port}`, { timeoutMs, name: 'tier', onError: () => {} });
    tier = createRedisTier({
      redis,
      codec: textCodec,
      history: modelHistory,
      leaseMs: 60_000,
      random: () => 0,
    });
    admin = new Client(server.url, { lazyConnect: true, retryStrategy: () => 50 });
    admin.on('error', () => {});
    await recovered();
    await tell();
    assert.equal(await fill('k', 'v'), true);
  });
  afterEach(async () => {
    redis.disconnect();
    admin.disconnect();
    await proxy.close();
    await server.stop();
  });

  const lookup = (key: string) => tier.lookup(key, mark);

  /** What a host does before its workers use Redis. */
  const tell = () => admin.hset(hostKey(mark.epoch, mark.host), 'batch', mark.batch);

  const storing = { ttlMs: 60_000, costMs: 0 };

  /** Stores what is not there yet; resolves whether Redis took it. */
  async function fill(key: string, value: string, stamp = '1:1:'): Promise<boolean> {
    const found = await lookup(key);
    return found.result === 'miss' && tier.store(found.lease, value, stamp, storing);
  }

  /** Resolves when a lookup is answered by Redis, and checks that nothing was left behind by the time that it was not. */
  async function recovered(): Promise<void> {
    await eventually('Redis answers lookups', recoveryMs, async () => (await lookup('k')).result !== 'error');
    assert.deepEqual([redis.commandQueue.length, offlineCommands(redis)], [0, 0]);
    await eventually('one connection is open', recoveryMs, () => proxy.openConnections === 1);
  }

  /** Looks up again and again for a while; each must come back in time, as an error. */
  async function allFailInTime(forMs: number): Promise<void> {
    const endMs = performance.now() + forMs;
    let lookups = 0;
    while (performance.now() < endMs) {
      const startedAtMs = performance.now();
      const results = await Promise.all([
        lookup('k'),
        lookup('other'),
        tier.store({ key: 'k', epoch: mark.epoch, token: 'mine' }, 'v', '1:1:', storing),
      ]);
      assert.deepEqual(results, [{ result: 'error' }, { result: 'error' }, false]);
      const tookMs = performance.now() - startedAtMs;
      assert.ok(tookMs < timeoutMs + graceMs, `${tookMs} ms`);
      lookups++;
      assert.equal(offlineCommands(redis), 0);
      // Commands of the time until the silent connection is given up, at most.
      assert.ok(redis.commandQueue.length < 100, `${redis.commandQueue.length} commands wait`);
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.ok(lookups > 0);
  }

  /** A connection on which nothing comes back is not kept with its commands piling up. */
  const assertReplaced = () =>
    assert.ok(proxy.conversations.length > 1, 'the silent connection was given up');

  test('killed: lookups are errors at once; started again on its port, it is used again when it has been told', async () => {
    process.kill(server.process.pid, 'SIGKILL');
    await server.exited;
    await eventually('the connection is known to be lost', 1000, () => redis.status !== 'ready');
    await allFailInTime(300);
    server = await startRedis({ port: server.port });
    await recovered();
    assert.deepEqual(await lookup('k'), { result: 'bypass' });
    await tell();
    assert.equal((await lookup('k')).result, 'miss');
  });

  test('stopped (SIGSTOP): a request waits REDIS_TIMEOUT_MS and no longer; when it goes on, it is used again', async () => {
    process.kill(server.process.pid, 'SIGSTOP');
    try {
      await allFailInTime(1200);
      assertReplaced();
    } finally {
      process.kill(server.process.pid, 'SIGCONT');
    }
    await recovered();
    assert.equal((await lookup('k')).result, 'hit');
    await eventually('Redis has one connection of the tier', recoveryMs, async () => {
      const clients = String(await admin.client('LIST'));
      return clients.split('\n').filter((line) => line.includes('name=tier')).length === 1;
    });
  });

  test('behind a black hole: the same', async () => {
    proxy.hold();
    await allFailInTime(1200);
    assertReplaced();
    proxy.release();
    await recovered();
    assert.equal((await lookup('k')).result, 'hit');
  });

  test('with its connections cut and refused: the same', async () => {
    proxy.cut();
    await allFailInTime(300);
    proxy.mend();
    await recovered();
    assert.equal((await lookup('k')).result, 'hit');
  });

  test('an answer that comes after its deadline is not taken for the next one', async () => {
    await fill('other', 'other value', '2:2:');
    proxy.hold((_, from) => from === 'server');
    assert.deepEqual(await lookup('k'), { result: 'error' });
    const next = lookup('other');
    proxy.release();
    assert.deepEqual(await next, { result: 'hit', value: 'other value', stamp: '2:2:' });
  });

  test('full (OOM): a store is refused, what is there is found', async () => {
    const found = await lookup('new');
    assert.ok(found.result === 'miss');
    await admin.config('SET', 'maxmemory-policy', 'noeviction');
    await admin.config('SET', 'maxmemory', '1');
    assert.equal(await tier.store(found.lease, 'v', '1:1:', storing), false);
    assert.equal((await lookup('k')).result, 'hit');
    await admin.config('SET', 'maxmemory', '0');
    assert.equal(await tier.store(found.lease, 'v', '1:1:', storing), true);
  });

  test('read-only: a store is refused and the connection made anew; a primary again, it takes stores', async () => {
    const found = await lookup('new');
    assert.ok(found.result === 'miss');
    await admin.replicaof('127.0.0.1', '1');
    assert.equal(await tier.store(found.lease, 'v', '1:1:', storing), false);
    await eventually('the connection was made anew', recoveryMs, () => proxy.conversations.length > 1);
    await recovered();
    assert.equal((await lookup('k')).result, 'hit', 'a replica answers lookups');
    await admin.replicaof('NO', 'ONE');
    await eventually('a store is taken', recoveryMs, () => tier.store(found.lease, 'v', '1:1:', storing));
  });

  test('flushed in the middle of a fill: the fill is not stored, the next one is, and nobody notices', async () => {
    let loads = 0;
    const cache = createReadThrough<string>({
      codec: textCodec,
      async load() {
        if (loads++ === 0) await admin.flushall().then(tell);
        return { value: 'loaded', stamp: '3:3:' };
      },
      fillTimeoutMs: 10_000,
      memoryMaxBytes: 0,
      memoryTtlMs: 1000,
      negativeTtlMs: 0,
      staleWhileRevalidateMs: 0,
      staleIfErrorMs: 0,
      redis: tier,
      redisTtlMs: 60_000,
      leaseMs: 60_000,
      coherence: { ...timeAlone, applied: mark },
      delay: async () => {},
      now: () => performance.now(),
      random: Math.random,
    });
    await admin.unlink(pageKey(mark.epoch, 'k'));
    assert.equal((await cache.read('k', performance.now())).value, 'loaded');
    await eventually('the store was refused', 1000, () => redis.commandQueue.length === 0);
    assert.equal(await admin.exists(pageKey(mark.epoch, 'k')), 0);
    assert.equal((await cache.read('k', performance.now())).value, 'loaded');
    await eventually('the value is in Redis', 1000, async () => (await lookup('k')).result === 'hit');
  });
});

/** Commands kept for the time when Redis is back; ioredis does not show them in its types. */
function offlineCommands(redis: Redis): number {
  const queue: unknown = Reflect.get(redis, 'offlineQueue');
  assert.ok(typeof queue === 'object' && queue !== null && 'length' in queue);
  return Number(queue.length);
}
