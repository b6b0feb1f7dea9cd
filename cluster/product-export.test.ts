/** Exports of the server as its users run it, while what is around them changes or fails. Its Postgres is this file's own. */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { get as httpGet, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { eventually } from '../cache/eventually.ts';
import { freePort } from '../local/ports.ts';
import { type Postgres, startPostgres } from '../local/postgres.ts';
import { createTestDatabase, type TestDatabase } from '../sql/testing.ts';
import { get } from './keep-alive-clients.ts';
import { childrenOf, type ServerProcess, startServer } from './server-process.ts';

/** More than the kernel holds for a client that does not read: the rest is read later. */
const products = 4000;
/** One that takes longer is given up, and is not complete. */
const longestMs = 60_000;
const folder = mkdtempSync(join(tmpdir(), 'frontshelf-export-'));
const postgresOptions = { dataDir: join(folder, 'postgres'), password: 'test', settings: { fsync: 'off' } };
let postgres: Postgres;
let database: TestDatabase;
let server: ServerProcess;
const takings: Taking[] = [];

before(async () => {
  chmodSync(folder, 0o755);
  postgres = await startPostgres(postgresOptions);
  database = await createTestDatabase({ server: postgres.url, products });
  server = await startServer({
    DATABASE_URL: database.readerUrl,
    WORKERS: '1',
    // One that stays when the only worker is replaced.
    PORT: String(await freePort()),
  });
});
after(async () => {
  await server?.destroy();
  await postgres?.stop('immediate');
  rmSync(folder, { recursive: true, force: true });
});
afterEach(() => {
  for (const taking of takings.splice(0)) taking.leave();
});

/** As the superuser. */
async function query(sql: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(database.superuserUrl);
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query(sql, values)).rows;
  } finally {
    await client.end();
  }
}

const gameIds = async () =>
  (await query('SELECT id FROM product WHERE parent_id IS NULL ORDER BY id')).map(({ id }) => Number(id));

interface Taking {
  /** Resolves when so many bytes have come, after which no more is taken; false: it was over before. */
  take(bytes: number): Promise<boolean>;
  /** Takes the rest. Resolves whether the end was an end. */
  rest(): Promise<boolean>;
  /** Those that came whole. */
  documents(): { id: number; title: string }[];
  leave(): void;
}

async function startTaking(cursor = 0): Promise<Taking> {
  const url = `${server.url}/v1/products.ndjson?cursor=${cursor}`;
  const response = await new Promise<IncomingMessage>((resolve, reject) =>
    httpGet(url, { agent: false, signal: AbortSignal.timeout(longestMs) }, resolve).on('error', reject),
  );
  assert.equal(response.statusCode, 200);
  const pieces: Buffer[] = [];
  let takenBytes = 0;
  let untilBytes = 0;
  let onTaken = () => {};
  const ended = new Promise<void>((resolve) => response.once('close', resolve));
  response.on('error', () => {});
  response.pause().on('data', (piece: Buffer) => {
    pieces.push(piece);
    takenBytes += piece.length;
    if (takenBytes < untilBytes) return;
    response.pause();
    onTaken();
  });
  const taking: Taking = {
    async take(bytes) {
      untilBytes = takenBytes + bytes;
      const taken = new Promise<true>((resolve) => {
        onTaken = () => resolve(true);
      });
      response.resume();
      return Promise.race([taken, ended.then(() => false)]);
    },
    async rest() {
      untilBytes = Number.POSITIVE_INFINITY;
      response.resume();
      await ended;
      return response.complete;
    },
    documents() {
      const lines = Buffer.concat(pieces).toString().split('\n');
      // What no line feed ends did not come whole.
      return lines.slice(0, -1).map((line) => JSON.parse(line));
    },
    leave: () => void response.destroy(),
  };
  takings.push(taking);
  return taking;
}

const idsOf = (taking: Taking) => taking.documents().map(({ id }) => id);

