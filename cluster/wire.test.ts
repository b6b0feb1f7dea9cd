/** What a request costs on the wire, counted between the server and a real Redis and Postgres. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import pg from 'pg';
import { eventually } from '../cache/eventually.ts';
import {
  type Conversation,
  type FaultProxy,
  postgresMessages,
  redisCommands,
  startFaultProxy,
} from '../local/fault-proxy.ts';
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
    // One connection to Postgres with the statement prepared, and one to Redis that knows the scripts, as it is after
    // a worker's first request.
    let strangers = 0;
    await eventually('Redis is used', 5000, async () => {
      const { headers } = await page(`stranger-${strangers++}`);
      return String(headers['cache-status']).startsWith('frontshelf-redis; fwd=uri-miss; stored');
    });
    await stored();
  });
  after(async () => {
    await server?.destroy();
    await redis?.close();
    await postgres?.close();
    await database?.drop();
  });

  /** Those of the worker; the primary follows the change log, and tells Redis of it, on its own. */
  const ofWorker = ({ conversations }: FaultProxy): Conversation[] =>
    conversations.filter(({ sent }) => !/frontshelf-(feed|listen)/.test(sent));
  const commands = () => ofWorker(redis).flatMap(redisCommands);
  const messages = () => ofWorker(postgres).flatMap(postgresMessages);
  const roundTrips = () => ofWorker(redis).reduce((sum, { roundTrips }) => sum + roundTrips, 0);
  const counts = () => ({
    commands: commands().length,
    messages: messages().length,
    roundTrips: roundTrips(),
  });
  const stored = () =>
    eventually('all that was sent to Redis is answered', 5000, () =>
      ofWorker(redis).every(({ awaitsAnswer }) => !awaitsAnswer),
    );
  const page = (slug = '') => get(`${server.url}/v1/products/${slug}`);

  test('a cold page costs one Redis round trip and one SQL statement, and then one store that nobody waits for', async () => {
    const before = counts();
    redis.hold((piece, from) => from === 'client' && piece.includes(`${slugs[1]}\n{`));
    try {
      const { status, headers } = await page(slugs[1]);
      assert.equal(status, 200);
      assert.equal(
        headers['cache-status'],
        'frontshelf-redis; fwd=uri-miss; stored, frontshelf-memory; fwd=uri-miss; stored',
      );
      await eventually('the store is sent', 5000, () => commands().length - before.commands >= 2);
      assert.equal(roundTrips() - before.roundTrips, 1, 'the page was there while the store was held back');
    } finally {
      redis.release();
    }
    await eventually('the store is answered', 5000, () => roundTrips() - before.roundTrips === 2);
    assert.deepEqual(commands().slice(before.commands), ['evalsha', 'evalsha']);
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

  test('an unknown slug costs what a page costs, and nothing while its absence is remembered', async () => {
    const before = counts();
    assert.equal((await page('no-such-product')).status, 404);
    await stored();
    assert.deepEqual(commands().slice(before.commands), ['evalsha', 'evalsha']);
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
    assert.deepEqual(commands().slice(before.commands), ['evalsha', 'evalsha']);
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
