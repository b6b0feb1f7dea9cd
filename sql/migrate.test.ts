import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import { migrate } from './migrate.ts';
import { createTestDatabase, type TestDatabase } from './testing.ts';

let database: TestDatabase;
before(async () => {
  database = await createTestDatabase({ migrated: false });
});
after(() => database.drop());

const folder = mkdtempSync(join(tmpdir(), 'frontshelf-migrations-'));
after(() => rmSync(folder, { recursive: true }));
const folderUrl = pathToFileURL(`${folder}/`);
const write = (name: string, text: string) => writeFileSync(join(folder, name), text);

async function ask(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<[unknown]>({ text: sql, rowMode: 'array' });
    return rows.map(([value]) => value);
  } finally {
    await client.end();
  }
}

test('migrations are applied in order, once, also when two run at once', async () => {
  write('0001_a.sql', 'CREATE TABLE a (n integer); INSERT INTO a VALUES (1)');
  write('0002_b.sql', 'INSERT INTO a SELECT n + 1 FROM a');
  const both = await Promise.all([
    migrate(database.ownerUrl, () => {}, folderUrl),
    migrate(database.ownerUrl, () => {}, folderUrl),
  ]);
  assert.deepEqual(both.flat(), ['0001_a.sql', '0002_b.sql']);
  assert.deepEqual(await ask(database.ownerUrl, 'SELECT n FROM a ORDER BY n'), [1, 2]);
});

test('a migration that fails leaves nothing of itself, keeps those before it, and is named', async () => {
  write('0003_c.sql', 'CREATE TABLE c ()');
  write('0004_d.sql', 'CREATE TABLE d (); SELECT 1 / 0');
  await assert.rejects(
    migrate(database.ownerUrl, () => {}, folderUrl),
    /0004_d\.sql failed.*division by zero/,
  );
  assert.deepEqual(await ask(database.ownerUrl, "SELECT to_regclass('c')"), ['c']);
  assert.deepEqual(await ask(database.ownerUrl, "SELECT to_regclass('d')"), [null]);
  write('0004_d.sql', 'CREATE TABLE d ()');
  assert.deepEqual(await migrate(database.ownerUrl, () => {}, folderUrl), ['0004_d.sql']);
});

test('a migration that was changed after it was applied is refused', async () => {
  write('0002_b.sql', 'SELECT 1');
  await assert.rejects(
    migrate(database.ownerUrl, () => {}, folderUrl),
    /0002_b\.sql was changed after/,
  );
});

test('a database newer than the files is refused', async () => {
  write('0002_b.sql', 'INSERT INTO a SELECT n + 1 FROM a');
  rmSync(join(folder, '0004_d.sql'));
  await assert.rejects(
    migrate(database.ownerUrl, () => {}, folderUrl),
    /0004_d\.sql, which is newer/,
  );
});

test('a gap in the numbers is refused', async () => {
  write('0005_e.sql', 'SELECT 1');
  await assert.rejects(
    migrate(database.ownerUrl, () => {}, folderUrl),
    /0005_e\.sql should be named 0004_/,
  );
});

test('an owner that may not act as the reader is told what a superuser has to run, and that is enough', async () => {
  const other = await createTestDatabase();
  try {
    const role = `plain_${Math.random().toString(36).slice(2)}`;
    await ask(other.superuserUrl, `CREATE ROLE ${role} LOGIN PASSWORD 'test'`);
    await ask(other.superuserUrl, `CREATE DATABASE ${role} OWNER ${role}`);
    const url = Object.assign(new URL(other.ownerUrl), { username: role, pathname: role }).href;
    try {
      const message = await migrate(url).then(String, String);
      const statements = /let a superuser run: (.*)$/.exec(message)?.[1];
      assert.equal(statements, `GRANT frontshelf_reader TO ${role};`);
      await ask(other.superuserUrl, statements);
      assert.ok((await migrate(url)).length > 0);
    } finally {
      await ask(other.superuserUrl, `DROP DATABASE ${role} WITH (FORCE)`);
      await ask(other.superuserUrl, `DROP ROLE ${role}`);
    }
  } finally {
    await other.drop();
  }
});

test('every row that belongs to another is found through an index that begins with what it belongs to', async () => {
  const other = await createTestDatabase();
  try {
    const without = await ask(
      other.ownerUrl,
      `SELECT conrelid::regclass || '.' || a.attname FROM pg_constraint c
        JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
      WHERE contype = 'f' AND confrelid IN ('product'::regclass, 'media'::regclass)
        AND NOT EXISTS (SELECT FROM pg_index WHERE indrelid = conrelid AND indkey[0] = conkey[1])`,
    );
    assert.deepEqual(without, []);
  } finally {
    await other.drop();
  }
});

test('a database that cannot be reached is said in one sentence', async () => {
  await assert.rejects(migrate('postgres://nobody@127.0.0.1:1/none'), {
    message: 'The database cannot be reached: connect ECONNREFUSED 127.0.0.1:1',
  });
});