test('a client whose connection breaks within a line, again and again, has every game once', async () => {
  const ids: number[] = [];
  let isComplete = false;
  let breaks = 0;
  for (let bytes = 100_001; !isComplete; bytes += 700_001) {
    const taking = await startTaking(ids.at(-1));
    if (await taking.take(bytes)) {
      taking.leave();
      breaks++;
    } else isComplete = true;
    ids.push(...idsOf(taking));
  }
  assert.ok(breaks > 3, String(breaks));
  assert.deepEqual(ids, await gameIds());
});

test('a game that changes before its turn comes as it is then, one that is gone does not, one that is new does', async () => {
  const ids = await gameIds();
  const parents = new Set(
    (await query('SELECT DISTINCT parent_id FROM product')).map((row) => Number(row.parent_id)),
  );
  const last = ids.at(-1) ?? assert.fail();
  const gone = ids.slice(0, -1).findLast((id) => !parents.has(id)) ?? assert.fail();
  const added = last + products;
  const taking = await startTaking();
  await taking.take(1);

  await query('UPDATE product SET title = $1 WHERE id = $2', ['Another title', last]);
  await query('DELETE FROM product WHERE id = $1', [gone]);
  await query(
    'UPDATE product SET popularity_rank = -popularity_rank + 1 + (SELECT max(popularity_rank) FROM product)',
  );
  await query(
    `INSERT INTO product (id, slug, offer_type, title, short_description, description, popularity_rank)
      SELECT $1, 'added', 'game', 'Added', '', '', max(popularity_rank) + 1 FROM product`,
    [added],
  );
  assert.ok(await taking.rest());
  const documents = taking.documents();
  assert.deepEqual(
    documents.map(({ id }) => id),
    [...ids.filter((id) => id !== gone), added],
  );
  assert.deepEqual(
    documents.slice(-2).map(({ title }) => title),
    ['Another title', 'Added'],
  );
});

test('a client that takes nothing for a while holds no transaction, and gets the rest when it goes on', async () => {
  const taking = await startTaking();
  await taking.take(1);
  const states = () =>
    query(`SELECT state, xact_start, backend_xmin FROM pg_stat_activity
      WHERE usename = 'frontshelf_reader' AND query LIKE '%LIMIT $2::bigint%'
        AND (state <> 'idle' OR xact_start IS NOT NULL OR backend_xmin IS NOT NULL)`);
  await eventually('it reads no more', 5000, async () => {
    for (let look = 0; look < 10; look++) {
      if ((await states()).length > 0) return false;
      await delay(20);
    }
    return true;
  });
  assert.ok(idsOf(taking).length < 100);
  assert.ok(await taking.rest());
  assert.deepEqual(idsOf(taking), await gameIds());
});

test('a Postgres that is stopped in the middle and comes back costs an export nothing but time', async () => {
  const taking = await startTaking();
  await taking.take(1);
  const { port } = postgres;
  await postgres.stop('immediate');
  const rest = taking.rest();
  // Long enough for it to come to where Postgres is needed.
  await delay(1000);
  postgres = await startPostgres({ ...postgresOptions, port });
  assert.ok(await rest);
  assert.deepEqual(idsOf(taking), await gameIds());
});

test('a worker that is killed in the middle leaves an export without an end, which the next one goes on with', async () => {
  const taking = await startTaking();
  await taking.take(1);
  const [worker] = childrenOf(server.pid);
  process.kill(worker ?? assert.fail(), 'SIGKILL');
  assert.equal(await taking.rest(), false);
  const ids = idsOf(taking);
  await eventually(
    'the next one serves',
    10_000,
    async () => (await get(`${server.url}/readyz`)).status === 200,
  );
  const next = await startTaking(ids.at(-1));
  assert.ok(await next.rest());
  assert.deepEqual([...ids, ...idsOf(next)], await gameIds());
});

test('a rolling restart lets an export come to its end within the time that a stopping worker has', async () => {
  const taking = await startTaking();
  await taking.take(1);
  const [old] = childrenOf(server.pid);
  server.kill('SIGHUP');
  await eventually('another worker is ready', 15_000, async () =>
    (await server.status()).workers.every(({ pid, state }) => pid !== old && state === 'ready'),
  );
  assert.ok(await taking.rest());
  assert.deepEqual(idsOf(taking), await gameIds());
});
