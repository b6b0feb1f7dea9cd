/** Pages while Redis or Postgres is gone, stands still, or comes back. Both are this file's own. */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { Redis as RedisClient } from 'ioredis';
import pg from 'pg';
import { eventually } from '../cache/eventually.ts';
import { freePort } from '../local/ports.ts';
import { type Postgres, startPostgres } from '../local/postgres.ts';
import { findRedis, type Redis as RedisServer, startRedis } from '../local/redis.ts';
import { createTestDatabase } from '../sql/testing.ts';
import { type Answer, get, startClients } from './keep-alive-clients.ts';
import { childrenOf, type ServerProcess, startServer } from './server-process.ts';

const databaseTimeoutMs = 2000;
const recoveryMs = 5000;
/** For the client's own part of a request, on a machine busy with other tests. */
const graceMs = 500;

suite('outages', { skip: findRedis() === undefined && 'there is no Redis on this machine' }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'frontshelf-outages-'));
  let postgres: Postgres;
  let redis: RedisServer;
  let server: ServerProcess;
  /** Pages not asked for yet, taken from the end. */
  let unread: string[];
  let strangers = 0;
  let databaseUrl: string;
  let superuserUrl: string;
  let baseline: Awaited<ReturnType<typeof resources>>;

  const postgresOptions = { dataDir: join(folder, 'postgres'), password: 'test', settings: { fsync: 'off' } };

  before(async () => {
    chmodSync(folder, 0o755);
    [postgres, redis] = await Promise.all([startPostgres(postgresOptions), startRedis()]);
    const database = await createTestDatabase({ server: postgres.url, products: 200 });
    databaseUrl = database.readerUrl;
    superuserUrl = database.superuserUrl;
    unread = (await query('SELECT slug FROM product')).map(({ slug }) => String(slug));
    server = await startServer({
      DATABASE_URL: databaseUrl,
      DATABASE_TIMEOUT_MS: String(databaseTimeoutMs),
      DATABASE_POOL_MAX: '3',
      REDIS_URL: redis.url,
      WORKERS: '1',
      // One that stays when the only worker is replaced.
      PORT: String(await freePort()),
    });
    await Promise.all(Array.from({ length: 10 }, () => page(fresh())));
    baseline = await resources();
  });
  after(async () => {
    await server?.destroy();
    await redis?.stop();
    await postgres?.stop('immediate');
    rmSync(folder, { recursive: true, force: true });
  });

  async function query(sql: string): Promise<Record<string, unknown>[]> {
    const client = new pg.Client({ connectionString: superuserUrl });
    client.on('error', () => {});
    await client.connect();
    try {
      return (await client.query(sql)).rows;
    } finally {
      await client.end();
    }
  }

  const page = (slug: string) => get(`${server.url}/v1/products/${slug}`);
  const fresh = () => unread.pop() ?? assert.fail('The catalogue of this test is too small.');
  const worker = () => childrenOf(server.pid)[0] ?? assert.fail('There is no worker.');

  async function assertServed(slug: string, way: string): Promise<void> {
    const { status, headers } = await page(slug);
    assert.equal(status, 200);
    assert.equal(headers['cache-status'], way);
  }

  const memory = 'frontshelf-memory; hit';
  const staleMemory = 'frontshelf-memory; fwd=stale; detail=stale-if-error';

  /** Nobody can tell what has changed while Postgres is gone; `slug` is of a page in memory. */
  async function pagesAreStale(slug: string): Promise<void> {
    await eventually('it is said that pages may be stale', recoveryMs, async () => {
      const { status, headers } = await page(slug);
      assert.equal(status, 200);
      const way = headers['cache-status'];
      assert.ok(way === memory || way === staleMemory, String(way));
      return way === staleMemory;
    });
  }

  function assertUnavailable({ status, headers, body, durationMs }: Answer): void {
    assert.equal(status, 503, body);
    assert.equal(headers['content-type'], 'application/problem+json');
    assert.match(String(headers['retry-after']), /^[123]$/);
    assert.equal(headers['cache-control'], 'no-store');
    assert.equal(JSON.parse(body).type, '/problems/temporarily-unavailable');
    assert.ok(durationMs < databaseTimeoutMs + graceMs, `${durationMs} ms`);
  }

  /** What the server's worker holds: descriptors, and connections as Postgres and Redis see them. */
  async function resources() {
    const [row] = await query(
      `SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'frontshelf'`,
    );
    const client = new RedisClient(redis.url);
    const list = String(await client.client('LIST'));
    client.disconnect();
    return {
      descriptors: readdirSync(`/proc/${worker()}/fd`).length,
      postgres: Number(row?.n),
      redis: list.split('\n').filter((line) => line.includes('name=frontshelf ')).length,
    };
  }

  async function assertNothingLeaked(): Promise<void> {
    assert.equal(baseline.redis, 1);
    assert.ok(baseline.postgres > 0);
    let now = baseline;
    await eventually('descriptors and connections are as before', recoveryMs, async () => {
      now = await resources();
      return now.redis === 1 && now.postgres <= baseline.postgres && now.descriptors <= baseline.descriptors;
    }).catch((error) => assert.fail(`${error.message}: ${JSON.stringify({ baseline, now })}`));
  }

  async function redisIsUsed(): Promise<void> {
    await eventually('Redis is asked again', recoveryMs, async () => {
      const status = String((await page(`stranger-${strangers++}`)).headers['cache-status']);
      return status.startsWith('frontshelf-redis; fwd=uri-miss; stored');
    });
  }

  /** Asks for pages in memory and for new ones all the while; not one request may fail or be refused. */
  async function noRequestFails(during: () => Promise<void>): Promise<void> {
    const paths = Array.from({ length: 40 }, () => `/v1/products/${fresh()}`);
    const clients = await startClients(server.url, 4, paths);
    await during();
    const before = clients.reports.map(({ answers }) => answers);
    await eventually('requests are still answered', 10_000, () =>
      clients.reports.every(({ answers }, i) => answers > (before[i] ?? 0) + 20),
    );
    for (const { failures, refusals } of await clients.stop())
      assert.deepEqual([failures, refusals], [[], []]);
  }

  test('Redis killed under load: no request fails; started again, it is used again', async () => {
    await noRequestFails(async () => {
      process.kill(redis.process.pid, 'SIGKILL');
      await redis.exited;
    });
    for (let i = 0; i < 10; i++) assert.equal((await page(fresh())).status, 200);
    redis = await startRedis({ port: redis.port });
    await redisIsUsed();
    await assertNothingLeaked();
  });

  test('Redis stopped (SIGSTOP) under load: no request fails; when it goes on, it is used again', async () => {
    await noRequestFails(async () => {
      process.kill(redis.process.pid, 'SIGSTOP');
    });
    try {
      for (let i = 0; i < 5; i++) assert.equal((await page(fresh())).status, 200);
    } finally {
      process.kill(redis.process.pid, 'SIGCONT');
    }
    await redisIsUsed();
    await assertNothingLeaked();
  });

  test('Postgres stopped: pages in memory or Redis are served, others are 503; started again, all is well', async () => {
    const inRedis = fresh();
    const inBoth = fresh();
    await Promise.all([page(inRedis), page(inBoth)]);
    const replaced = worker();
    process.kill(replaced, 'SIGKILL');
    await eventually('a worker with an empty memory is ready', recoveryMs, async () => {
      const [first] = (await server.status()).workers;
      return first?.state === 'ready' && first.pid !== replaced;
    });
    await redisIsUsed();
    await assertServed(inBoth, 'frontshelf-redis; hit, frontshelf-memory; fwd=uri-miss; stored');
    await page(fresh());
    await postgres.stop('immediate');
    await pagesAreStale(inBoth);
    await assertServed(
      inRedis,
      'frontshelf-redis; hit; detail=stale, frontshelf-memory; fwd=uri-miss; stored',
    );
    const cold = fresh();
    assertUnavailable(await page(cold));
    for (const answer of await Promise.all(Array.from({ length: 20 }, () => page(fresh()))))
      assertUnavailable(answer);
    await assertServed(inBoth, staleMemory);
    const { pid } = (await server.status()).workers[0] ?? {};
    postgres = await startPostgres({ ...postgresOptions, port: postgres.port });
    await eventually(
      'the page that was refused is served',
      recoveryMs,
      async () => (await page(cold)).status === 200,
    );
    assert.equal((await server.status()).workers[0]?.pid, pid, 'no worker was replaced for it');
    await assertServed(inBoth, memory);
    await assertNothingLeaked();
  });

  test('Postgres frozen (SIGSTOP of all of it): the same, within the deadline', async () => {
    const inMemory = fresh();
    await Promise.all([page(inMemory), page(fresh()), page(fresh())]);
    // The one that makes the others first, or a session that begins meanwhile would go on.
    process.kill(postgres.process.pid, 'SIGSTOP');
    const sessions = childrenOf(postgres.process.pid);
    for (const pid of sessions) process.kill(pid, 'SIGSTOP');
    const frozen = [postgres.process.pid, ...sessions];
    const cold = fresh();
    try {
      await pagesAreStale(inMemory);
      // More than the pool has connections, so that some wait for one and some for a new one.
      const answers = await Promise.all([page(cold), ...Array.from({ length: 9 }, () => page(fresh()))]);
      answers.forEach(assertUnavailable);
      await assertServed(inMemory, staleMemory);
    } finally {
      for (const pid of frozen) process.kill(pid, 'SIGCONT');
    }
    await eventually(
      'the page that was refused is served',
      recoveryMs,
      async () => (await page(cold)).status === 200,
    );
    await assertNothingLeaked();
  });

  test('sessions ended by Postgres cost nothing that shows', async () => {
    await query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'frontshelf'`,
    );
    await eventually('the pool has noticed', recoveryMs, async () => (await page(fresh())).status === 200);
    for (let i = 0; i < 5; i++) assert.equal((await page(fresh())).status, 200);
    await assertNothingLeaked();
  });

  test('both gone: what is in memory is served, the rest is 503, and both are used again', async () => {
    const inMemory = fresh();
    await page(inMemory);
    await Promise.all([redis.stop(), postgres.stop('immediate')]);
    await pagesAreStale(inMemory);
    assertUnavailable(await page(fresh()));
    [postgres, redis] = await Promise.all([
      startPostgres({ ...postgresOptions, port: postgres.port }),
      startRedis({ port: redis.port }),
    ]);
    await redisIsUsed();
    await assertNothingLeaked();
  });
});
