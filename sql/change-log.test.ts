import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { readChanges } from './change-feed.ts';
import {
  createTestDatabase,
  differingPages,
  readAllPages,
  readPageTables,
  type TestDatabase,
} from './testing.ts';

let database: TestDatabase;
let owner: pg.Client;
let reader: pg.Client;
before(async () => {
  database = await createTestDatabase({ products: 20 });
  owner = await connect(database.ownerUrl);
  reader = await connect(database.readerUrl);
  // Two games, each with an edition, an add-on and all there can be on a page; nothing else refers to what they do.
  await owner.query(`
    INSERT INTO refund_type VALUES ('test', 'Test', NULL);
    INSERT INTO product (id, slug, parent_id, offer_type, title, short_description, description, popularity_rank,
      refund_type_code, legal_text)
    VALUES (101, 'game', NULL, 'game', 'G', '', '', 1001, 'test', ''), (102, 'edition', 101, 'edition', 'E', '', '', 1002, NULL, ''),
      (103, 'add-on', 101, 'add-on', 'A', '', '', 1003, NULL, ''), (104, 'other', NULL, 'game', 'O', '', '', 1004, NULL, '');
    INSERT INTO company (id, name) VALUES (1101, 'Company'), (1102, 'Other company');
    INSERT INTO tag (id, group_name, slug, name) VALUES (101, 'genre', 'test', 'Test'), (102, 'genre', 'other', 'Other');
    INSERT INTO language VALUES ('xx', 'Test');
    INSERT INTO outlet (id, name) VALUES (101, 'Outlet');
    INSERT INTO poll (id, question, emoji) VALUES (101, 'Test?', 'x');
    INSERT INTO age_rating (id, system, code, title, min_age) VALUES (101, 'ESRB', 'test', 'Test', 20);
    INSERT INTO age_descriptor (id, system, name) VALUES (101, 'ESRB', 'Test'), (102, 'ESRB', 'Second'), (103, 'ESRB', 'Third');
    INSERT INTO media (id, product_id, role, position, kind, url, alt, width, height) VALUES
      (1001, 101, 'card', 1, 'image', 'https://x', '', 1, 1), (1002, 102, 'card', 1, 'image', 'https://x', '', 1, 1),
      (1003, 102, 'gallery', 1, 'image', 'https://x', '', 1, 1), (1004, 104, 'trailer', 1, 'video', 'https://x', '', 1, 1);
    INSERT INTO media_variant SELECT id, 'avif', 100, 'https://x' FROM media WHERE id > 1000;
    INSERT INTO price VALUES (101, 'US', 100), (102, 'US', 200), (104, 'US', 300);
    INSERT INTO product_company VALUES (101, 'developer', 1101, 1), (102, 'publisher', 1101, 1);
    INSERT INTO product_tag VALUES (101, 101), (104, 101);
    INSERT INTO product_language VALUES (101, 'xx', true, true);
    INSERT INTO product_age_rating VALUES (101, 101);
    INSERT INTO product_age_descriptor VALUES (101, 101);
    INSERT INTO system_requirement VALUES (101, 'linux', 'minimum', 1, 'memory', '1 GB');
    INSERT INTO achievement (id, product_id, name, description, xp, tier, hidden, rarity_percent) VALUES
      (10001, 101, 'A', '', 1, 'gold', false, 1);
    INSERT INTO critic_review (id, product_id, outlet_id, author, headline, quote, recommended, url, published_on) VALUES
      (10001, 101, 101, '', '', '', true, 'https://x', '2026-01-01');
    INSERT INTO poll_result VALUES (101, 101, 5);
    INSERT INTO review (id, product_id, author, stars, title, body, created_at, updated_at) VALUES
      (10001, 101, '', 5, '', '', '2026-01-01', '2026-01-01');
    INSERT INTO rating_summary VALUES (101, 1, 2, 3, 4, 5);
    INSERT INTO social_link VALUES (101, 'x', 'https://x');`);
  pages = await readAllPages(owner);
});
after(async () => {
  await owner.end();
  await reader.end();
  await database.drop();
});

async function connect(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString });
  client.on('error', () => {});
  await client.connect();
  await client.query('SET jit = off');
  return client;
}

