/** What a request costs on the wire, counted between the server and a real Redis and Postgres. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import pg from 'pg';
import { eventually } from '../cache/eventually.ts';
import { type FaultProxy, postgresMessages, redisCommands, startFaultProxy } from '../cache/fault-proxy.ts';
import { createTestDatabase, type TestDatabase } from '../sql/testing.ts';
import { get } from './keep-alive-clients.ts';
import { type ServerProcess, startServer } from './server-process.ts';

const redisUrl = process.env.TEST_REDIS_URL;

suite('on the wire', { skip: redisUrl === undefined && 'there is no Redis on this machine' }, () => {
  let database: TestDatabase;
  let redis: FaultProxy;
  let postgres: FaultProxy;
  let server: ServerProcess;
  let slugs: string[];

  before(async () => {
    database = await createTestDatabase({ products: 50 });
    const client = new pg.Client(database.ownerUrl);
    await client.connect();
    slugs = (await client.query<{ slug: string }>('SELECT slug FROM product ORDER BY id')).rows.map(
      ({ slug }) => slug,
    );
    await client.end();
    redis = await startFaultProxy(addressOf(redisUrl ?? ''));
    postgres = await startFaultProxy(addressOf(database.readerUrl));
    server = await startServer({
      DATABASE_URL: Object.assign(new URL(database.readerUrl), { port: String(postgres.port) }).href,
      REDIS_URL: `redis://127.0.0.1:${redis.port}`,
      // The machine may be busy with other tests; here it must not make a miss of an answer.
      REDIS_TIMEOUT_MS: '1900',
      WORKERS: '1',
    });
    // One connection to Postgres with the statement prepared, as it is after a worker's first request.
    await get(`${server.url}/v1/products/${slugs[0]}`);
    await stored();
  });
  after(async () => {
    await server?.destroy();
    await redis?.close();
    await postgres?.close();
    await database?.drop();
  });

  const commands = () => redis.conversations.flatMap(redisCommands);
  const messages = () => postgres.conversations.flatMap(postgresMessages);
  const roundTrips = (proxy: FaultProxy) =>
    proxy.conversations.reduce((sum, { roundTrips }) => sum + roundTrips, 0);
  const counts = () => ({
    commands: commands().length,
    messages: messages().length,
    roundTrips: roundTrips(redis),
  });
  const stored = () =>
    eventually('the page is stored', 5000, () => {
      return commands().at(-1) === 'set' && redis.conversations.every(({ awaitsAnswer }) => !awaitsAnswer);
    });
  const page = (slug = '') => get(`${server.url}/v1/products/${slug}`);

  test('a cold page costs one Redis round trip and one SQL statement, and then one store that nobody waits for', async () => {
    const before = counts();
    redis.hold((piece, from) => from === 'client' && piece.includes('\r\nset\r\n'));
    try {
      const { status, headers } = await page(slugs[1]);
      assert.equal(status, 200);
      assert.equal(
        headers['cache-status'],
        'frontshelf-redis; fwd=uri-miss; stored, frontshelf-memory; fwd=uri-miss; stored',
      );
      await eventually('the store is sent', 5000, () => commands().length - before.commands >= 2);
      assert.equal(
        roundTrips(redis) - before.roundTrips,
        1,
        'the page was there while the store was held back',
      );
    } finally {
      redis.release();
    }
    await eventually('the store is answered', 5000, () => roundTrips(redis) - before.roundTrips === 2);
    assert.deepEqual(commands().slice(before.commands), ['getrange', 'set']);
    const sent = messages().slice(before.messages);
    assert.deepEqual(
      sent,
      ['B', 'D', 'E', 'S'],
      'bind, describe, execute, sync: one execution of what was prepared',
    );
  });

  test('a page in memory costs neither', async () => {
    assert.equal((await page(slugs[2])).status, 200);
    await stored();
    const before = counts();
    for (let i = 0; i < 10; i++)
      assert.equal((await page(slugs[2])).headers['cache-status'], 'frontshelf-memory; hit');
    assert.deepEqual(counts(), before);
  });

  test('an unknown slug costs one round trip and one statement, and nothing while its absence is remembered', async () => {
    const before = counts();
    assert.equal((await page('no-such-product')).status, 404);
    assert.deepEqual(commands().slice(before.commands), ['getrange']);
    assert.equal(
      messages()
        .slice(before.messages)
        .filter((type) => type === 'E').length,
      1,
    );
    const once = counts();
    assert.equal((await page('no-such-product')).status, 404);
    assert.deepEqual(counts(), once);
  });

  test('a malformed slug costs neither', async () => {
    const before = counts();
    assert.equal((await page('No-Such-Product')).status, 400);
    assert.deepEqual(counts(), before);
  });

  test('a hundred requests at once for one cold page cost what one costs', async () => {
    const before = counts();
    const answers = await Promise.all(Array.from({ length: 100 }, () => page(slugs[3])));
    assert.ok(answers.every(({ status }) => status === 200));
    await stored();
    assert.deepEqual(commands().slice(before.commands), ['getrange', 'set']);
    assert.equal(
      messages()
        .slice(before.messages)
        .filter((type) => type === 'E').length,
      1,
    );
  });
});

function addressOf(url: string): { host: string; port: number } {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port) };
}
