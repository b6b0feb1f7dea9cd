import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { Redis as RedisClient } from 'ioredis';
import pg from 'pg';
import { eventually } from '../../cache/eventually.ts';
import { freePort } from '../../local/ports.ts';
import { findRedis, type Redis, startRedis } from '../../local/redis.ts';
import { readProductPage } from '../../sql/product-page.ts';
import { createTestDatabase, type TestDatabase } from '../../sql/testing.ts';
import { noDatabase } from '../testing.ts';
import { fastifyBentocache } from './fastify-bentocache.ts';
import { type StartedTarget, startTarget } from './start.ts';
import type { Surroundings } from './target.ts';

const noServices = noDatabase || (findRedis() === undefined && 'there is no Redis on this machine');

suite('fastify-bentocache', { skip: noServices }, () => {
  let database: TestDatabase;
  let owner: pg.Pool;
  let redis: Redis;
  let slugs: string[];
  const started: StartedTarget[] = [];

  before(async () => {
    [database, redis] = await Promise.all([createTestDatabase({ products: 60 }), startRedis()]);
    owner = new pg.Pool({ connectionString: database.ownerUrl });
    const { rows } = await owner.query<{ slug: string }>('SELECT slug FROM product ORDER BY id');
    slugs = rows.map(({ slug }) => slug);
  });
  after(async () => {
    await Promise.all(started.map((target) => target.stop()));
    await redis?.stop();
    await owner?.end();
    await database?.drop();
  });

  async function start(given: Partial<Surroundings> = {}): Promise<StartedTarget> {
    const port = await freePort();
    const target = await startTarget(fastifyBentocache, {
      databaseUrl: database.readerUrl,
      redisUrl: redis.url,
      workers: 1,
      stalenessMs: null,
      port: () => port,
      ...given,
    });
    started.push(target);
    return target;
  }

  const page = ({ origin }: StartedTarget, slug: string, headers: Record<string, string> = {}) =>
    fetch(`${origin}/v1/products/${slug}`, { headers });

  async function titleAt(target: StartedTarget, slug: string): Promise<unknown> {
    const response = await page(target, slug);
    assert.equal(response.status, 200);
    return JSON.parse(await response.text()).title;
  }

  /** The document as Frontshelf gives it. */
  async function documentOf(slug: string): Promise<unknown> {
    const { body } = await readProductPage(owner, slug);
    return JSON.parse(Buffer.from(body ?? assert.fail(), 'latin1').toString());
  }

  async function emptyRedis(): Promise<void> {
    const client = new RedisClient(redis.url);
    await client.flushall();
    client.disconnect();
  }

  const nowhere = async (protocol: string) =>
    `${protocol}://frontshelf_reader@127.0.0.1:${await freePort()}/0`;

  test('every page is the document that Frontshelf gives, from Postgres as from memory', async () => {
    const target = await start();
    for (const slug of slugs) {
      const expected = await documentOf(slug);
      for (const tier of ['Postgres', 'memory']) {
        const response = await page(target, slug);
        assert.equal(response.headers.get('content-type'), 'application/json; charset=utf-8');
        assert.deepEqual(await response.json(), expected, `${slug} from ${tier}`);
      }
    }
  });

  test('an unknown slug is 404, one that cannot be is 400, and a page that is known already is 304', async () => {
    const target = await start();
    for (let i = 0; i < 2; i++) assert.equal((await page(target, 'nobody-has-this')).status, 404);
    assert.equal((await page(target, 'No_Slug')).status, 400);
    const slug = slugs[0] ?? assert.fail();
    const etag = (await page(target, slug)).headers.get('etag') ?? assert.fail('no ETag');
    assert.match(etag, /^"[^"]+"$/);
    assert.equal((await page(target, slug, { 'If-None-Match': `"other", W/${etag}` })).status, 304);
    assert.equal((await page(target, slug, { 'If-None-Match': '"other"' })).status, 200);
  });

  test('a second instance gets a page from Redis, whatever became of Postgres, and then from memory', async () => {
    const slug = slugs[1] ?? assert.fail();
    const first = await start();
    const expected = await (await page(first, slug)).json();
    const second = await start({ databaseUrl: await nowhere('postgres') });
    assert.deepEqual(await (await page(second, slug)).json(), expected);
    await emptyRedis();
    assert.deepEqual(await (await page(second, slug)).json(), expected);

    const unknown = await page(second, slugs[2] ?? assert.fail());
    assert.equal(unknown.status, 503);
    assert.equal(unknown.headers.get('retry-after'), '1');
  });

  test('an instance that reads a page anew tells the others, which give up the one they have', async () => {
    const slug = slugs[3] ?? assert.fail();
    const [one, other] = [await start(), await start()];
    const old = await titleAt(one, slug);
    await owner.query('UPDATE product SET title = $2 WHERE slug = $1', [slug, 'New']);
    await emptyRedis();
    assert.equal(await titleAt(one, slug), old);
    assert.equal(await titleAt(other, slug), 'New');
    await eventually('the one that had it gives the new page', 5000, async () => {
      return (await titleAt(one, slug)) === 'New';
    });
  });

  test('a page is read anew when its TTL is over', async () => {
    const slug = slugs[4] ?? assert.fail();
    const target = await start({ stalenessMs: 100 });
    await page(target, slug);
    await owner.query('UPDATE product SET title = $2 WHERE slug = $1', [slug, 'Newer']);
    await eventually('the page is new', 5000, async () => (await titleAt(target, slug)) === 'Newer');
  });

  test('requests are answered without Redis, by several processes, which end in order', async () => {
    const target = await start({ redisUrl: await nowhere('redis'), workers: 2 });
    const answers = await Promise.all(slugs.slice(5, 25).map((slug) => page(target, slug)));
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
  });

  test('requests are answered while Redis hangs, and when it has ended', async () => {
    const own = await startRedis();
    const target = await start({ redisUrl: own.url });
    const statuses = async (from: number, to: number) => {
      const answers = await Promise.all(slugs.slice(from, to).map((slug) => page(target, slug)));
      return new Set(answers.map(({ status }) => status));
    };
    try {
      assert.deepEqual(await statuses(5, 10), new Set([200]));
      process.kill(own.process.pid, 'SIGSTOP');
      assert.deepEqual(await statuses(10, 20), new Set([200]));
    } finally {
      await own.stop();
    }
    assert.deepEqual(await statuses(20, 30), new Set([200]));
  });
});
