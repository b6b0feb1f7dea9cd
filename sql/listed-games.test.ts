/** Whatever is written, by whomever and in whatever way: what lists and searches read says the same as what it is derived from. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import pg from 'pg';
import { createTestDatabase, type TestDatabase } from './testing.ts';

let database: TestDatabase;
let owner: pg.Client;
let other: pg.Client;
before(async () => {
  database = await createTestDatabase({ products: 100 });
  owner = await connect(database.ownerUrl);
  other = await connect(database.ownerUrl);
});
after(async () => {
  await owner.end();
  await other.end();
  await database.drop();
});

async function connect(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  return client;
}

/** Products whose derived rows are not what they should be, and words that are missing. */
async function differences(): Promise<unknown[]> {
  const { rows } = await owner.query(`
    SELECT 'listed_game', product_id::text FROM (
      (TABLE listed_game EXCEPT TABLE listed_game_source) UNION (TABLE listed_game_source EXCEPT TABLE listed_game)) x
    UNION SELECT 'game_text', product_id::text FROM (
      (TABLE game_text EXCEPT TABLE game_text_source) UNION (TABLE game_text_source EXCEPT TABLE game_text)) y
    UNION SELECT 'search_word', word FROM (TABLE search_word_source EXCEPT TABLE search_word) z`);
  return rows;
}

async function amount(sql: string): Promise<number> {
  const { rows } = await owner.query<{ n: number }>(`SELECT count(*)::integer AS n FROM ${sql}`);
  return rows[0]?.n ?? Number.NaN;
}

test('a seeded catalogue is listed', async () => {
  assert.equal(await amount('listed_game'), 40);
  assert.equal(await amount('game_text'), 40);
  assert.ok((await amount('search_word')) > 50);
  assert.deepEqual(await differences(), []);
});

/** Each changes something that lists or searches show. */
const writes: readonly string[] = [
  "UPDATE product SET title = 'Wholly Другое Title' WHERE id = 1",
  "UPDATE product SET description = 'unheard-of words', short_description = '' WHERE id IN (2, 3)",
  'UPDATE product SET release_date = NULL WHERE id = 1',
  "UPDATE product SET release_date = 'infinity' WHERE id = 2",
  'UPDATE product SET popularity_rank = popularity_rank + 1000',
  'UPDATE product SET popularity_rank = 81000 - popularity_rank',
  "UPDATE product SET parent_id = NULL, offer_type = 'game' WHERE id IN (9, 10)",
  "UPDATE product SET parent_id = 1, offer_type = 'edition' WHERE id = 9",
  'UPDATE price SET list_minor = list_minor + 7 WHERE product_id < 5',
  'UPDATE price SET sale_minor = list_minor / 2 WHERE product_id < 9',
  'UPDATE price SET sale_minor = NULL, sale_ends_at = NULL',
  'UPDATE price SET product_id = 1000 WHERE false',
  'DELETE FROM price WHERE product_id = 4',
  "INSERT INTO price (product_id, market_code, list_minor) VALUES (4, 'US', 5)",
  "UPDATE price SET market_code = 'GB' WHERE product_id = 4 AND market_code = 'US'",
  'UPDATE rating_summary SET n5 = n5 + 100000',
  'DELETE FROM rating_summary WHERE product_id IN (SELECT product_id FROM rating_summary LIMIT 5)',
  'INSERT INTO product_tag SELECT 1, id FROM tag ON CONFLICT DO NOTHING',
  'DELETE FROM product_tag WHERE product_id IN (1, 2, 9)',
  'INSERT INTO product_company SELECT 5, role, company_id, 9 FROM product_company WHERE product_id = 6 ON CONFLICT DO NOTHING',
  'DELETE FROM product_company WHERE product_id = 6',
  "UPDATE company SET name = name || ' of Ljubljana'",
  "INSERT INTO company (name) VALUES ('Unpublished Hrvatska')",
  `WITH made AS (INSERT INTO product (slug, offer_type, title, short_description, description, popularity_rank)
    VALUES ('made', 'game', 'Made''s ™ Ünique', '', '', 999999) RETURNING id)
    INSERT INTO rating_summary (product_id, n1, n2, n3, n4, n5) SELECT id, 0, 0, 0, 0, 1 FROM made WHERE false`,
  "UPDATE product SET id = 5000 WHERE slug = 'made'",
  "DELETE FROM product WHERE slug = 'made'",
  `UPDATE product SET title = repeat('endless', 1000), description = repeat('word ', 300000) WHERE id = 1`,
  'TRUNCATE product_tag',
  'TRUNCATE price',
  'TRUNCATE rating_summary',
];

