import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { freePort } from '../../local/ports.ts';
import { readProductPage } from '../../sql/product-page.ts';
import { createTestDatabase, type TestDatabase } from '../../sql/testing.ts';
import { expressDistributed, expressMonolith, expressRedis } from './express.ts';
import { parts } from './parts.ts';
import { startTarget } from './start.ts';

const redisUrl = process.env.TEST_REDIS_URL;
let database: TestDatabase;
let pool: pg.Pool;
let products: { id: number; slug: string }[];
before(async () => {
  database = await createTestDatabase({ products: 40 });
  pool = new pg.Pool({ connectionString: database.readerUrl });
  const { rows } = await pool.query<{ id: string; slug: string }>('SELECT id, slug FROM product');
  products = rows.map(({ id, slug }) => ({ id: Number(id), slug }));
});
after(async () => {
  await pool.end();
  await database.drop();
});

async function start(target: typeof expressMonolith, redis: string) {
  const ports = await Promise.all(Array.from({ length: 10 }, () => freePort()));
  return startTarget(target, {
    databaseUrl: database.readerUrl,
    redisUrl: redis,
    workers: 1,
    stalenessMs: null,
    port: () => ports.pop() ?? 0,
  });
}

async function getJson(url: string): Promise<unknown> {
  const response = await fetch(url, { headers: { connection: 'close' } });
  assert.equal(response.status, 200, url);
  return response.json();
}

/** The document as Frontshelf has it. */
async function documentOf(slug: string): Promise<Record<string, unknown>> {
  const { body } = await readProductPage(pool, slug);
  return JSON.parse(Buffer.from(body ?? 'null', 'latin1').toString('utf8'));
}

/** What one part is to say: its keys of the document, and of the requirements its tier. */
function partOf(document: Record<string, unknown>, name: string, keys: readonly string[]): object {
  const tier = /^specs-(minimum|recommended)$/.exec(name)?.[1];
  if (tier === undefined) return Object.fromEntries(keys.map((key) => [key, document[key]]));
  const systems = document.systemRequirements;
  assert.ok(Array.isArray(systems));
  return { systemRequirements: systems.map((system) => ({ os: system.os, [tier]: system[tier] })) };
}

for (const target of [expressDistributed, expressMonolith, expressRedis])
  test(`${target.name} answers with the parts and the pages that Frontshelf has`, {
    skip: target === expressRedis && redisUrl === undefined ? 'there is no Redis' : false,
  }, async (t) => {
    const { origin, stop } = await start(target, redisUrl ?? '');
    t.after(stop);
    for (const { id, slug } of products) {
      const document = await documentOf(slug);
      assert.deepEqual(await getJson(`${origin}/api/products/${id}/page`), document, slug);
      // Twice, the second time from the cache where there is one.
      for (let time = 0; time < 2; time++)
        for (const { name, keys } of parts)
          assert.deepEqual(
            await getJson(`${origin}/api/products/${id}/${name}`),
            { productId: id, ...partOf(document, name, keys) },
            `${slug} ${name}`,
          );
    }
    assert.equal((await fetch(`${origin}/api/products/999999/product`)).status, 404);
    assert.equal((await fetch(`${origin}/api/products/0/product`)).status, 400);
    assert.equal((await fetch(`${origin}/api/products/x/media`)).status, 400);
  });

test('express-redis does without a Redis that does not answer', async (t) => {
  const { origin, stop } = await start(expressRedis, `redis://127.0.0.1:${await freePort()}`);
  t.after(stop);
  const [product] = products;
  assert.equal((await fetch(`${origin}/api/products/${product?.id}/genres`)).status, 200);
});
