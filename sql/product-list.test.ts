import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { readProductList } from './product-list.ts';
import { createTestDatabase, type TestDatabase } from './testing.ts';

let database: TestDatabase;
let pool: pg.Pool;
before(async () => {
  database = await createTestDatabase({ products: 100 });
  pool = new pg.Pool({ connectionString: database.readerUrl });
});
after(async () => {
  await pool.end();
  await database.drop();
});

const parse = (items: string) => JSON.parse(Buffer.from(items, 'latin1').toString('utf8'));

test('walking the list shows every game once, the most popular first, and ends', async () => {
  const games = await new pg.Client(database.ownerUrl).connect().then(async (client) => {
    const { rows } = await client.query<{ slug: string }>(
      'SELECT slug FROM product WHERE parent_id IS NULL ORDER BY popularity_rank',
    );
    await client.end();
    return rows.map(({ slug }) => slug);
  });
  // Forty games: the last page is full, and none follows it.
  for (const limit of [1, 7, 20, 40, 41]) {
    const walked: string[] = [];
    let afterRank: number | null = 0;
    while (afterRank !== null) {
      const page: { items: string; nextRank: number | null } = await readProductList(pool, {
        afterRank,
        limit,
      });
      const items: { slug: string }[] = parse(page.items);
      assert.ok(items.length > 0 && items.length <= limit);
      walked.push(...items.map(({ slug }) => slug));
      afterRank = page.nextRank;
    }
    assert.deepEqual(walked, games);
  }
});

test('past the end the list is empty', async () => {
  assert.deepEqual(await readProductList(pool, { afterRank: 1_000_000, limit: 10 }), {
    items: '[]',
    nextRank: null,
  });
});

test('a card has what a list shows', async () => {
  const [card] = parse((await readProductList(pool, { afterRank: 0, limit: 1 })).items);
  assert.deepEqual(Object.keys(card), [
    'slug',
    'title',
    'type',
    'shortDescription',
    'image',
    'price',
    'rating',
    'releaseDate',
    'developers',
  ]);
});
