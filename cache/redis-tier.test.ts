import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, suite, test } from 'node:test';
import fc from 'fast-check';
import type { Redis } from 'ioredis';
import { textCodec } from './by-hand.ts';
import { redisCommands, startFaultProxy } from './fault-proxy.ts';
import { connectRedis } from './redis-connection.ts';
import { createRedisTier, type RedisTier } from './redis-tier.ts';

const url = process.env.TEST_REDIS_URL;
const mebibyte = 1024 * 1024;

suite('over a real Redis', { skip: url === undefined && 'there is no Redis on this machine' }, () => {
  let redis: Redis;
  let tier: RedisTier<string>;
  // Other tests use the same Redis.
  const own = `cache-test-${randomUUID()}`;
  const rawKey = (key: string) => `frontshelf:1:${key}`;

  before(async () => {
    redis = await connected(url ?? '');
    tier = createRedisTier(redis, textCodec);
  });
  after(async () => {
    const keys = await redis.keys(`*${own}*`);
    if (keys.length > 0) await redis.unlink(...keys);
    redis.disconnect();
  });

  test('any bytes come back as they were, with their stamp', () =>
    fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 1, maxLength: 2000 }),
        fc.stringMatching(/^[a-z0-9-]{1,30}$/),
        fc.stringMatching(/^[0-9:,]{0,40}$/),
        async (bytes, slug, stamp) => {
          const key = `${own}-${slug}`;
          const value = Buffer.from(bytes).toString('latin1');
          assert.equal(await tier.store(key, value, stamp, 60_000), true);
          assert.deepEqual(await tier.lookup(key), { result: 'hit', value, stamp });
        },
      ),
    ));

  test('text of several bytes a character comes back as it was', async () => {
    const value = Buffer.from('{"title":"Pokémon™ 日本 🎮"}', 'utf8').toString('latin1');
    await tier.store(own, value, '1:1:', 60_000);
    assert.deepEqual(await tier.lookup(own), { result: 'hit', value, stamp: '1:1:' });
  });

  test('a key that is not there is a miss', async () => {
    assert.deepEqual(await tier.lookup(`${own}-missing`), { result: 'miss' });
  });

  test('a value lives for its TTL, which Redis counts in milliseconds', async () => {
    await tier.store(own, 'v', '', 59_999.2);
    const leftMs = await redis.pttl(rawKey(own));
    assert.ok(leftMs > 50_000 && leftMs <= 60_000, `${leftMs} ms`);
  });

  const notOurs: Record<string, (key: string) => Promise<unknown>> = {
    'of another type': (key) => redis.lpush(key, 'one', 'two'),
    'without a first line': (key) => redis.set(key, 'garbage'),
    'whose first line names another key': (key) => redis.set(key, 'another-slug 1:1:\n{}'),
    'whose first line has no stamp': (key) => redis.set(key, `${own}-odd\n{}`),
    'whose first line has more than that': (key) => redis.set(key, `${own}-odd 1:1: more\n{}`),
    'that the codec does not know': (key) => redis.set(key, `${own}-odd 1:1:\n`),
    'of random bytes': (key) => redis.set(key, Buffer.from([0, 255, 10, 13, 32, 10])),
    'of more than 4 MiB': (key) =>
      redis.set(key, Buffer.concat([Buffer.from(`${own}-odd 1:1:\n`), Buffer.alloc(4 * mebibyte)])),
  };
  for (const [what, put] of Object.entries(notOurs))
    test(`a value ${what} is an error, is removed, and makes room for the right one`, async () => {
      const key = `${own}-odd`;
      await redis.unlink(rawKey(key));
      await put(rawKey(key));
      assert.deepEqual(await tier.lookup(key), { result: 'error' });
      assert.deepEqual(await tier.lookup(key), { result: 'miss' }, 'the removal went out before this lookup');
      assert.equal(await tier.store(key, 'right', '1:1:', 60_000), true);
      assert.equal((await tier.lookup(key)).result, 'hit');
    });

  test('an empty value is a miss', async () => {
    await redis.set(rawKey(own), '');
    assert.deepEqual(await tier.lookup(own), { result: 'miss' });
  });

  test('of a value of 100 MiB no more than 4 MiB and a little is transferred', async () => {
    const { hostname, port } = new URL(url ?? '');
    const proxy = await startFaultProxy({ host: hostname, port: Number(port) });
    const behind = await connected(`redis://127.0.0.1:${proxy.port}`, 5000);
    try {
      await redis.setrange(rawKey(`${own}-huge`), 100 * mebibyte, 'x');
      assert.deepEqual(await createRedisTier(behind, textCodec).lookup(`${own}-huge`), { result: 'error' });
      const bytes = proxy.conversations.reduce((sum, { received }) => sum + received.length, 0);
      assert.ok(bytes < 4.1 * mebibyte, `${bytes} bytes`);
    } finally {
      behind.disconnect();
      await redis.unlink(rawKey(`${own}-huge`));
      await proxy.close();
    }
  });

  test('a lookup is one command and one round trip; so is a store', async () => {
    const { hostname, port } = new URL(url ?? '');
    const proxy = await startFaultProxy({ host: hostname, port: Number(port) });
    const behind = await connected(`redis://127.0.0.1:${proxy.port}`);
    try {
      const [conversation] = proxy.conversations;
      assert.ok(conversation);
      const before = conversation.roundTrips;
      const commandsBefore = redisCommands(conversation).length;
      const tier = createRedisTier(behind, textCodec);
      await tier.lookup(`${own}-counted`);
      await tier.store(`${own}-counted`, 'v', '', 1000);
      assert.deepEqual(redisCommands(conversation).slice(commandsBefore), ['getrange', 'set']);
      assert.equal(conversation.roundTrips - before, 2);
    } finally {
      behind.disconnect();
      await proxy.close();
    }
  });
});

async function connected(url: string, timeoutMs = 1000): Promise<Redis> {
  const redis = connectRedis(url, { timeoutMs, name: 'cache-test', onError: () => {} });
  await new Promise<void>((resolve) => redis.once('ready', () => resolve()));
  return redis;
}
