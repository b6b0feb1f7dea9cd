import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { startPostgres } from '../local/postgres.ts';
import { collectYoungGeneration } from '../local/young-generation.ts';
import { DatabaseUnavailable, failureKind } from './errors.ts';
import { createReaderPool } from './pool.ts';
import { readProductPage } from './product-page.ts';
import { createTestDatabase, type TestDatabase } from './testing.ts';

const folder = mkdtempSync(join(tmpdir(), 'frontshelf-pool-'));
let database: TestDatabase;
before(async () => {
  // For the user that Postgres runs as when the tests are root's.
  chmodSync(folder, 0o755);
  database = await createTestDatabase();
});
after(async () => {
  await database.drop();
  rmSync(folder, { recursive: true, force: true });
});

function poolOf(connectionString: string, timeoutMs = 2000): pg.Pool {
  return createReaderPool({
    connectionString,
    max: 2,
    timeoutMs,
    applicationName: 'test',
    onError: () => {},
  });
}

for (const login of ['owner', 'reader', 'superuser'] as const) {
  test(`the server can only read, and only what pages show, with the ${login}'s login`, async () => {
    const pool = poolOf(database[`${login}Url`]);
    const refused = (sql: string, code: string) => assert.rejects(pool.query(sql), { code }, sql);
    try {
      const { rows } = await pool.query(
        'SELECT current_user AS role, (SELECT count(*) FROM product) AS products',
      );
      assert.deepEqual(rows, [{ role: 'frontshelf_reader', products: '0' }]);
      const readOnly = '25006';
      const denied = '42501';
      await refused("INSERT INTO tag (group_name, slug, name) VALUES ('genre', 'x', 'x')", readOnly);
      await refused('SELECT * FROM schema_migration', denied);
      await refused('SELECT * FROM catalogue_seed', denied);
      // Being read-only is a default that a session may leave; having no right to write is not.
      const writable = (sql: string) => `BEGIN READ WRITE; ${sql}`;
      await refused(writable('DELETE FROM product'), denied);
      await refused(writable('CREATE TABLE mine ()'), denied);
      await refused(writable('CREATE TEMPORARY TABLE mine ()'), denied);
    } finally {
      await pool.end();
    }
  });
}

test('options in the URL are kept, and cannot undo the role', async () => {
  const url = new URL(database.ownerUrl);
  url.searchParams.set('options', '-c role=frontshelf_owner -c TimeZone=Asia/Tokyo');
  const pool = poolOf(url.href);
  try {
    const { rows } = await pool.query("SELECT current_user AS role, current_setting('TimeZone') AS zone");
    assert.deepEqual(rows, [{ role: 'frontshelf_reader', zone: 'Asia/Tokyo' }]);
  } finally {
    await pool.end();
  }
});

test('a locked table costs a request its time and no more, and nothing stays locked', async () => {
  const timeoutMs = 400;
  const pool = poolOf(database.readerUrl, timeoutMs);
  const writer = new pg.Client({ connectionString: database.ownerUrl });
  await writer.connect();
  try {
    await readProductPage(pool, 'nothing');
    await writer.query('BEGIN; LOCK TABLE product IN ACCESS EXCLUSIVE MODE');
    const startMs = performance.now();
    // More than the pool holds, so that some wait for a connection.
    const outcomes = await Promise.allSettled(
      Array.from({ length: 6 }, () => readProductPage(pool, 'nothing')),
    );
    assert.ok(performance.now() - startMs < timeoutMs + 200);
    for (const outcome of outcomes)
      assert.ok(outcome.status === 'rejected' && outcome.reason instanceof DatabaseUnavailable);
    await writer.query('ROLLBACK');
    assert.equal((await readProductPage(pool, 'nothing')).body, null);
  } finally {
    await writer.end();
    await pool.end();
  }
});

test('a Postgres that hangs costs a request its time, and its connection is not used again', async () => {
  const timeoutMs = 400;
  const pool = poolOf(database.readerUrl, timeoutMs);
  try {
    const { rows } = await pool.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    const pid = rows[0]?.pid ?? assert.fail();
    process.kill(pid, 'SIGSTOP');
    try {
      const startMs = performance.now();
      await assert.rejects(readProductPage(pool, 'nothing'), (error) => failureKind(error) === 'timeout');
      assert.ok(performance.now() - startMs < timeoutMs + 200);
      assert.equal(pool.totalCount, 0);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    assert.equal((await readProductPage(pool, 'nothing')).body, null);
  } finally {
    await pool.end();
  }
});

test('what was read is gone with the next collections of the young generation', async () => {
  const pool = poolOf(database.readerUrl);
  try {
    const read = async () => new WeakRef(await pool.query('SELECT 1'));
    await read();
    await collectYoungGeneration();
    const results = [await read(), await read()];
    // Of the last one the connection still knows.
    await read();
    await collectYoungGeneration();
    assert.deepEqual(
      results.map((result) => result.deref() === undefined),
      [true, true],
    );
  } finally {
    await pool.end();
  }
});

test('connections ended by the database, idle or in use, are replaced', async () => {
  const pool = poolOf(database.readerUrl);
  const owner = new pg.Client({ connectionString: database.superuserUrl });
  await owner.connect();
  try {
    const endAll = () =>
      owner.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'frontshelf_reader' AND datname = current_database()",
      );
    await readProductPage(pool, 'nothing');
    const died = new Promise((resolve) => pool.once('remove', resolve));
    await endAll();
    await died;
    await readProductPage(pool, 'nothing');
    const busy = assert.rejects(pool.query('SELECT pg_sleep(1)'), { code: '57P01' });
    await owner.query(`DO $$ BEGIN
      WHILE NOT EXISTS (SELECT FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(1)' AND datname = current_database()) LOOP
        PERFORM pg_stat_clear_snapshot();
      END LOOP;
    END $$`);
    await endAll();
    await busy;
    assert.equal((await readProductPage(pool, 'nothing')).body, null);
  } finally {
    await owner.end();
    await pool.end();
  }
});

test('a Postgres that stops is unavailable, and found again once it is back', async () => {
  const options = { dataDir: join(folder, 'data'), password: 'test' };
  const first = await startPostgres(options);
  const own = await createTestDatabase({ server: first.url });
  const pool = poolOf(own.readerUrl);
  try {
    await readProductPage(pool, 'nothing');
    await first.stop('immediate');
    await assert.rejects(readProductPage(pool, 'nothing'), { code: 'database_unavailable' });
    const second = await startPostgres({ ...options, port: first.port });
    try {
      assert.equal((await readProductPage(pool, 'nothing')).body, null);
    } finally {
      await pool.end();
      await second.stop();
    }
  } finally {
    await first.stop();
  }
});

test('a wrong statement is not taken for an unavailable database', async () => {
  const pool = new pg.Pool({ connectionString: database.superuserUrl.replace(/[^/]*$/, 'postgres') });
  try {
    await assert.rejects(readProductPage(pool, 'nothing'), { code: '42P01' });
  } finally {
    await pool.end();
  }
});
