/** More reads of Postgres than it answers: a lock on a table that every page is made of, and a pool of one. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, afterEach, before, test } from 'node:test';
import pg from 'pg';
import { eventually } from '../cache/eventually.ts';
import { createTestDatabase, type TestDatabase } from '../sql/testing.ts';
import { type Answer, get } from './keep-alive-clients.ts';
import { type ServerProcess, startServer } from './server-process.ts';

/** Ten times the pool may wait. */
const queueLength = 10;

let database: TestDatabase;
let owner: pg.Client;
let server: ServerProcess;
let slugs: string[];

before(async () => {
  database = await createTestDatabase({ products: 200 });
  owner = new pg.Client(database.ownerUrl);
  await owner.connect();
  slugs = (await owner.query<{ slug: string }>('SELECT slug FROM product')).rows.map(({ slug }) => slug);
  server = await startServer({
    DATABASE_URL: database.readerUrl,
    DATABASE_POOL_MAX: '1',
    WORKERS: '1',
    MEMORY_TTL_MS: '2000',
    STALE_WHILE_REVALIDATE_MS: '0',
  });
});
after(async () => {
  await owner?.end();
  await server?.destroy();
  await database?.drop();
});
afterEach(() => owner.query('ROLLBACK'));

const lock = () => owner.query('BEGIN; LOCK TABLE rating_summary IN ACCESS EXCLUSIVE MODE');
const fresh = () => slugs.pop() ?? assert.fail('The catalogue of this test is too small.');
const page = (slug: string) => get(`${server.url}/v1/products/${slug}`);

async function metric(series: string): Promise<number> {
  const { body } = await get(`${server.adminUrl}/metrics`);
  const line = body.split('\n').find((line) => line.startsWith(`${series} `));
  return Number(line?.slice(line.lastIndexOf(' ')) ?? Number.NaN);
}

const shed = (reason: string) => metric(`frontshelf_requests_shed_total{reason="${reason}"}`);

function assertRefused({ status, headers, body }: Answer): void {
  assert.equal(status, 503);
  assert.match(String(headers['retry-after']), /^[123]$/);
  assert.equal(headers['cache-control'], 'no-store');
  assert.equal(JSON.parse(body).type, '/problems/temporarily-unavailable');
}

test('a read that finds no room is refused with Retry-After, while pages in memory are served', async () => {
  const hot = fresh();
  assert.equal((await page(hot)).status, 200);
  await lock();
  const before = (await shed('queue_full')) + (await shed('timeout'));
  // More than fit, all at once, as the queue is cut short when it has stood for a while.
  const answers = await Promise.all(
    Array.from({ length: 30 }, () => page(fresh())).concat(Array.from({ length: 10 }, () => page(hot))),
  );
  await owner.query('ROLLBACK');
  for (const answer of answers.slice(0, 30).filter(({ status }) => status !== 200)) assertRefused(answer);
  assert.deepEqual(
    answers.slice(30).map(({ status }) => status),
    Array.from({ length: 10 }, () => 200),
  );
  const refused = answers.filter(({ status }) => status === 503).length;
  assert.ok(refused >= 30 - 1 - queueLength, String(refused));
  await eventually(
    'they are counted',
    4000,
    async () => (await shed('queue_full')) + (await shed('timeout')) - before >= refused - 1,
  );
});

test('a page that is in memory, but past its time, is served as stale when it cannot be read anew', async () => {
  const old = fresh();
  assert.equal((await page(old)).status, 200);
  await new Promise((resolve) => setTimeout(resolve, 2100));
  await lock();
  const others = Array.from({ length: 20 }, () => page(fresh()));
  const { status, headers } = await page(old);
  assert.deepEqual(
    [status, headers['cache-status']],
    [200, 'frontshelf-memory; fwd=stale; detail=stale-if-error'],
  );
  await owner.query('ROLLBACK');
  await Promise.all(others);
});

test('a client that left while it waited costs Postgres nothing', async () => {
  const before = await shed('abandoned');
  await lock();
  const first = page(fresh());
  await eventually('it waits for the lock', 4000, async () => {
    const { rows } = await owner.query("SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'");
    return rows.length === 1;
  });
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  socket.write(`GET /v1/products/${fresh()} HTTP/1.1\r\nHost: shop.test\r\n\r\n`);
  await new Promise((resolve) => setTimeout(resolve, 50));
  socket.destroy();
  await new Promise((resolve) => setTimeout(resolve, 50));
  await owner.query('ROLLBACK');
  assert.equal((await first).status, 200);
  await eventually('it is known to have left', 4000, async () => (await shed('abandoned')) === before + 1);
});