test('every kind of write is followed, in its own transaction', async () => {
  for (const write of writes) {
    await owner.query(write);
    assert.deepEqual(await differences(), [], write);
  }
});

test('so is one in a replication session, where foreign keys do nothing', async () => {
  const superuser = await connect(database.superuserUrl);
  try {
    await superuser.query('SET session_replication_role = replica');
    for (const write of [
      "INSERT INTO price (product_id, market_code, list_minor) VALUES (900, 'US', 5)",
      "INSERT INTO product (id, slug, offer_type, title, short_description, description, popularity_rank) VALUES (900, 'replicated', 'game', 'Replicated', '', '', 900000)",
      'UPDATE price SET list_minor = 3 WHERE product_id = 900',
      'DELETE FROM product WHERE id = 900',
    ]) {
      await superuser.query(write);
      assert.deepEqual(await differences(), [], write);
    }
  } finally {
    await superuser.end();
  }
});

test('a write that changes nothing of it leaves the rows as they are', async () => {
  const versions = async () =>
    (
      await owner.query(
        'SELECT xmin, product_id FROM listed_game UNION ALL SELECT xmin, product_id FROM game_text ORDER BY 2',
      )
    ).rows;
  const before = await versions();
  await owner.query("UPDATE product SET legal_text = 'x', updated_at = now(), title = title");
  await owner.query("UPDATE company SET url = 'https://example.com'");
  await owner.query('UPDATE product_company SET position = position');
  assert.deepEqual(await versions(), before);
});

test('two who change the same game at once lose neither change', async () => {
  await owner.query('DELETE FROM product_tag WHERE product_id IN (7, 8)');
  for (const [first, second] of [
    ['INSERT INTO product_tag VALUES (7, 1)', 'INSERT INTO product_tag VALUES (7, 2)'],
    ["UPDATE product SET title = 'First' WHERE id = 7", 'INSERT INTO product_tag VALUES (7, 3)'],
    [
      "UPDATE product SET parent_id = 1, offer_type = 'edition' WHERE id = 8",
      'INSERT INTO product_tag VALUES (8, 2)',
    ],
    [
      "UPDATE product SET parent_id = NULL, offer_type = 'game' WHERE id = 8",
      'INSERT INTO product_tag VALUES (8, 3)',
    ],
    [
      "UPDATE company SET name = name || ' renamed'",
      "INSERT INTO product_company SELECT 7, 'developer', id, 1 FROM company LIMIT 1 ON CONFLICT DO NOTHING",
    ],
    [
      "INSERT INTO product_company SELECT 8, 'publisher', id, 1 FROM company LIMIT 1 ON CONFLICT DO NOTHING",
      "UPDATE company SET name = name || ' again'",
    ],
  ] as const) {
    await owner.query('BEGIN');
    await owner.query(first);
    const waiting = other.query(second);
    await owner.query('COMMIT');
    await waiting;
    assert.deepEqual(await differences(), [], `${first}; ${second}`);
  }
});

test('whatever is undone leaves nothing', async () => {
  await fc.assert(
    fc.asyncProperty(fc.subarray([...writes.slice(0, 12)]), async (some) => {
      await owner.query('BEGIN');
      for (const write of some) await owner.query(write);
      assert.deepEqual(await differences(), []);
      await owner.query('ROLLBACK');
      assert.deepEqual(await differences(), []);
    }),
    { numRuns: 10 },
  );
});

test('the server may read it and not write it', async () => {
  const reader = await connect(database.readerUrl);
  try {
    await reader.query('SELECT FROM listed_game, game_text, search_word LIMIT 1');
    await reader.query('SET default_transaction_read_only = off');
    for (const sql of [
      'DELETE FROM listed_game',
      'SELECT refresh_listed_games(ARRAY[1])',
      "SELECT learn_words(ARRAY['a'])",
    ])
      await assert.rejects(reader.query(sql), /permission denied/, sql);
  } finally {
    await reader.end();
  }
});

test('words are compared without case, accents, apostrophes and signs', async () => {
  const { rows } = await owner.query<{ words: string[] }>({
    text: 'SELECT search_words($1) AS words',
    values: ["Café™ ZÜRICH: Collector’s Ørland-2, l'Été! 東京 “x” … 🙂 "],
  });
  assert.deepEqual(rows[0]?.words, [
    'cafe',
    'zurich',
    'collectors',
    'orland',
    '2',
    'lete',
    '東京',
    'x',
    '🙂',
  ]);
});
