import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Redis } from 'ioredis';
import pg from 'pg';
import { eventually } from '../../cache/eventually.ts';
import { freePort } from '../../local/ports.ts';
import { findRedis, type Redis as RedisServer, startRedis } from '../../local/redis.ts';
import { readProductPage } from '../../sql/product-page.ts';
import { createTestDatabase, type TestDatabase } from '../../sql/testing.ts';
import { noDatabase } from '../testing.ts';
import { expressDistributed, expressMonolith, expressRedis } from './express.ts';
import { parts } from './parts.ts';
import { type StartedTarget, startTarget } from './start.ts';
import type { Target } from './target.ts';

const noRedis = findRedis() ? noDatabase : 'neither redis-server nor valkey-server is on the PATH';

type Json = Readonly<Record<string, unknown>>;

let database: TestDatabase;
let pool: pg.Pool;
/** Not the one of all tests, which other files fill, and which must not be stopped. */
let redisServer: RedisServer | undefined;
/** Each product's document, by its id. */
const documents = new Map<number, Json>();

before(async () => {
  if (noDatabase) return;
  database = await createTestDatabase({ products: 100 });
  pool = new pg.Pool({ connectionString: database.readerUrl, max: 2 });
  const { rows } = await pool.query<{ slug: string }>('SELECT slug FROM product');
  for (const { slug } of rows) {
    const { body } = await readProductPage(pool, slug);
    assert.ok(body !== null);
    const document = JSON.parse(Buffer.from(body, 'latin1').toString());
    documents.set(document.id, document);
  }
  assert.equal(documents.size, 100);
  if (!noRedis) redisServer = await startRedis();
});
after(async () => {
  if (noDatabase) return;
  await redisServer?.stop();
  await pool.end();
  await database.drop();
});

async function start(
  target: Target,
  changes: { databaseUrl?: string; redisUrl?: string; stalenessMs?: number } = {},
): Promise<StartedTarget> {
  const ports = await Promise.all(Array.from({ length: 9 }, () => freePort()));
  return startTarget(target, {
    databaseUrl: database.readerUrl,
    redisUrl: redisServer?.url ?? '',
    workers: 1,
    stalenessMs: null,
    port: () => ports.pop() ?? assert.fail('too few ports'),
    ...changes,
  });
}

async function get(origin: string, path: string): Promise<{ status: number; body: Json }> {
  const response = await fetch(`${origin}/api/products/${path}`);
  assert.match(response.headers.get('content-type') ?? '', /^application\/json/);
  return { status: response.status, body: JSON.parse(await response.text()) };
}

/** What the part of this name is to answer. */
function expectedPart(name: string, document: Json): Json {
  const part = parts.find((candidate) => candidate.name === name) ?? assert.fail(name);
  const values = part.keys.map((key) => [key, document[key]]);
  const expected = { productId: document.id, ...Object.fromEntries(values) };
  const tier = /^specs-(\w+)$/.exec(name)?.[1];
  if (tier === undefined) return expected;
  const { systemRequirements } = expected;
  assert.ok(Array.isArray(systemRequirements));
  return {
    ...expected,
    systemRequirements: systemRequirements.map((one) => ({ os: one.os, [tier]: one[tier] })),
  };
}

/** Asks for these products whole and in all parts, and compares each answer with the document. */
async function checkPages(origin: string, ids: Iterable<number>): Promise<void> {
  for (const id of ids) {
    const document = documents.get(id) ?? assert.fail(`no product ${id}`);
    assert.deepEqual(await get(origin, `${id}/page`), { status: 200, body: document });
    await Promise.all(
      parts.map(async ({ name }) => {
        const { status, body } = await get(origin, `${id}/${name}`);
        assert.equal(status, 200);
        assert.equal(Object.keys(body)[0], 'productId');
        assert.deepEqual(body, expectedPart(name, document), `${name} of ${id}`);
      }),
    );
  }
}

for (const target of [expressDistributed, expressMonolith, expressRedis])
  test(`${target.name} answers with every product's page, whole and in parts, and ends in order`, {
    skip: target === expressRedis ? noRedis : noDatabase,
  }, async (t) => {
    const { origin, pids, stop } = await start(target);
    t.after(() => stop().catch(() => {}));
    assert.equal(pids.length, target === expressDistributed ? 9 : 1);
    await checkPages(origin, documents.keys());

    for (const name of [...parts.map((part) => part.name), 'page']) {
      assert.equal((await get(origin, `999999/${name}`)).status, 404, name);
      assert.equal((await get(origin, `9007199254740991/${name}`)).status, 404, name);
    }
    for (const id of ['0', '-1', '01', '1.5', '1e3', 'abc', '9007199254740992', '%20', '%ff'])
      assert.equal((await get(origin, `${id}/media`)).status, 400, id);
    // The second is the name of something that every JavaScript object has.
    for (const path of ['1/nothing', '1/constructor', '1'])
      assert.equal((await get(origin, path)).status, 404);
    await stop();
  });

test('what cannot be read is 500, and the reason is not told', { skip: noDatabase }, async (t) => {
  const closed = `127.0.0.1:${await freePort()}`;
  const changes = { databaseUrl: `postgres://${closed}/none`, redisUrl: `redis://${closed}` };
  for (const target of [expressDistributed, expressMonolith, expressRedis]) {
    const { origin, stop } = await start(target, changes);
    t.after(stop);
    for (const name of ['media', 'page'])
      assert.deepEqual(await get(origin, `1/${name}`), {
        status: 500,
        body: { error: 'The server failed.' },
      });
  }
});

test('express-redis answers from Redis while that has the answer, and for no longer than the bound', {
  skip: noRedis,
}, async (t) => {
  const redis = new Redis(redisServer?.url ?? assert.fail('no Redis'));
  t.after(() => redis.disconnect());
  await redis.flushall();
  const { origin, stop } = await start(expressRedis, { stalenessMs: 30_000 });
  t.after(stop);
  const ids = [...documents.keys()].slice(0, 5);
  await checkPages(origin, ids);
  await eventually(
    'every answer is kept',
    2000,
    async () => (await redis.dbsize()) === ids.length * (parts.length + 1),
  );
  await checkPages(origin, ids);

  const key = `product:${ids[0]}:media`;
  const leftMs = await redis.pttl(key);
  assert.ok(leftMs > 0 && leftMs <= 30_000, `${leftMs} ms`);
  await redis.set(key, '{"from":"Redis"}', 'KEEPTTL');
  assert.deepEqual((await get(origin, `${ids[0]}/media`)).body, { from: 'Redis' });
  assert.equal((await get(origin, '999999/media')).status, 404);
  assert.equal(await redis.exists('product:999999:media'), 0);
});

test('express-redis answers from Postgres where no Redis answers', { skip: noRedis }, async (t) => {
  const { origin, stop } = await start(expressRedis, { redisUrl: `redis://127.0.0.1:${await freePort()}` });
  t.after(stop);
  await checkPages(origin, [...documents.keys()].slice(0, 5));
});

test('express-redis answers from Postgres while Redis hangs and when it is gone', {
  skip: noRedis,
}, async (t) => {
  const mortal = await startRedis();
  t.after(mortal.stop);
  const { origin, stop } = await start(expressRedis, { redisUrl: mortal.url });
  t.after(stop);
  const ids = [...documents.keys()].slice(0, 5);
  await checkPages(origin, ids);
  process.kill(mortal.process.pid, 'SIGSTOP');
  await checkPages(origin, ids);
  process.kill(mortal.process.pid, 'SIGKILL');
  await mortal.exited;
  await checkPages(origin, ids);
});
