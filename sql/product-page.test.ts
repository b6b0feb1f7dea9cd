import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { createReaderPool } from './pool.ts';
import {
  planPageReads,
  productPageStatement,
  productPagesStatement,
  readProductPage,
  readProductPages,
} from './product-page.ts';
import { createTestDatabase, type TestDatabase } from './testing.ts';

let database: TestDatabase;
let pool: pg.Pool;
let owner: pg.Client;
before(async () => {
  database = await createTestDatabase({ products: 1000 });
  pool = createReaderPool({
    connectionString: database.readerUrl,
    max: 2,
    timeoutMs: 5000,
    applicationName: 'test',
    onError: () => {},
  });
  owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
});
after(async () => {
  await owner.end();
  await pool.end();
  await database.drop();
});

/** What a client gets, from a body of one character per byte. */
const parse = (body: string | null) => JSON.parse(Buffer.from(body ?? 'null', 'latin1').toString('utf8'));

const readParsed = async (slug: string, market?: string) =>
  parse((await readProductPage(pool, slug, market)).body);

async function insertProduct(
  slug: string,
  more: Readonly<Record<string, string | number>> = {},
): Promise<number> {
  const row = {
    slug,
    offer_type: 'game',
    title: 'Bare',
    short_description: '',
    description: '',
    popularity_rank: 1_000_000 + nextRank++,
    ...more,
  };
  const { rows } = await owner.query<{ id: string }>(
    `INSERT INTO product (${Object.keys(row)}) VALUES (${Object.keys(row).map((_, i) => `$${i + 1}`)}) RETURNING id`,
    Object.values(row),
  );
  return Number(rows[0]?.id);
}
let nextRank = 0;

test('a page of which nothing is known but its name has every module, as an empty list or null', async () => {
  const id = await insertProduct('bare');
  assert.equal(
    (await readProductPage(pool, 'bare')).body,
    `{"id":${id},"slug":"bare","title":"Bare","type":"game","shortDescription":"","description":"",` +
      '"rating":null,"trailer":null,"media":[],"genres":[],"features":[],"platforms":[],"developers":[],' +
      '"publishers":[],"releaseDate":null,"ageRating":null,"price":null,"refundType":null,"editions":[],' +
      '"addOns":[],"achievements":null,"critics":null,"polls":[],"reviews":null,"systemRequirements":[],' +
      '"languages":null,"socialLinks":[],"legalText":null}',
  );
});

test('a body is one character per byte of UTF-8', async () => {
  const title = 'Café 日本 ™ 🎮 "quoted" \\ \n';
  await insertProduct('unicode', { title });
  const { body } = await readProductPage(pool, 'unicode');
  assert.equal(parse(body).title, title);
  assert.ok(body !== null && /^[\0-\xff]*$/.test(body));
});

test('a page is written without a single space or line break between its tokens', async () => {
  const { rows } = await owner.query<{ slug: string }>(
    'SELECT slug FROM product ORDER BY popularity_rank LIMIT 50',
  );
  for (const { slug } of rows) {
    const { body } = await readProductPage(pool, slug);
    assert.doesNotMatch((body ?? ' ').replace(/"(?:[^"\\]|\\.)*"/g, '""'), /\s/);
  }
});

test('a missing page bears the snapshot in which it was missing', async () => {
  const missing = await readProductPage(pool, 'arrives-later');
  assert.equal(missing.body, null);
  await owner.query('BEGIN');
  await insertProduct('arrives-later');
  const { rows } = await owner.query<{ xid: string }>('SELECT pg_current_xact_id()::text AS xid');
  const meanwhile = await readProductPage(pool, 'arrives-later');
  await owner.query('COMMIT');
  const present = await readProductPage(pool, 'arrives-later');
  const seen = await Promise.all(
    [missing, meanwhile, present].map(async ({ snapshot }) => {
      const visible = await pool.query(
        'SELECT pg_visible_in_snapshot($1::xid8, $2::pg_snapshot) AS visible',
        [rows[0]?.xid, snapshot],
      );
      return visible.rows[0]?.visible;
    }),
  );
  assert.deepEqual([seen, meanwhile.body], [[false, false, true], null]);
  assert.notEqual(present.body, null);
});

test('reviews are the ten latest of all, with their time in UTC whatever the session says', async () => {
  const id = await insertProduct('reviewed');
  await owner.query(
    `INSERT INTO review (product_id, author, stars, title, body, created_at, updated_at)
    SELECT $1, 'A', 5, i::text, '', timestamptz '2026-01-01T12:00:00+09:00' + i * interval '1 day', now()
    FROM generate_series(1, 12) i`,
    [id],
  );
  const client = new pg.Client({ connectionString: database.readerUrl, options: '-c TimeZone=Asia/Tokyo' });
  await client.connect();
  try {
    const { reviews } = parse((await readProductPage(client, 'reviewed')).body);
    assert.equal(reviews.count, 12);
    assert.deepEqual(
      reviews.latest.map(({ title }: { title: string }) => title),
      ['12', '11', '10', '9', '8', '7', '6', '5', '4', '3'],
    );
    assert.equal(reviews.latest[0].createdAt, '2026-01-13T03:00:00Z');
  } finally {
    await client.end();
  }
});