/** Commits statements, and returns the keys that they log. */
async function commit(statements: string, client = owner): Promise<string[]> {
  const { snapshot } = await readChanges(reader, undefined);
  try {
    await client.query(`BEGIN; ${statements}; COMMIT`);
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  }
  const { changes, gap } = await readChanges(reader, snapshot);
  assert.equal(gap, undefined);
  return changes.map(({ key }) => key).sort();
}

let pages: Map<string, string>;

/** Returns the slugs whose page is another than when this was last asked. */
async function changedPages(): Promise<string[]> {
  const earlier = pages;
  pages = await readAllPages(owner);
  return differingPages(earlier, pages);
}

/** Commits statements: exactly these pages change, and exactly these are logged. */
async function assertLogs(statements: string, slugs: readonly string[], client = owner): Promise<void> {
  const keys = await commit(statements, client);
  assert.deepEqual({ keys, pages: await changedPages() }, { keys: slugs, pages: slugs }, statements);
}

test('every table that a page is made of has the triggers of the change log', async () => {
  const expected = (await readPageTables(owner)).flatMap((table) =>
    ['log_delete', 'log_insert', 'log_truncate', 'log_update'].map((name) => `${table} ${name}`),
  );
  const found = async () =>
    (
      await owner.query<{ name: string }>(
        `SELECT tgrelid::regclass || ' ' || tgname AS name FROM pg_trigger
        WHERE tgname LIKE 'log\\_%' AND tgenabled IN ('A', 'R') ORDER BY 1`,
      )
    ).rows.map(({ name }) => name);
  assert.deepEqual(await found(), expected);
  assert.equal(expected.length, 4 * 25);
  await owner.query('BEGIN; DROP TRIGGER log_update ON price');
  assert.notDeepEqual(await found(), expected);
  await owner.query('ROLLBACK');
});

