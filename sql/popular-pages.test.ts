import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import pg from 'pg';
import { createReaderPool } from './pool.ts';
import { popularPages } from './popular-pages.ts';
import { readProductPage } from './product-page.ts';
import { createTestDatabase, type TestDatabase } from './testing.ts';

const timeoutMs = 500;
let database: TestDatabase;
let pool: pg.Pool;
before(async () => {
  database = await createTestDatabase({ products: 200 });
  pool = createReaderPool({
    connectionString: database.readerUrl,
    // One connection, so that one that was not given back in order would show.
    max: 1,
    timeoutMs,
    applicationName: 'test',
    onError: () => {},
  });
});
after(async () => {
  await pool.end();
  await database.drop();
});

async function ask(sql: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: database.superuserUrl });
  await client.connect();
  try {
    return (await client.query<[string]>({ text: sql, rowMode: 'array' })).rows.map(([value]) => value);
  } finally {
    await client.end();
  }
}

test('warm-up reads the most popular pages in order, each as a request would read it', async () => {
  const expected = await ask('SELECT slug FROM product ORDER BY popularity_rank LIMIT 120');
  const pages = await Array.fromAsync(popularPages(pool, { limit: 120, batch: 50 }));
  assert.deepEqual(
    pages.map(({ slug }) => slug),
    expected,
  );
  for (const { slug, body, snapshot } of pages.slice(0, 20))
    assert.deepEqual(await readProductPage(pool, slug), { body, snapshot });
});

test('asking for more pages than there are, or for none, ends well', async () => {
  assert.equal((await Array.fromAsync(popularPages(pool, { limit: 1000, batch: 100 }))).length, 200);
  assert.equal((await Array.fromAsync(popularPages(pool, { limit: 0 }))).length, 0);
});

test('leaving early gives the connection back with no transaction or cursor open', async () => {
  for await (const { slug } of popularPages(pool, { limit: 200, batch: 10 })) {
    assert.notEqual(slug, '');
    break;
  }
  const { rows } = await pool.query(
    'SELECT count(*)::integer AS portals FROM pg_cursors WHERE NOT is_holdable',
  );
  assert.equal(pool.totalCount, 1);
  // The statement that asks is in a portal itself.
  assert.ok(rows[0]?.portals <= 1);
  const states = await ask(
    "SELECT state FROM pg_stat_activity WHERE usename = 'frontshelf_reader' AND datname = current_database()",
  );
  assert.deepEqual(states, ['idle']);
});

test('a slow reader may take longer than a request may', async () => {
  let pages = 0;
  for await (const _ of popularPages(pool, { limit: 30, batch: 10 })) {
    if (pages++ % 10 === 0) await setTimeout(timeoutMs / 2);
  }
  assert.equal(pages, 30);
});

test('a connection that dies midway ends the warm-up, and only that', async () => {
  await assert.rejects(
    async () => {
      for await (const _ of popularPages(pool, { limit: 100, batch: 10 }))
        await ask(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'frontshelf_reader' AND datname = current_database()",
        );
    },
    { code: 'database_unavailable' },
  );
  assert.equal((await readProductPage(pool, 'nothing')).body, null);
});

test('a batch that does not come ends the warm-up at its time limit, and the connection is not used again', async () => {
  const writer = new pg.Client({ connectionString: database.ownerUrl });
  await writer.connect();
  try {
    await writer.query('BEGIN; LOCK TABLE review IN ACCESS EXCLUSIVE MODE');
    await assert.rejects(Array.fromAsync(popularPages(pool, { limit: 10, batchTimeoutMs: 50 })), {
      code: 'database_unavailable',
    });
  } finally {
    await writer.end();
  }
  assert.equal((await readProductPage(pool, 'nothing')).body, null);
});
