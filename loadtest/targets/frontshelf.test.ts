import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import pg from 'pg';
import { freePort } from '../../local/ports.ts';
import { findRedis, type Redis, startRedis } from '../../local/redis.ts';
import { readProductPage } from '../../sql/product-page.ts';
import { createTestDatabase, type TestDatabase } from '../../sql/testing.ts';
import { noDatabase } from '../testing.ts';
import {
  frontshelf,
  frontshelfNoCache,
  frontshelfNoMemory,
  frontshelfNoRedis,
  frontshelfWorkers,
} from './frontshelf.ts';
import { startTarget } from './start.ts';
import type { Surroundings, Target } from './target.ts';

const noServices = noDatabase || (findRedis() === undefined && 'there is no Redis on this machine');

suite('Frontshelf as a target', { skip: noServices }, () => {
  let database: TestDatabase;
  let redis: Redis;
  let slug: string;
  let expected: unknown;

  before(async () => {
    [database, redis] = await Promise.all([createTestDatabase({ products: 10 }), startRedis()]);
    const client = new pg.Pool({ connectionString: database.readerUrl });
    const { rows } = await client.query<{ slug: string }>('SELECT slug FROM product ORDER BY id LIMIT 1');
    slug = rows[0]?.slug ?? assert.fail('There is no product.');
    const { body } = await readProductPage(client, slug);
    expected = JSON.parse(Buffer.from(body ?? assert.fail(), 'latin1').toString());
    await client.end();
  });
  after(async () => {
    await redis?.stop();
    await database?.drop();
  });

  /** Starts it, asks it for one page three times, and gives where the last one came from and its status. */
  async function tryTarget(target: Target, given: Partial<Surroundings> = {}) {
    const ports = await Promise.all([freePort(), freePort()]);
    const surroundings: Surroundings = {
      databaseUrl: database.readerUrl,
      redisUrl: redis.url,
      workers: 1,
      stalenessMs: null,
      port: () => ports.pop() ?? assert.fail('It wants too many ports.'),
      ...given,
    };
    const started = await startTarget(target, surroundings);
    const metricsUrl = started.metricsUrl ?? assert.fail('It tells no metrics.');
    try {
      let cacheStatus: string | null = null;
      for (let i = 0; i < 3; i++) {
        const response = await fetch(`${started.origin}/v1/products/${slug}`);
        assert.deepEqual(await response.json(), expected);
        cacheStatus = response.headers.get('cache-status');
      }
      const metrics = await (await fetch(metricsUrl)).text();
      assert.match(metrics, /^http_server_request_duration_seconds_count\{/m);
      const status = JSON.parse(await (await fetch(new URL('/status', metricsUrl))).text());
      return { cacheStatus, workers: status.workers.length, settings: status.settings };
    } finally {
      await started.stop();
    }
  }

  test('with every tier a page comes from memory, and the staleness asked for is the one it keeps', async () => {
    const { cacheStatus, settings } = await tryTarget(frontshelf, { stalenessMs: 700 });
    assert.equal(cacheStatus, 'frontshelf-memory; hit');
    assert.equal(settings.stalenessMs, 700);
  });

  test('without the memory tier it comes from Redis each time', async () => {
    const { cacheStatus } = await tryTarget(frontshelfNoMemory);
    assert.equal(cacheStatus, 'frontshelf-redis; hit');
  });

  test('without Redis it comes from memory, and Redis is not used', async () => {
    const { cacheStatus, settings } = await tryTarget(frontshelfNoRedis);
    assert.equal(cacheStatus, 'frontshelf-memory; hit');
    assert.equal(settings.redisUrl, '');
  });

  test('without both it comes from Postgres each time', async () => {
    assert.equal((await tryTarget(frontshelfNoCache)).cacheStatus, 'frontshelf-memory; fwd=bypass');
  });

  test('the number of workers is that of its name, whatever its surroundings say', async () => {
    assert.equal((await tryTarget(frontshelfWorkers(3), { workers: 1 })).workers, 3);
    assert.equal((await tryTarget(frontshelf, { workers: 2 })).workers, 2);
  });
});