test('each kind of write to each table logs exactly the pages that it changes', async () => {
  for (const [statement = '', ...slugs] of [
    ["INSERT INTO achievement VALUES (20001, 101, 'N', '', 9, 'gold', false, 1)", 'game'],
    ["UPDATE achievement SET name = 'M' WHERE id = 20001", 'game'],
    ['UPDATE achievement SET product_id = 104 WHERE id = 20001', 'game', 'other'],
    ['DELETE FROM achievement WHERE id = 20001', 'other'],
    [
      "INSERT INTO critic_review VALUES (20001, 101, 101, '', '', '', 9, 10, true, 'https://x', '2026-01-01')",
      'game',
    ],
    ["UPDATE critic_review SET author = 'M' WHERE id = 20001", 'game'],
    ['DELETE FROM critic_review WHERE id = 20001', 'game'],
    ['INSERT INTO poll_result VALUES (104, 101, 7)', 'other'],
    ['UPDATE poll_result SET total = 8 WHERE product_id = 104', 'other'],
    ['DELETE FROM poll_result WHERE product_id = 104', 'other'],
    ["INSERT INTO price VALUES (103, 'JP', 7)", 'add-on', 'game'],
    ['UPDATE price SET list_minor = 8 WHERE product_id = 103', 'add-on', 'game'],
    ['DELETE FROM price WHERE product_id = 103', 'add-on', 'game'],
    ['INSERT INTO product_age_descriptor VALUES (101, 102)', 'game'],
    ['UPDATE product_age_descriptor SET age_descriptor_id = 103 WHERE age_descriptor_id = 102', 'game'],
    ['DELETE FROM product_age_descriptor WHERE age_descriptor_id = 103', 'game'],
    ['INSERT INTO product_age_rating VALUES (103, 101)', 'add-on'],
    ['UPDATE product_age_rating SET product_id = 102 WHERE product_id = 103', 'add-on', 'edition'],
    ['DELETE FROM product_age_rating WHERE product_id = 102', 'edition'],
    ["INSERT INTO product_company VALUES (101, 'publisher', 1102, 3)", 'game'],
    ["UPDATE product_company SET role = 'developer' WHERE company_id = 1102", 'game'],
    ['DELETE FROM product_company WHERE company_id = 1102', 'game'],
    ["INSERT INTO product_language VALUES (104, 'xx', false, true)", 'other'],
    ['UPDATE product_language SET audio = true WHERE product_id = 104', 'other'],
    ['DELETE FROM product_language WHERE product_id = 104', 'other'],
    ['INSERT INTO product_tag VALUES (103, 101)', 'add-on'],
    ['UPDATE product_tag SET tag_id = 102 WHERE product_id = 103', 'add-on'],
    ['DELETE FROM product_tag WHERE product_id = 103', 'add-on'],
    ['INSERT INTO rating_summary VALUES (102, 1, 1, 1, 1, 1)', 'edition'],
    ['UPDATE rating_summary SET n5 = 9 WHERE product_id = 102', 'edition'],
    ['DELETE FROM rating_summary WHERE product_id = 102', 'edition'],
    ["INSERT INTO review VALUES (20001, 101, 'N', 1, '', '', now(), now())", 'game'],
    ["UPDATE review SET body = 'M' WHERE id = 20001", 'game'],
    ['DELETE FROM review WHERE id = 20001', 'game'],
    ["INSERT INTO social_link VALUES (101, 'n', 'https://n')", 'game'],
    ["UPDATE social_link SET url = 'https://m' WHERE product_id = 101 AND network = 'n'", 'game'],
    ["DELETE FROM social_link WHERE product_id = 101 AND network = 'n'", 'game'],
    ["INSERT INTO system_requirement VALUES (102, 'linux', 'minimum', 1, 'storage', '1 GB')", 'edition'],
    ["UPDATE system_requirement SET value = '2 GB' WHERE product_id = 102", 'edition'],
    ['DELETE FROM system_requirement WHERE product_id = 102', 'edition'],
    ["INSERT INTO media VALUES (2000, 102, 'gallery', 2, 'image', 'https://n', '', 1, 1)", 'edition'],
    ["UPDATE media SET alt = 'M' WHERE id = 2000", 'edition'],
    ["INSERT INTO media_variant VALUES (2000, 'webp', 100, 'https://n')", 'edition'],
    ["UPDATE media_variant SET url = 'https://m' WHERE media_id = 2000", 'edition'],
    ['DELETE FROM media WHERE id = 2000', 'edition'],
    ["INSERT INTO media VALUES (2001, 103, 'card', 1, 'image', 'https://n', '', 1, 1)", 'add-on', 'game'],
    ["UPDATE media SET alt = 'M' WHERE id = 2001", 'add-on', 'game'],
    ["INSERT INTO media_variant VALUES (2001, 'webp', 100, 'https://n')", 'add-on', 'game'],
    ["UPDATE media_variant SET url = 'https://m' WHERE media_id = 2001", 'add-on', 'game'],
    ['DELETE FROM media_variant WHERE media_id = 2001', 'add-on', 'game'],
    ['UPDATE media SET product_id = 104 WHERE id = 2001', 'add-on', 'game', 'other'],
    ['DELETE FROM media WHERE id = 2001', 'other'],
    // Shared rows.
    ["UPDATE age_descriptor SET name = 'M' WHERE id = 101", 'game'],
    ["UPDATE age_rating SET title = 'M' WHERE id = 101", 'game'],
    ["UPDATE company SET url = 'https://m' WHERE id = 1101", 'edition', 'game'],
    ["UPDATE language SET name = 'M' WHERE code = 'xx'", 'game'],
    ["UPDATE outlet SET name = 'M' WHERE id = 101", 'game'],
    ["UPDATE poll SET emoji = 'M' WHERE id = 101", 'game'],
    ["UPDATE refund_type SET name = 'M' WHERE code = 'test'", 'game'],
    ["UPDATE tag SET name = 'M' WHERE id = 101", 'game', 'other'],
    // Products.
    ["UPDATE product SET description = 'M' WHERE id = 102", 'edition'],
    ["UPDATE product SET title = 'M' WHERE id = 102", 'edition', 'game'],
    ["UPDATE product SET slug = 'renamed' WHERE id = 102", 'edition', 'game', 'renamed'],
    ["UPDATE product SET slug = 'edition' WHERE id = 102", 'edition', 'game', 'renamed'],
    ["UPDATE product SET slug = 'renamed' WHERE id = 101", 'game', 'renamed'],
    ["UPDATE product SET slug = 'game' WHERE id = 101", 'game', 'renamed'],
    [
      "UPDATE product SET slug = slug || '-2' WHERE id IN (101, 102)",
      'edition',
      'edition-2',
      'game',
      'game-2',
    ],
    [
      'UPDATE product SET slug = left(slug, -2) WHERE id IN (101, 102)',
      'edition',
      'edition-2',
      'game',
      'game-2',
    ],
    ['UPDATE product SET parent_id = 104 WHERE id = 103', 'game', 'other'],
    ['UPDATE product SET parent_id = 101 WHERE id = 103', 'game', 'other'],
    ["UPDATE product SET offer_type = 'edition' WHERE id = 103", 'add-on', 'game'],
    ['UPDATE product SET popularity_rank = 900 WHERE id = 103', 'game'],
    [
      `INSERT INTO product VALUES (200, 'new', 101, 'add-on', 'N', '', '', NULL, NULL, NULL, NULL, 2000)`,
      'game',
      'new',
    ],
    ['UPDATE product SET id = 201 WHERE id = 200', 'new'],
    ['INSERT INTO rating_summary VALUES (201, 1, 1, 1, 1, 1)', 'new'],
    ['DELETE FROM product WHERE id = 201', 'game', 'new'],
    [
      `INSERT INTO product VALUES (200, 'new', NULL, 'game', 'N', '', '', NULL, NULL, NULL, NULL, 2000),
      (201, 'new-edition', 200, 'edition', 'N', '', '', NULL, NULL, NULL, NULL, 2001)`,
      'new',
      'new-edition',
    ],
    ['DELETE FROM product WHERE id IN (200, 201)', 'new', 'new-edition'],
  ])
    await assertLogs(statement, slugs);
});

