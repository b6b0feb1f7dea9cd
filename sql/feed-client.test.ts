import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import pg from 'pg';
import { eventually } from '../cache/eventually.ts';
import { type FaultProxy, startFaultProxy } from '../local/fault-proxy.ts';
import type { Changes } from './change-feed.ts';
import { DatabaseUnavailable } from './errors.ts';
import { createFeedClient, type FeedClient } from './feed-client.ts';
import { createTestDatabase, type TestDatabase } from './testing.ts';

const timeoutMs = 1000;
const soonMs = 10_000;

let database: TestDatabase;
let owner: pg.Pool;
let proxy: FaultProxy;
let client: FeedClient;
let wakeUps: number;
let isListening: boolean;

before(async () => {
  database = await createTestDatabase({ products: 10 });
  owner = new pg.Pool({ connectionString: database.superuserUrl });
  owner.on('error', () => {});
  const { hostname: host, port } = new URL(database.readerUrl);
  proxy = await startFaultProxy({ host, port: Number(port) });
});
after(async () => {
  await owner.end();
  await proxy.close();
  await database.drop();
});
afterEach(async () => {
  proxy.release();
  proxy.mend();
  await client.close();
});

async function start(): Promise<void> {
  wakeUps = 0;
  isListening = false;
  client = createFeedClient({
    connectionString: Object.assign(new URL(database.readerUrl), { port: String(proxy.port) }).href,
    timeoutMs,
    onWakeUp: () => void wakeUps++,
    onListening(is) {
      isListening = is;
    },
  });
  await eventually('it listens', soonMs, () => isListening);
}

const product = async (): Promise<{ id: string; slug: string }> => {
  const { rows } = await owner.query<{ id: string; slug: string }>('SELECT id, slug FROM product LIMIT 1');
  return rows[0] ?? assert.fail('There is no product.');
};
const change = async (): Promise<string> => {
  const { id, slug } = await product();
  await owner.query(`UPDATE product SET title = title || '.' WHERE id = $1`, [id]);
  return slug;
};
const keys = ({ changes, gap }: Changes) => ({ keys: changes.map(({ key }) => key), gap });

/** Ends its sessions of this name as Postgres does when it is told to. */
const terminate = (name: string) =>
  owner.query(
    'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1 AND datname = current_database()',
    [name],
  );

test('a commit that changed a page wakes it, and one that did not does not', async () => {
  await start();
  assert.equal(wakeUps, 1, 'once when it listens, for what was committed before');
  await owner.query('UPDATE product SET title = title');
  const { snapshot } = await client.changesSince(undefined);
  const slug = await change();
  await eventually('it is woken', soonMs, () => wakeUps === 2);
  assert.deepEqual(keys(await client.changesSince(snapshot)), { keys: [slug], gap: undefined });
  assert.equal(wakeUps, 2);
});

test('the first question finds where to begin, the next ones each change once', async () => {
  await start();
  const begin = await client.changesSince(undefined);
  assert.deepEqual(keys(begin), { keys: [], gap: undefined });
  const slug = await change();
  const next = await client.changesSince(begin.snapshot);
  assert.deepEqual(keys(next), { keys: [slug], gap: undefined });
  assert.deepEqual(keys(await client.changesSince(next.snapshot)), { keys: [], gap: undefined });
});

test('its session for questions ended by Postgres: one question fails, the next has what was missed', async () => {
  await start();
  const { snapshot } = await client.changesSince(undefined);
  await terminate('frontshelf-feed');
  const slug = await change();
  await assert.rejects(client.changesSince(snapshot), DatabaseUnavailable);
  assert.deepEqual(keys(await client.changesSince(snapshot)), { keys: [slug], gap: undefined });
});

test('its session for wake-ups ended by Postgres: it says so, listens again, and asks for what it may have missed', async () => {
  await start();
  await terminate('frontshelf-listen');
  await eventually('it is known', soonMs, () => !isListening);
  await eventually('it listens again', soonMs, () => isListening);
  assert.equal(wakeUps, 2);
  await change();
  await eventually('it is woken', soonMs, () => wakeUps === 3);
});

test('a connection for wake-ups on which nothing comes any more is noticed and made anew; questions go on meanwhile', async () => {
  await start();
  const { snapshot } = await client.changesSince(undefined);
  // The notification, and whatever comes after it on its connection.
  proxy.hold((piece, from) => from === 'server' && piece.includes('frontshelf_catalogue_change'));
  const slug = await change();
  await eventually('nothing has woken it, and it finds the change', soonMs, async () => {
    assert.equal(wakeUps, 1);
    return (await client.changesSince(snapshot)).changes.some(({ key }) => key === slug);
  });
  // A ping each 2 s, which is given up after the deadline.
  await eventually('it is known that it cannot be woken', soonMs, () => !isListening);
  proxy.release();
  await eventually('it listens again', soonMs, () => isListening);
  await change();
  await eventually('it is woken', soonMs, () => wakeUps >= 3);
});

test('behind a black hole a question fails within its deadline, and the next one after that has an answer', async () => {
  await start();
  const { snapshot } = await client.changesSince(undefined);
  proxy.hold();
  for (let i = 0; i < 2; i++) {
    const askedAtMs = performance.now();
    await assert.rejects(client.changesSince(snapshot));
    assert.ok(performance.now() - askedAtMs < 3 * timeoutMs, 'a connection and an answer are waited for');
  }
  proxy.release();
  const slug = await change();
  assert.deepEqual(keys(await client.changesSince(snapshot)), { keys: [slug], gap: undefined });
});

test('connections refused: questions fail at once; accepted again, all is well', async () => {
  await start();
  const { snapshot } = await client.changesSince(undefined);
  proxy.cut();
  await assert.rejects(client.changesSince(snapshot));
  await assert.rejects(client.changesSince(snapshot));
  await eventually('it is known that it cannot be woken', soonMs, () => !isListening);
  proxy.mend();
  assert.deepEqual(keys(await client.changesSince(snapshot)), { keys: [], gap: undefined });
  await eventually('it listens again', soonMs, () => isListening);
});

test('changes older than the retention are forgotten, by a role that can only read', async () => {
  await start();
  await change();
  assert.equal(await client.prune(60_000), 0);
  await owner.query(
    `UPDATE catalogue_change_horizon SET next_at = next_at - interval '2 minutes', next = pg_current_snapshot()`,
  );
  assert.ok((await client.prune(60_000)) > 0);
});

test('closed, it leaves no connection behind, also when it was not connected yet', async () => {
  await start();
  await client.changesSince(undefined);
  await client.close();
  await eventually('its connections are closed', soonMs, () => proxy.openConnections === 0);
  proxy.hold();
  const early = createFeedClient({
    connectionString: Object.assign(new URL(database.readerUrl), { port: String(proxy.port) }).href,
    timeoutMs,
    onWakeUp: () => {},
    onListening: () => {},
  });
  await eventually('it connects', soonMs, () => proxy.openConnections > 0);
  await early.close();
  proxy.release();
  await eventually('its connection is closed', soonMs, () => proxy.openConnections === 0);
});
