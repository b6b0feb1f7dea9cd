/**
 * The promises of coherence, over real processes: two hosts on one Postgres and one Redis, all of them this file's own.
 */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis as RedisClient } from 'ioredis';
import pg from 'pg';
import { eventually } from '../cache/eventually.ts';
import { type Postgres, startPostgres } from '../local/postgres.ts';
import { findRedis, type Redis as RedisServer, startRedis } from '../local/redis.ts';
import { createTestDatabase } from '../sql/testing.ts';
import { type Answer, get } from './keep-alive-clients.ts';
import { childrenOf, type ServerProcess, startServer } from './server-process.ts';

const stalenessMs = 250;
const memoryTtlMs = 200;
/** Settings with which pages come from Redis nearly all the time. */
const forgetful = { MEMORY_TTL_MS: String(memoryTtlMs), STALE_WHILE_REVALIDATE_MS: '0' };
/** What a machine busy with other tests may add to a time that has a bound. */
const graceMs = 3000;
const recoveryMs = 15_000;

suite('two hosts', { skip: findRedis() === undefined && 'there is no Redis on this machine' }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'frontshelf-coherence-'));
  let postgres: Postgres;
  let redis: RedisServer;
  let admin: RedisClient;
  let databaseUrl: string;
  let database: pg.Pool;
  /** Pages that no test has used yet, taken from the end. */
  let unused: string[];
  let hosts: ServerProcess[] = [];
  let startedWith = '';
  let strangers = 0;

  before(async () => {
    chmodSync(folder, 0o755);
    const settings = {
      fsync: 'off',
      shared_preload_libraries: 'pg_stat_statements',
      'pg_stat_statements.track_planning': 'off',
    };
    [postgres, redis] = await Promise.all([
      startPostgres({ dataDir: join(folder, 'postgres'), password: 'test', settings }),
      startRedis(),
    ]);
    const made = await createTestDatabase({ server: postgres.url, products: 100 });
    databaseUrl = made.readerUrl;
    database = new pg.Pool({ connectionString: made.superuserUrl });
    database.on('error', () => {});
    await database.query('CREATE EXTENSION pg_stat_statements');
    // With a link, so that there is something to take away from its page.
    const { rows } = await database.query<{ slug: string }>(
      'SELECT slug FROM product WHERE id IN (SELECT product_id FROM social_link)',
    );
    unused = rows.map(({ slug }) => slug);
    admin = new RedisClient(redis.url, { retryStrategy: () => 50 });
    admin.on('error', () => {});
  });
  after(async () => {
    await stopHosts();
    admin?.disconnect();
    await database?.end();
    await redis?.stop();
    await postgres?.stop('immediate');
    rmSync(folder, { recursive: true, force: true });
  });

  async function stopHosts(): Promise<void> {
    await Promise.all(hosts.map((host) => host.destroy()));
    hosts = [];
  }

  /**
   * Two hosts, of whose workers all use Redis: those of the test before if that had the same settings and broke none.
   * Settings that are not given are as below.
   */
  async function twoHosts(env: Record<string, string> = {}): Promise<[ServerProcess, ServerProcess]> {
    if (JSON.stringify(env) !== startedWith) {
      await stopHosts();
      hosts = await startHosts(env);
      startedWith = JSON.stringify(env);
    }
    await Promise.all(hosts.map(redisIsUsed));
    const [one, two] = hosts;
    return one && two ? [one, two] : assert.fail('There are no two hosts.');
  }

  function startHosts(env: Record<string, string>): Promise<ServerProcess[]> {
    const start = () =>
      startServer({
        DATABASE_URL: databaseUrl,
        REDIS_URL: redis.url,
        WORKERS: '2',
        STALENESS_MS: String(stalenessMs),
        ...env,
      });
    return Promise.all([start(), start()]);
  }

  const unusedSlug = () => unused.pop() ?? assert.fail('The catalogue of this test is too small.');
  /** On a connection of its own, each of which goes to the next worker. */
  const page = ({ url }: ServerProcess, slug: string) =>
    get(`${url}/v1/products/${slug}`, { timeoutMs: 60_000 });
  const cacheStatus = ({ headers }: Answer) => String(headers['cache-status']);
  const worker = ({ pid }: ServerProcess) => childrenOf(pid)[0] ?? assert.fail('There is no worker.');

  /** On all workers: as many requests in a row as reach each of them twice. */
  function redisIsUsed(host: ServerProcess): Promise<number> {
    let inRow = 0;
    return eventually('all workers use Redis', recoveryMs, async () => {
      const answer = await page(host, `stranger-${strangers++}`);
      inRow = cacheStatus(answer).startsWith('frontshelf-redis; fwd=uri-miss; stored') ? inRow + 1 : 0;
      return inRow === 4 && inRow;
    });
  }

  /** How often the page statement was executed up to now. */
  async function pageReads(): Promise<number> {
    const { rows } = await database.query<{ calls: string }>(
      `SELECT coalesce(sum(calls), 0) AS calls FROM pg_stat_statements
      WHERE query LIKE '%FROM product p WHERE p.slug = $1) page%'`,
    );
    return Number(rows[0]?.calls);
  }

  /** Keeps every page from being read until it is released. The change log can be read. */
  async function holdPages(): Promise<{ waiting(): Promise<number>; release(): Promise<void> }> {
    const client = await database.connect();
    await client.query('BEGIN; LOCK TABLE review IN ACCESS EXCLUSIVE MODE');
    let isHeld = true;
    return {
      async waiting() {
        const { rows } = await database.query(
          `SELECT FROM pg_stat_activity WHERE application_name = 'frontshelf' AND wait_event_type = 'Lock'`,
        );
        return rows.length;
      },
      async release() {
        if (!isHeld) return;
        isHeld = false;
        await client.query('ROLLBACK');
        client.release();
      },
    };
  }

  async function activeRequests({ adminUrl }: ServerProcess): Promise<number> {
    const { body } = await get(`${adminUrl}/metrics`);
    const values = [...body.matchAll(/^http_server_active_requests\{.*\} (\d+)$/gm)];
    return values.reduce((sum, [, value]) => sum + Number(value), 0);
  }

  const titled = (title: string) => (answer: Answer) =>
    answer.status === 200 && JSON.parse(answer.body).title === title;

  const update = (slug: string, title: string) =>
    database.query('UPDATE product SET title = $2 WHERE slug = $1', [slug, title]);

  /**
   * Makes a change and reads the page on all hosts from then on. Whatever is asked for once the bound is over shows the
   * change, or says that it may not. Resolves when all workers have shown it, twice in a row.
   */
  async function changes(
    slug: string,
    change: () => Promise<unknown>,
    isNew: (answer: Answer) => boolean,
  ): Promise<void> {
    await change();
    const committedAtMs = performance.now();
    const tooOld: string[] = [];
    await Promise.all(
      hosts.map((host) => {
        let inRow = 0;
        return eventually(`${slug} is new on all workers`, recoveryMs, async () => {
          const beganAtMs = performance.now();
          const answer = await page(host, slug);
          const { status, body } = answer;
          const afterMs = Math.round(beganAtMs - committedAtMs);
          const isStale = cacheStatus(answer).includes('detail=stale');
          if (afterMs >= stalenessMs && !isNew(answer) && !isStale)
            tooOld.push(`${afterMs} ms after the change: ${status}, ${cacheStatus(answer)}, ${body}`);
          inRow = isNew(answer) && !isStale ? inRow + 1 : 0;
          return inRow >= 4 && afterMs >= stalenessMs;
        });
      }),
    );
    assert.deepEqual(tooOld, []);
  }

  test('connections reach each worker in turn, which is what these tests go by', async () => {
    const [host] = await twoHosts();
    const slug = unusedSlug();
    for (let i = 0; i < 4; i++) await page(host, slug);
    await eventually('each worker has the page', 5000, async () => {
      const { body } = await get(`${host.adminUrl}/metrics`);
      return [...body.matchAll(/^frontshelf_cache_entries\{.*tier="memory".*\} 1$/gm)].length === 2;
    });
  });

  async function fifteenChanges(): Promise<void> {
    const slug = unusedSlug();
    for (let i = 0; i < 15; i++) await changes(slug, () => update(slug, `Title ${i}`), titled(`Title ${i}`));
  }

  test('a committed change shows on every worker of every host within the bound, and always the last one', async () => {
    await twoHosts();
    await fifteenChanges();
  });

  test('a committed change is on the page however it comes: by a shared row, all rows at once, a transaction that began long ago', async () => {
    await twoHosts();
    const [slug, other] = [unusedSlug(), unusedSlug()];
    const names = (answer: Answer) => String(JSON.stringify(JSON.parse(answer.body).genres));
    await changes(
      slug,
      () =>
        database.query(
          `UPDATE tag SET name = name || '!' WHERE id IN (SELECT tag_id FROM product_tag
            WHERE product_id = (SELECT id FROM product WHERE slug = $1))`,
          [slug],
        ),
      (answer) => names(answer) === '[]' || names(answer).includes('!'),
    );

    const links = (answer: Answer) => JSON.parse(answer.body).socialLinks.length;
    for (const host of hosts) assert.ok(links(await page(host, slug)) > 0);
    await changes(
      slug,
      () => database.query('TRUNCATE social_link'),
      (answer) => links(answer) === 0,
    );

    const early = await database.connect();
    await early.query('BEGIN');
    await early.query('UPDATE product SET title = $2 WHERE slug = $1', [slug, 'From long ago']);
    await changes(other, () => update(other, 'Meanwhile'), titled('Meanwhile'));
    await changes(slug, () => early.query('COMMIT'), titled('From long ago'));
    early.release();
  });

  test('a product of another slug is not found by the old one and is by the new one, which was known to be missing', async () => {
    const [one, two] = await twoHosts();
    const [slug, renamed] = [unusedSlug(), 'renamed-for-a-test'];
    for (const host of [one, two, one, two]) {
      assert.equal((await page(host, slug)).status, 200);
      assert.equal((await page(host, renamed)).status, 404);
    }
    const rename = () => database.query('UPDATE product SET slug = $2 WHERE slug = $1', [slug, renamed]);
    await changes(renamed, rename, ({ status }) => status === 200);
    await changes(
      slug,
      async () => {},
      ({ status }) => status === 404,
    );
  });

  test('a committed change shows within the bound also where memory has forgotten and pages come from Redis', async () => {
    await twoHosts(forgetful);
    await fifteenChanges();
  });

  test('Redis flushed, and killed and started again, between edits: no page is older than the bound', async () => {
    await twoHosts(forgetful);
    const slug = unusedSlug();
    await changes(slug, () => update(slug, 'Before'), titled('Before'));
    await changes(slug, () => Promise.all([update(slug, 'Flushed'), admin.flushall()]), titled('Flushed'));
    await Promise.all(hosts.map(redisIsUsed));
    process.kill(redis.process.pid, 'SIGKILL');
    await redis.exited;
    await changes(slug, () => update(slug, 'Killed'), titled('Killed'));
    redis = await startRedis({ port: redis.port });
    await changes(slug, () => update(slug, 'Started'), titled('Started'));
    await Promise.all(hosts.map(redisIsUsed));
    await changes(slug, () => update(slug, 'Used again'), titled('Used again'));
  });

  // Leases outlast whatever these tests take, and so do all deadlines and the bound.
  const patient = {
    ...forgetful,
    STALENESS_MS: '60000',
    LEASE_MS: '60000',
    DATABASE_TIMEOUT_MS: '30000',
    REDIS_TIMEOUT_MS: '1900',
    NEGATIVE_TTL_MS: '60000',
    DATABASE_POOL_MAX: '5',
  };

  /** Asks for one slug 1,000 times, and lets it be read when all these requests are there. */
  async function ask1000Times(slug: string): Promise<Answer[]> {
    const before = await pageReads();
    const held = await holdPages();
    const early: string[] = [];
    const asked = hosts.flatMap((host) => Array.from({ length: 500 }, () => page(host, slug)));
    for (const answer of asked)
      answer.then(
        (answer) => early.push(cacheStatus(answer)),
        (error) => early.push(String(error)),
      );
    const answers = Promise.all(asked);
    try {
      await eventually('all requests are there', 30_000, async () => {
        const active = await Promise.all(hosts.map(activeRequests));
        assert.deepEqual([...new Set(early)], [], 'none is answered before the page can be read');
        assert.deepEqual(active, [500, 500]);
        return true;
      });
      assert.equal(await held.waiting(), 1, 'one of the workers reads the page');
    } finally {
      await held.release();
    }
    const answered = await answers;
    assert.equal((await pageReads()) - before, 1);
    return answered;
  }

  test('1,000 requests for a cold page, on four workers of two hosts, read it from Postgres once', async () => {
    await twoHosts(patient);
    const answers = await ask1000Times(unusedSlug());
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
    assert.equal(new Set(answers.map(({ body }) => body)).size, 1);
  });

  test('so do 1,000 requests for a page that has expired everywhere', async () => {
    const [one, two] = await twoHosts(patient);
    const slug = unusedSlug();
    for (const host of [one, two, one, two]) assert.equal((await page(host, slug)).status, 200);
    const [key = ''] = await admin.keys(`*:${slug}`);
    // In Redis its time is over at once; in memory by itself.
    assert.equal(await admin.pexpire(key, 1), 1);
    await sleep(memoryTtlMs);
    const answers = await ask1000Times(slug);
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
    assert.equal(new Set(answers.map(({ body }) => body)).size, 1);
  });

  test('so do 1,000 requests for a slug that does not exist', async () => {
    await twoHosts(patient);
    const answers = await ask1000Times('nobody-has-this-slug');
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([404]));
  });

  test('a worker that is killed while it reads a page delays the others by LEASE_MS at most', async () => {
    const leaseMs = 2000;
    const [one, two] = await twoHosts({
      WORKERS: '1',
      LEASE_MS: String(leaseMs),
      DATABASE_TIMEOUT_MS: '20000',
      REDIS_TIMEOUT_MS: '1900',
    });
    const slug = unusedSlug();
    const held = await holdPages();
    try {
      const lost = page(one, slug);
      lost.catch(() => {});
      await eventually('its worker reads the page', leaseMs, async () => (await held.waiting()) === 1);
      const waits = page(two, slug);
      process.kill(worker(one), 'SIGKILL');
      await assert.rejects(lost);
      assert.equal(await held.waiting(), 1, 'the other waits for it');
      await held.release();
      const { status, durationMs } = await waits;
      assert.equal(status, 200);
      assert.ok(durationMs < leaseMs + graceMs, `${durationMs} ms`);
    } finally {
      await held.release();
    }
  });

  test('a stopped Redis costs three requests of a worker their wait, and then none; edits made meanwhile show, also after it', async () => {
    const [one, two] = await twoHosts({ ...forgetful, WORKERS: '1', REDIS_TIMEOUT_MS: '500' });
    const slug = unusedSlug();
    const cold = Array.from({ length: 12 }, unusedSlug);
    await changes(slug, () => update(slug, 'Before'), titled('Before'));
    process.kill(redis.process.pid, 'SIGSTOP');
    try {
      const ways: string[] = [];
      for (const slug of cold) {
        const answer = await page(one, slug);
        assert.equal(answer.status, 200);
        ways.push(cacheStatus(answer).split(',')[0] ?? '');
      }
      const failed = Array<string>(3).fill('frontshelf-redis; fwd=miss; detail=unavailable');
      const passedBy = Array<string>(cold.length - 3).fill('frontshelf-redis; fwd=bypass');
      assert.deepEqual(ways, [...failed, ...passedBy]);
      await changes(slug, () => update(slug, 'Meanwhile'), titled('Meanwhile'));
      for (const host of [one, two]) assert.equal((await page(host, cold[0] ?? '')).status, 200);
      await changes(
        slug,
        async () => {
          await update(slug, 'At last');
          process.kill(redis.process.pid, 'SIGCONT');
        },
        titled('At last'),
      );
    } finally {
      process.kill(redis.process.pid, 'SIGCONT');
    }
    await Promise.all([one, two].map(redisIsUsed));
    await changes(slug, async () => {}, titled('At last'));
  });

  test('a worker that stood still (SIGSTOP) answers with nothing older than the bound when it goes on', async () => {
    const [one] = await twoHosts({ WORKERS: '1' });
    const slug = unusedSlug();
    await changes(slug, () => update(slug, 'Before'), titled('Before'));
    for (let i = 0; i < 3; i++) {
      const title = `While it stood still ${i}`;
      assert.equal(cacheStatus(await page(one, slug)), 'frontshelf-memory; hit');
      const pid = worker(one);
      process.kill(pid, 'SIGSTOP');
      try {
        await update(slug, title);
        await sleep(1000);
      } finally {
        // Requests are there before it goes on.
        const answers = Array.from({ length: 5 }, () => page(one, slug));
        await sleep(50);
        process.kill(pid, 'SIGCONT');
        for (const answer of await Promise.all(answers))
          assert.ok(
            titled(title)(answer) || cacheStatus(answer).includes('detail=stale'),
            `${cacheStatus(answer)} ${JSON.parse(answer.body).title}`,
          );
      }
      await changes(slug, async () => {}, titled(title));
    }
  });
});