test('each way to write logs exactly the pages that it changes', async () => {
  await assertLogs(
    `MERGE INTO price USING (VALUES (101, 'US'), (104, 'US'), (102, 'JP'), (103, 'GB')) v (id, market)
    ON product_id = id AND market_code = market
    WHEN MATCHED AND id = 101 THEN UPDATE SET list_minor = list_minor + 1
    WHEN MATCHED THEN DELETE
    WHEN NOT MATCHED AND id = 102 THEN INSERT VALUES (id, market, 1)
    WHEN NOT MATCHED THEN DO NOTHING`,
    ['edition', 'game', 'other'],
  );
  await assertLogs(
    `INSERT INTO price VALUES (104, 'US', 300), (101, 'US', 1)
    ON CONFLICT (product_id, market_code) DO UPDATE SET list_minor = excluded.list_minor`,
    ['game', 'other'],
  );
  await assertLogs(
    `WITH gone AS (DELETE FROM social_link WHERE product_id = 101 AND network = 'x' RETURNING *),
      moved AS (INSERT INTO social_link SELECT 104, network, url FROM gone)
    UPDATE rating_summary SET n1 = n1 + 1 WHERE product_id = 101`,
    ['game', 'other'],
  );
  await assertLogs(
    "INSERT INTO poll_result SELECT id, 101, 1 FROM product WHERE slug IN ('add-on', 'edition')",
    ['add-on', 'edition'],
  );
  await assertLogs(
    'DO $$ BEGIN FOR i IN 1..3 LOOP UPDATE poll_result SET total = total + 1 WHERE product_id = 103; END LOOP; END $$',
    ['add-on'],
  );
  await assertLogs(
    'DELETE FROM poll_result WHERE product_id = 102; SAVEPOINT s; DELETE FROM poll_result WHERE product_id = 103; ROLLBACK TO s',
    ['edition'],
  );
});

test('a session that skips triggers and foreign keys, as bulk loaders do, logs what it changes all the same', async () => {
  const loader = await connect(database.superuserUrl);
  try {
    await loader.query('SET session_replication_role = replica');
    for (const [statement = '', ...slugs] of [
      ['DELETE FROM poll_result WHERE product_id = 103', 'add-on'],
      ["INSERT INTO product_company VALUES (104, 'developer', 1199, 1)"],
      ["INSERT INTO company VALUES (1199, 'Later than what refers to it')", 'other'],
      ['DELETE FROM company WHERE id = 1199', 'other'],
    ]) {
      const keys = await commit(statement, loader);
      assert.deepEqual(await changedPages(), slugs, statement);
      assert.ok(
        slugs.every((slug) => keys.includes(slug)),
        `${statement} logs ${keys}`,
      );
    }
    await loader.query('DELETE FROM product_company WHERE company_id = 1199');
  } finally {
    await loader.end();
  }
});

