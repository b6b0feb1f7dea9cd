import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, suite, test } from 'node:test';
import fc from 'fast-check';
import type { Redis } from 'ioredis';
import { redisCommands, startFaultProxy } from '../local/fault-proxy.ts';
import { collectYoungGeneration } from '../local/young-generation.ts';
import { textCodec } from './by-hand.ts';
import { modelHistory } from './model-history.ts';
import { connectRedis } from './redis-connection.ts';
import {
  createRedisTier,
  earliness,
  hostKey,
  type Lease,
  pageKey,
  type RedisTier,
  type RedisTierOptions,
} from './redis-tier.ts';

const url = process.env.TEST_REDIS_URL;
const mebibyte = 1024 * 1024;
const leaseMs = 5000;

suite('over a real Redis', { skip: url === undefined && 'there is no Redis on this machine' }, () => {
  let redis: Redis;
  let tier: RedisTier<string>;
  // Other tests use the same Redis.
  const own = `cache-test-${randomUUID()}`;
  const mark = { epoch: own, host: 'host', batch: 1 };
  const rawKey = (key: string) => pageKey(mark.epoch, key);
  const lookup = (key: string) => tier.lookup(key, mark);

  before(async () => {
    redis = await connected(url ?? '');
    tier = tierOver(redis);
    await redis.hset(hostKey(mark.epoch, mark.host), 'batch', mark.batch);
  });
  after(async () => {
    const keys = await redis.keys(`*${own}*`);
    if (keys.length > 0) await redis.unlink(...keys);
    redis.disconnect();
  });

  /** The lease of a key that is not there. */
  async function leaseFor(key: string): Promise<Lease> {
    const found = await lookup(key);
    return found.result === 'miss' ? found.lease : assert.fail(`${key} is ${found.result}`);
  }

  const store = async (key: string, value: string | undefined, stamp = '1:1:', ttlMs = 60_000, costMs = 0) =>
    tier.store(await leaseFor(key), value, stamp, { ttlMs, costMs });

  test('any bytes come back as they were, with their stamp', () =>
    fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 1, maxLength: 2000 }),
        fc.stringMatching(/^[a-z0-9-]{1,30}$/),
        fc.stringMatching(/^[1-9][0-9]{0,18}:[1-9][0-9]{0,18}:([0-9]{1,9})?$/),
        async (bytes, slug, stamp) => {
          const key = `any-${slug}`;
          const value = Buffer.from(bytes).toString('latin1');
          await redis.unlink(rawKey(key));
          assert.equal(await store(key, value, stamp), true);
          assert.deepEqual(await lookup(key), { result: 'hit', value, stamp });
        },
      ),
    ));

  test('text of several bytes a character comes back as it was', async () => {
    const value = Buffer.from('{"title":"Pokémon™ 日本 🎮"}', 'utf8').toString('latin1');
    await store('text', value);
    assert.deepEqual(await lookup('text'), { result: 'hit', value, stamp: '1:1:' });
  });

  test('that there is nothing under a key is a value too', async () => {
    await store('absent', undefined);
    assert.deepEqual(await lookup('absent'), { result: 'hit', value: undefined, stamp: '1:1:' });
  });

  test('a key that is not there is a miss for one, who is given the lease, and the others wait', async () => {
    const [first, ...others] = await Promise.all(Array.from({ length: 20 }, () => lookup('leased')));
    assert.equal(first?.result, 'miss');
    for (const other of others) assert.deepEqual(other, { result: 'wait' });
  });

  test('a lease lasts for LEASE_MS, and then another is given it', async () => {
    await leaseFor('lasting');
    const leftMs = await redis.pttl(rawKey('lasting'));
    assert.ok(leftMs > leaseMs - 2000 && leftMs <= leaseMs, `${leftMs} ms`);
    await redis.hset(rawKey('lasting'), 'untilMs', 0);
    assert.equal((await lookup('lasting')).result, 'miss');
  });

  test('a lease that is given back is there for the next', async () => {
    const lease = await leaseFor('released');
    tier.release(lease);
    const next = await leaseFor('released');
    assert.notEqual(next.token, lease.token);
    tier.release(lease);
    assert.deepEqual(await lookup('released'), { result: 'wait' }, 'only by its holder');
  });

  test('a value is stored under its lease and under no other, and once', async () => {
    const lease = await leaseFor('owned');
    const options = { ttlMs: 60_000, costMs: 0 };
    assert.equal(await tier.store({ ...lease, token: 'another' }, 'v', '1:1:', options), false);
    assert.equal(await tier.store(lease, 'v', '1:1:', options), true);
    assert.equal(await tier.store(lease, 'again', '1:1:', options), false);
    assert.deepEqual(await lookup('owned'), { result: 'hit', value: 'v', stamp: '1:1:' });
  });

  test('near its end a value comes with a lease for one, and without for the others', async () => {
    // With the clock standing at the end of its time for all whose cost is 60 s.
    const eager = tierOver(redis, { random: () => 1 - Math.exp(-1) });
    await store('early', 'v', '1:1:', 60_000, 60_000);
    const [first, second] = await Promise.all([eager.lookup('early', mark), eager.lookup('early', mark)]);
    assert.ok(first?.result === 'hit' && first.lease, 'the first may read it anew');
    assert.deepEqual(second, { result: 'hit', value: 'v', stamp: '1:1:' });
    assert.equal(await eager.store(first.lease, 'new', '2:2:', { ttlMs: 60_000, costMs: 0 }), true);
    assert.deepEqual(await eager.lookup('early', mark), { result: 'hit', value: 'new', stamp: '2:2:' });
  });

  test('earliness is 0 at the least, 1 on average, and a million to one against more than 14', () => {
    assert.equal(Math.abs(earliness(0)), 0);
    const n = 10_000;
    const average = Array.from({ length: n }, (_, i) => earliness((i + 0.5) / n)).reduce((a, b) => a + b) / n;
    assert.ok(Math.abs(average - 1) < 0.001, `${average}`);
    assert.ok(earliness(1 - 1e-6) < 14);
  });

  test('a value lives for its TTL, which Redis counts in milliseconds', async () => {
    await store('living', 'v', '1:1:', 59_999.2);
    const leftMs = await redis.pttl(rawKey('living'));
    assert.ok(leftMs > 50_000 && leftMs <= 60_000, `${leftMs} ms`);
  });

  test('a Redis that was told less than is asked for, or nothing, is passed by', async () => {
    await store('told', 'v');
    assert.deepEqual(await tier.lookup('told', { ...mark, batch: 2 }), { result: 'bypass' });
    assert.deepEqual(await tier.lookup('told', { ...mark, host: 'other' }), { result: 'bypass' });
    assert.deepEqual(await tier.lookup('new', { ...mark, batch: 2 }), { result: 'bypass' });
    assert.equal(await redis.exists(rawKey('new')), 0, 'and gives no lease');
    assert.equal((await tier.lookup('told', { ...mark, batch: 0 })).result, 'hit');
  });

  const page = (key: string, value: string | Buffer, stamp = '1:1:') =>
    redis.hset(key, 'value', value, 'stamp', stamp);
  const notOurs: Record<string, (key: string) => Promise<unknown>> = {
    'of another type': (key) => redis.lpush(key, 'one', 'two'),
    'that is a string': (key) => redis.set(key, 'odd\n{}'),
    'without a first line': (key) => page(key, 'garbage'),
    'whose first line names another key': (key) => page(key, 'another-slug\n{}'),
    'whose first line has more than the key': (key) => page(key, 'odd more\n{}'),
    'whose stamp is none': (key) => page(key, 'odd\n{}', 'stamp'),
    'whose stamp is empty': (key) => page(key, 'odd\n{}', ''),
    'that is not there beside its stamp': (key) => redis.hset(key, 'stamp', '1:1:'),
    'whose stamp is of more than 4 MiB': (key) => page(key, 'odd\n{}', `1:1:${'1'.repeat(4 * mebibyte)}`),
    'that the codec does not know': (key) => page(key, 'odd\nunknown'),
    'of random bytes': (key) => page(key, Buffer.from([0, 255, 10, 13, 32, 10])),
    'of more than 4 MiB': (key) =>
      page(key, Buffer.concat([Buffer.from('odd\n'), Buffer.alloc(4 * mebibyte)])),
  };
  for (const [what, put] of Object.entries(notOurs))
    test(`a value ${what} is an error, is removed, and makes room for the right one`, async () => {
      await redis.unlink(rawKey('odd'));
      await put(rawKey('odd'));
      assert.deepEqual(await lookup('odd'), { result: 'error' });
      // The removal went out before this lookup.
      assert.equal(await store('odd', 'right'), true);
      assert.equal((await lookup('odd')).result, 'hit');
    });

  const oddFields: Record<string, string[]> = {
    'the time of its lease': ['untilMs', 'soon'],
    'its cost': ['costMs', 'dear'],
  };
  for (const [what, field] of Object.entries(oddFields))
    test(`a value of which ${what} is no number is as if that was not there`, async () => {
      await redis.unlink(rawKey('odd'));
      await page(rawKey('odd'), 'odd\nv');
      await redis.hset(rawKey('odd'), ...field);
      await redis.pexpire(rawKey('odd'), 60_000);
      assert.deepEqual(await lookup('odd'), { result: 'hit', value: 'v', stamp: '1:1:' });
    });

  test('a Redis that holds something else where it holds what it was told is passed by', async () => {
    await store('passed', 'v');
    const record = hostKey(mark.epoch, 'odd-host');
    for (const put of [
      () => redis.hset(record, 'batch', 'many'),
      () => redis.hset(record, 'batch', ''),
      () => redis.set(record, '1'),
      () => redis.lpush(record, '1'),
    ]) {
      await redis.unlink(record);
      await put();
      assert.deepEqual(await tier.lookup('passed', { ...mark, host: 'odd-host' }), { result: 'bypass' });
    }
  });

  test('of a value of 100 MiB nothing is transferred', async () => {
    const { hostname, port } = new URL(url ?? '');
    const proxy = await startFaultProxy({ host: hostname, port: Number(port) });
    const behind = await connected(`redis://127.0.0.1:${proxy.port}`, 10_000);
    try {
      const make = "return redis.call('HSET', KEYS[1], 'stamp', '1:1:', 'value', ('x'):rep(ARGV[1]))";
      await behind.eval(make, 1, rawKey('huge'), 100 * mebibyte);
      assert.deepEqual(await tierOver(behind).lookup('huge', mark), { result: 'error' });
      const bytes = proxy.conversations.reduce((sum, { received }) => sum + received.length, 0);
      assert.ok(bytes < 0.1 * mebibyte, `${bytes} bytes`);
      assert.equal(await redis.exists(rawKey('huge')), 0);
    } finally {
      behind.disconnect();
      await redis.unlink(rawKey('huge'));
      await proxy.close();
    }
  });

  test('what Redis answered is gone with the next collections of the young generation', async () => {
    const own = await connected(url ?? '');
    try {
      const looking = tierOver(own);
      const bytes: WeakRef<Buffer>[] = [];
      const asked = own.pageLookupBuffer.bind(own);
      own.pageLookupBuffer = async (...args) => {
        const reply = await asked(...args);
        if (reply[1]) bytes.push(new WeakRef(reply[1]));
        return reply;
      };
      await store('garbage', 'x'.repeat(10_000));
      const look = async () => assert.equal((await looking.lookup('garbage', mark)).result, 'hit');
      await look();
      await collectYoungGeneration();
      bytes.length = 0;
      await look();
      await look();
      // The last one is with the parser still.
      await look();
      await collectYoungGeneration();
      assert.deepEqual(
        bytes.slice(0, 2).map((reply) => reply.deref() === undefined),
        [true, true],
      );
    } finally {
      own.disconnect();
    }
  });

  test('a lookup is one command and one round trip; so is a store', async () => {
    const { hostname, port } = new URL(url ?? '');
    const proxy = await startFaultProxy({ host: hostname, port: Number(port) });
    const behind = await connected(`redis://127.0.0.1:${proxy.port}`);
    try {
      const [conversation] = proxy.conversations;
      assert.ok(conversation);
      const tier = tierOver(behind);
      const both = async (key: string) => {
        const found = await tier.lookup(key, mark);
        assert.ok(found.result === 'miss');
        assert.equal(await tier.store(found.lease, 'v', '1:1:', { ttlMs: 1000, costMs: 0 }), true);
      };
      // A connection's first command of a kind has the whole script.
      await both('first');
      const before = conversation.roundTrips;
      const commandsBefore = redisCommands(conversation).length;
      await both('counted');
      assert.deepEqual(redisCommands(conversation).slice(commandsBefore), ['evalsha', 'evalsha']);
      assert.equal(conversation.roundTrips - before, 2);
    } finally {
      behind.disconnect();
      await proxy.close();
    }
  });
});

const tierOver = (redis: Redis, options: Partial<RedisTierOptions<string>> = {}): RedisTier<string> =>
  createRedisTier({
    redis,
    codec: {
      ...textCodec,
      decode: (bytes) => (bytes === 'unknown' ? undefined : textCodec.decode(bytes)),
    },
    history: modelHistory,
    leaseMs,
    random: () => 0,
    ...options,
  });

async function connected(url: string, timeoutMs = 1000): Promise<Redis> {
  const redis = connectRedis(url, { timeoutMs, name: 'cache-test', onError: () => {} });
  await new Promise<void>((resolve) => redis.once('ready', () => resolve()));
  return redis;
}
