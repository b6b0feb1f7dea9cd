/** Products that are asked for by name together, before the server as its users run it, and its real Postgres and Redis. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import pg from 'pg';
import { eventually } from '../cache/eventually.ts';
import { type FaultProxy, redisCommands, startFaultProxy } from '../local/fault-proxy.ts';
import { createTestDatabase, type TestDatabase } from '../sql/testing.ts';
import { get } from './keep-alive-clients.ts';
import { type ServerProcess, startServer } from './server-process.ts';

const products = 60;
const url = process.env.TEST_REDIS_URL;

suite('a batch', { skip: url === undefined && 'there is no Redis on this machine' }, () => {
  let database: TestDatabase;
  let owner: pg.Client;
  let slugs: string[];

  before(async () => {
    database = await createTestDatabase({ products });
    owner = new pg.Client({ connectionString: database.ownerUrl });
    await owner.connect();
    const { rows } = await owner.query<{ slug: string }>('SELECT slug FROM product ORDER BY id');
    slugs = rows.map(({ slug }) => slug);
  });
  after(async () => {
    await owner?.end();
    await database?.drop();
  });

  const start = (redisUrl: string) =>
    startServer({
      DATABASE_URL: database.readerUrl,
      REDIS_URL: redisUrl,
      REDIS_TIMEOUT_MS: '1500',
      WORKERS: '1',
    });

  async function batch(server: ServerProcess, named = slugs) {
    const { status, body, headers } = await get(`${server.url}/v1/products?slugs=${named.join()}`);
    assert.equal(status, 200, body);
    const { items, unknown }: { items: { slug: string; title: string }[]; unknown: string[] } =
      JSON.parse(body);
    return { items, unknown, cacheStatus: headers['cache-status'] };
  }

  /** The metric's value once the worker has told of at least so much. */
  async function told(server: ServerProcess, series: string, atLeast: number): Promise<number> {
    let value = 0;
    await eventually(`${series} is told`, 5000, async () => {
      const { body } = await get(`${server.adminUrl}/metrics`);
      const line = body.split('\n').find((candidate) => candidate.startsWith(series)) ?? assert.fail(series);
      value = Number(line.split(' ').pop());
      return value >= atLeast;
    });
    return value;
  }
  const reads = (operation: string) =>
    `db_client_operation_duration_seconds_count{db_system_name="postgresql",db_operation_name="${operation}",error_type=""}`;

  /** Asks for a batch, and lets Redis answer its questions when all of them are asked. */
  async function batchAnsweredAtOnce(proxy: FaultProxy, server: ServerProcess, named: string[]) {
    const lookups = () =>
      proxy.conversations.flatMap(redisCommands).filter((name) => name === 'evalsha').length;
    const before = lookups();
    proxy.hold((_, from) => from === 'server');
    const asked = batch(server, named);
    await eventually('all are asked while none is answered', 5000, () => lookups() - before >= named.length);
    proxy.release();
    return asked;
  }

  test('costs Redis one round trip, and Postgres one statement or, where Redis takes its time, two', async () => {
    const { hostname, port } = new URL(url ?? '');
    const proxy = await startFaultProxy({ host: hostname, port: Number(port) });
    let server: ServerProcess | undefined;
    try {
      server = await start(`redis://127.0.0.1:${proxy.port}`);
      const { items, unknown, cacheStatus } = await batchAnsweredAtOnce(proxy, server, [...slugs, 'no-such']);
      assert.deepEqual(
        items.map(({ slug }) => slug),
        slugs,
      );
      assert.deepEqual(unknown, ['no-such']);
      assert.equal(cacheStatus, 'frontshelf-memory; fwd=miss');
      const statements =
        (await told(server, reads('product_pages'), 1)) + (await told(server, reads('product_page'), 0));
      assert.ok(statements <= 2, `${statements} statements`);
      assert.equal(await told(server, 'frontshelf_admission_wait_seconds_count', 1), statements);
      assert.equal((await batch(server)).cacheStatus, 'frontshelf-memory; hit');
    } finally {
      await server?.destroy();
      await proxy.close();
    }
  });

  test('shows what has been committed, as a single page does', async () => {
    const server = await start(url ?? '');
    try {
      await batch(server);
      const changed = slugs[7] ?? '';
      await owner.query('UPDATE product SET title = $2 WHERE slug = $1', [changed, 'Another title']);
      await eventually('the change shows', 5000, async () =>
        (await batch(server)).items.some(({ slug, title }) => slug === changed && title === 'Another title'),
      );
    } finally {
      await server.destroy();
    }
  });
});