test('COPY logs the pages of the rows that it adds', async () => {
  const { snapshot } = await readChanges(reader, undefined);
  await pipeline(
    Readable.from(['103\tn\thttps://n\n']),
    owner.query(copyFrom('COPY social_link FROM STDIN')),
  );
  const { changes } = await readChanges(reader, snapshot);
  assert.deepEqual(await changedPages(), ['add-on']);
  assert.deepEqual(
    changes.map(({ key }) => key),
    ['add-on'],
  );
});

test('what changes nothing on a page logs nothing', async () => {
  for (const statement of [
    'UPDATE product SET title = title',
    "UPDATE product SET updated_at = now(), accent_color = '#123456'",
    'UPDATE product SET popularity_rank = popularity_rank + 100000 WHERE parent_id IS NULL',
    'UPDATE price SET list_minor = list_minor',
    'UPDATE media SET role = role',
    'UPDATE media_variant SET url = url',
    'UPDATE company SET name = name',
    'UPDATE market SET currency = currency',
    'DELETE FROM review WHERE id < 0',
    "INSERT INTO price VALUES (101, 'US', 1) ON CONFLICT DO NOTHING",
    'INSERT INTO market SELECT * FROM market ON CONFLICT DO NOTHING',
    "INSERT INTO company (name) VALUES ('Newcomer')",
    "DELETE FROM company WHERE name = 'Newcomer'",
    'UPDATE price SET list_minor = 2 WHERE product_id = 101; UPDATE price SET list_minor = 3 WHERE product_id = 104; ROLLBACK; BEGIN',
  ])
    await assertLogs(statement, []);
});

test('what may change any page logs every page, in one row', async () => {
  for (const statement of [
    "UPDATE market SET currency = 'EUR' WHERE code = 'US'",
    "INSERT INTO market VALUES ('XX', 'EUR', 'PEGI')",
    "DELETE FROM market WHERE code = 'XX'",
    'TRUNCATE social_link',
    'TRUNCATE achievement, review; TRUNCATE poll_result',
    'TRUNCATE poll CASCADE',
  ])
    assert.deepEqual(await commit(statement), ['*'], statement);
  await changedPages();
});

test('a statement that changes more than 5,000 pages logs every page, and one of 5,000 each of them', async () => {
  const insert = (first: number, count: number) => `INSERT INTO product
    SELECT i, 'many-' || i, NULL, 'game', 'M', '', '', NULL, NULL, NULL, NULL, i FROM generate_series(${first}, ${first + count - 1}) i`;
  assert.equal((await commit(insert(10_000_000, 5000))).length, 5000);
  assert.deepEqual(await commit(insert(10_010_000, 5001)), ['*']);
  assert.deepEqual(await commit("DELETE FROM product WHERE title = 'M' AND id >= 10000000"), ['*']);
});

test('a role that may only write some tables writes the log with them, and nobody writes the log alone', async () => {
  const name = `editor_${Math.random().toString(36).slice(2)}`;
  const superuser = await connect(database.superuserUrl);
  await superuser.query(
    `CREATE ROLE ${name} LOGIN PASSWORD 'test'; GRANT SELECT, INSERT, UPDATE ON price, company, media_variant TO ${name}`,
  );
  const editor = await connect(Object.assign(new URL(database.ownerUrl), { username: name }).href);
  try {
    for (const [statement = '', ...slugs] of [
      ['UPDATE price SET list_minor = list_minor + 5 WHERE product_id = 102', 'edition', 'game'],
      ["UPDATE media_variant SET url = 'https://e' WHERE media_id = 1003", 'edition'],
      ["UPDATE company SET url = 'https://e' WHERE id = 1101", 'edition', 'game'],
    ])
      await assertLogs(statement, slugs, editor);
    for (const client of [editor, reader])
      for (const statement of [
        "INSERT INTO catalogue_change (key) VALUES ('*')",
        'DELETE FROM catalogue_change',
        'UPDATE catalogue_change_horizon SET pruned = next',
        "SELECT log_pages(NULL, keys => '{*}')",
        "CALL log_changes_of('price', 'log_product_rows')",
        'DELETE FROM price',
      ])
        await assert
          .rejects(client.query(`BEGIN READ WRITE; ${statement}; COMMIT`), { code: '42501' }, statement)
          .finally(() => client.query('ROLLBACK'));
  } finally {
    await editor.end();
    await superuser.query(`DROP OWNED BY ${name}; DROP ROLE ${name}`);
    await superuser.end();
  }
});