test('a price is of the market that is asked for, and its discount is never overstated', async () => {
  const id = await insertProduct('priced');
  await owner.query(
    `INSERT INTO price VALUES
      ($1, 'US', 2999, 2000, '2026-12-24T00:00:00Z'), ($1, 'JP', 0, 0, NULL), ($1, 'GB', 999, NULL, NULL)`,
    [id],
  );
  const prices = await Promise.all(
    ['US', 'JP', 'GB', 'XX'].map(async (m) => (await readParsed('priced', m)).price),
  );
  const none = { saleMinor: null, discountPercent: 0, saleEndsAt: null };
  assert.deepEqual(prices, [
    // 33.3 %
    {
      currency: 'USD',
      listMinor: 2999,
      saleMinor: 2000,
      discountPercent: 33,
      saleEndsAt: '2026-12-24T00:00:00Z',
    },
    { ...none, currency: 'JPY', listMinor: 0, saleMinor: 0 },
    { ...none, currency: 'GBP', listMinor: 999 },
    null,
  ]);
});

test('the verdict follows the average of the critics who gave a score', async () => {
  const scored = async (slug: string, scores: readonly (number | null)[]) => {
    const id = await insertProduct(slug);
    for (const [i, score] of scores.entries())
      await owner.query(
        `INSERT INTO critic_review
          (product_id, outlet_id, author, headline, quote, score, score_max, recommended, url, published_on)
        VALUES ($1, $2, '', '', '', $3::numeric, CASE WHEN $3::numeric IS NOT NULL THEN 10 END, $3::numeric >= 7 IS TRUE, 'https://x.example', '2026-01-01')`,
        [id, i + 1, score],
      );
    const { average, recommendPercent, verdict } = (await readParsed(slug)).critics;
    return [average, recommendPercent, verdict];
  };
  assert.deepEqual(await scored('critics-1', [9, 8, null]), [85, 67, 'outstanding']);
  assert.deepEqual(await scored('critics-2', [7]), [70, 100, 'strong']);
  assert.deepEqual(await scored('critics-3', [5.5]), [55, 0, 'fair']);
  assert.deepEqual(await scored('critics-4', [2]), [20, 0, 'weak']);
  assert.deepEqual(await scored('critics-5', [null]), [null, 0, null]);
});

test('editions and add-ons are on the page of their game, the popular first', async () => {
  const id = await insertProduct('parent');
  for (const [slug, type] of [
    ['e-2', 'edition'],
    ['e-1', 'edition'],
    ['a-1', 'add-on'],
  ] as const)
    await insertProduct(slug, {
      parent_id: id,
      offer_type: type,
      popularity_rank: slug === 'e-1' ? 5_000_000 : 5_000_001 + nextRank++,
    });
  const { editions, addOns } = await readParsed('parent');
  const slugs = (cards: { slug: string }[]) => cards.map(({ slug }) => slug);
  assert.deepEqual([slugs(editions), slugs(addOns)], [['e-1', 'e-2'], ['a-1']]);
  assert.deepEqual(editions[0], {
    slug: 'e-1',
    title: 'Bare',
    shortDescription: '',
    image: null,
    price: null,
  });
});

test('a page is read through indexes alone, but for what all pages share', async () => {
  // The small tables of names and codes that every page draws on.
  const shared = /^(tag|market|refund_type|company|language|outlet|poll|age_rating|age_descriptor)$/;
  const client = new pg.Client({
    connectionString: database.readerUrl,
    options: '-c plan_cache_mode=force_generic_plan',
  });
  await client.connect();
  try {
    await client.query(`PREPARE page AS ${productPageStatement}`);
    const { rows } = await client.query("EXPLAIN (COSTS OFF) EXECUTE page ('any', 'US')");
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
    const scanned = [...plan.matchAll(/(?:Seq|Bitmap Heap) Scan on (\w+)/g)].map(([, table]) => table);
    assert.deepEqual(
      scanned.filter((table) => !shared.test(table ?? '')),
      [],
    );
    assert.match(plan, /Index Scan using product_slug_key on product p/);
  } finally {
    await client.end();
  }
});

test('pages that are read together are those that are read alone, of one snapshot, and read by the same indexes', async () => {
  const { rows } = await owner.query<{ slug: string }>('SELECT slug FROM product ORDER BY id LIMIT 20');
  const slugs = [...rows.map(({ slug }) => slug), 'no-such-product'];
  const pages = await readProductPages(pool, slugs);
  assert.deepEqual([...pages.keys()].toSorted(), slugs.toSorted());
  for (const slug of slugs)
    assert.equal(pages.get(slug)?.body, (await readProductPage(pool, slug)).body, slug);
  assert.equal(new Set([...pages.values()].map(({ snapshot }) => snapshot)).size, 1);

  const client = await pool.connect();
  try {
    await client.query(`PREPARE pages AS ${productPagesStatement}`);
    const { rows: lines } = await client.query("EXPLAIN (COSTS OFF) EXECUTE pages ('{a,b}', 'US')");
    const plan = lines.map((line) => line['QUERY PLAN']).join('\n');
    assert.match(plan, /Index Scan using product_slug_key on product p/);
    assert.doesNotMatch(plan, /Seq Scan on (?:product|media|review|achievement|price)\b/);
    await client.query('DEALLOCATE pages');
  } finally {
    client.release();
  }
});

test('connections have their plan before the first page is asked for', async () => {
  await planPageReads(pool, 2);
  const clients = await Promise.all([pool.connect(), pool.connect()]);
  try {
    for (const client of clients) {
      const { rows } = await client.query<{ executed: string }>(
        "SELECT generic_plans + custom_plans AS executed FROM pg_prepared_statements WHERE name = 'product-page'",
      );
      assert.ok(Number(rows[0]?.executed) > 0);
    }
  } finally {
    for (const client of clients) client.release();
  }
});
