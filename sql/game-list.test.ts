import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import pg from 'pg';
import {
  type GameFilters,
  type GameList,
  type GameListQuery,
  readGameList,
  readSuggestions,
} from './game-list.ts';
import { type Bounds, defaultBounds, gameOrders } from './game-statements.ts';
import { createReaderPool } from './pool.ts';
import { createTestDatabase, type TestDatabase } from './testing.ts';

let database: TestDatabase;
let pool: pg.Pool;
let owner: pg.Client;
before(async () => {
  database = await createTestDatabase({ products: 300 });
  pool = createReaderPool({
    connectionString: database.readerUrl,
    max: 2,
    timeoutMs: 20_000,
    applicationName: 'test',
    onError: () => {},
  });
  owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
  for (const query of [
    "UPDATE product SET title = 'Golden Crown' WHERE id = 1",
    "UPDATE product SET title = 'Golden Crown II' WHERE id = 2",
    "UPDATE product SET description = 'A crown of golden paper.' WHERE id = 3",
    // Ties and what has no value, in every order.
    'UPDATE price SET list_minor = 1999, sale_minor = NULL, sale_ends_at = NULL WHERE product_id BETWEEN 40 AND 90',
    'DELETE FROM price WHERE product_id BETWEEN 100 AND 110',
    "UPDATE product SET release_date = '2020-01-01' WHERE id BETWEEN 120 AND 160",
  ])
    await owner.query(query);
});
after(async () => {
  await owner.end();
  await pool.end();
  await database.drop();
});

interface Card {
  readonly slug: string;
  readonly title: string;
}
const parse = (text: string): Card[] => JSON.parse(Buffer.from(text, 'latin1').toString('utf8'));

const all = { filters: {}, sort: 'popularity', limit: 24, facets: false } as const satisfies GameListQuery;
const read = (query: Partial<GameListQuery>, bounds?: Bounds) =>
  readGameList(pool, { ...all, ...query }, bounds);

/** So low that every step is taken, and every list is too long for it. */
const low: Bounds = {
  walk: 3,
  scan: 10,
  textScan: 6,
  facets: 20,
  probe: { terms: 8, price: 8, release: 8, rating: 8, title: 4, text: 6 },
  guess: 8,
};
/** The same, with every filter that words or terms are found by thought to fit too much. */
const guessing: Bounds = { ...low, guess: 0 };

/** All that a query comes to, page by page. */
async function walkAll(query: Partial<GameListQuery>, bounds?: Bounds): Promise<string[]> {
  const slugs: string[] = [];
  let page: GameList;
  let after: GameListQuery['after'];
  let pages = 0;
  do {
    page = await read({ ...query, ...(after && { after }) }, bounds);
    const items = parse(page.items);
    assert.ok(items.length <= (query.limit ?? all.limit));
    slugs.push(...items.map(({ slug }) => slug));
    after = page.next ?? undefined;
    assert.ok(++pages < 400, 'it ends');
  } while (after);
  return slugs;
}

const day = (date: string) => `date '${date}'`;

/** What the filters mean, said once more over the tables that the catalogue consists of. */
function meaning(filters: GameFilters): string {
  const has = (group: string, slugs: readonly string[]) =>
    `EXISTS (SELECT FROM product_tag pt JOIN tag t ON t.id = pt.tag_id WHERE pt.product_id = p.id
      AND t.group_name = '${group}' AND t.slug IN (${slugs.map((slug) => `'${slug}'`)}))`;
  const by = (role: string, name: string) =>
    `EXISTS (SELECT FROM product_company pc JOIN company c ON c.id = pc.company_id WHERE pc.product_id = p.id
      AND pc.role = '${role}' AND c.name = '${name.replaceAll("'", "''")}')`;
  return [
    'p.parent_id IS NULL',
    ...(filters.genre ? [has('genre', filters.genre)] : []),
    ...(filters.feature ? [has('feature', filters.feature)] : []),
    ...(filters.platform ? [has('platform', filters.platform)] : []),
    ...(filters.developer ? [by('developer', filters.developer)] : []),
    ...(filters.publisher ? [by('publisher', filters.publisher)] : []),
    ...(filters.minPriceMinor === undefined
      ? []
      : [`coalesce(sale_minor, list_minor) >= ${filters.minPriceMinor}`]),
    ...(filters.maxPriceMinor === undefined
      ? []
      : [`coalesce(sale_minor, list_minor) <= ${filters.maxPriceMinor}`]),
    ...(filters.onSale ? ['sale_minor IS NOT NULL'] : []),
    ...(filters.releasedFrom ? [`release_date >= ${day(filters.releasedFrom)}`] : []),
    ...(filters.releasedTo ? [`release_date <= ${day(filters.releasedTo)}`] : []),
    ...(filters.minRating === undefined ? [] : [`average >= ${filters.minRating}`]),
  ].join(' AND ');
}

const meantOrders: Readonly<Record<string, string>> = {
  popularity: 'popularity_rank',
  '-releaseDate': 'release_date DESC NULLS LAST, popularity_rank',
  releaseDate: 'release_date NULLS LAST, popularity_rank',
  '-rating': 'average DESC NULLS LAST, popularity_rank',
  price: 'coalesce(sale_minor, list_minor) NULLS LAST, popularity_rank',
  '-price': 'coalesce(sale_minor, list_minor) DESC NULLS LAST, popularity_rank',
  title: 'array_to_string(search_words(title), \' \') COLLATE "C", popularity_rank',
  '-title': 'array_to_string(search_words(title), \' \') COLLATE "C" DESC, popularity_rank DESC',
};

async function meant(filters: GameFilters, sort: string): Promise<string[]> {
  const { rows } = await owner.query<{ slug: string }>(`SELECT slug FROM product p
    LEFT JOIN price pr ON pr.product_id = p.id AND market_code = 'US' LEFT JOIN rating_summary r ON r.product_id = p.id
    WHERE ${meaning(filters)} ORDER BY ${meantOrders[sort]}`);
  return rows.map(({ slug }) => slug);
}

async function companies(): Promise<string[]> {
  const { rows } = await owner.query<{ name: string }>(
    `SELECT DISTINCT name FROM company JOIN product_company ON company_id = id JOIN product p ON p.id = product_id
      WHERE parent_id IS NULL ORDER BY name LIMIT 10`,
  );
  return rows.map(({ name }) => name);
}

test('in every order each game comes once, in its place, with pages of any size and whatever the bounds', async () => {
  for (const sort of gameOrders) {
    const games = await meant({}, sort);
    assert.equal(games.length, 120);
    for (const limit of [1, 7, 60, 100])
      assert.deepEqual(await walkAll({ sort, limit }), games, `${sort} ${limit}`);
    assert.deepEqual(await walkAll({ sort, limit: 5 }, low), games, sort);
  }
});

test('any filters in any order give what they mean, whether there are few games or too many for each of the steps', async () => {
  const names = await companies();
  const tags = (...slugs: string[]) => fc.subarray(slugs, { minLength: 1 });
  const everyFilter = fc.record({
    genre: tags('action', 'rpg', 'horror', 'puzzle', 'no-such-genre'),
    feature: tags('co-op', 'single-player', 'vr'),
    platform: tags('windows', 'linux'),
    developer: fc.constantFrom(...names),
    publisher: fc.constantFrom(...names, 'Nobody'),
    minPriceMinor: fc.constantFrom(0, 1, 1999, 2000),
    maxPriceMinor: fc.constantFrom(0, 1998, 1999, 5000),
    onSale: fc.constant(true as const),
    releasedFrom: fc.constantFrom('2019-06-01', '2020-01-01', '2026-10-01'),
    releasedTo: fc.constantFrom('2020-01-01', '2026-10-30', '2030-01-01'),
    minRating: fc.constantFrom(1, 2.5, 3.57),
  });
  // All of them at once would leave no game.
  const filters = everyFilter.chain((every) =>
    fc.subarray(Object.entries(every), { maxLength: 4 }).map((some): GameFilters => Object.fromEntries(some)),
  );
  let found = 0;
  await fc.assert(
    fc.asyncProperty(
      filters,
      fc.constantFrom(...gameOrders),
      fc.constantFrom(3, 20, 100),
      async (some, sort, limit) => {
        const expected = await meant(some, sort);
        found += expected.length;
        assert.deepEqual(await walkAll({ filters: some, sort, limit }), expected);
        assert.deepEqual(await walkAll({ filters: some, sort, limit }, low), expected);
        assert.deepEqual(await walkAll({ filters: some, sort, limit }, guessing), expected);
      },
    ),
    { numRuns: 150 },
  );
  assert.ok(found > 500, 'the property has met games');
});

const titles = async (q: string, bounds?: Bounds) =>
  parse((await read({ q, sort: 'relevance', limit: 100 }, bounds)).items).map(({ title }) => title);

test('a search finds the title, then titles with all of the words, then what has them elsewhere, the most popular first', async () => {
  const found = await titles('golden crown');
  assert.deepEqual(found.slice(0, 2), ['Golden Crown', 'Golden Crown II']);
  const { rows } = await owner.query<{ title: string }>('SELECT title FROM product WHERE id = 3');
  assert.ok(found.slice(2).includes(rows[0]?.title ?? ''), 'the words are in a description');
  const { rows: company } = await owner.query<{ name: string; title: string }>(
    `SELECT name, title FROM company c JOIN product_company pc ON pc.company_id = c.id JOIN product p ON p.id = pc.product_id
      WHERE parent_id IS NULL AND c.name !~ '[^A-Za-z ]' ORDER BY p.id LIMIT 1`,
  );
  assert.ok((await titles(company[0]?.name ?? '')).includes(company[0]?.title ?? ''));
});

test('a search does not mind case, accents, word forms, unfinished and mistyped words', async () => {
  for (const q of [
    'GOLDEN CROWN',
    'gölden crówn',
    'golden cro',
    'goldn crown',
    'golden crwon',
    'glden crownn',
    'the golden crown',
  ])
    assert.ok((await titles(q)).slice(0, 3).includes('Golden Crown II'), q);
  assert.ok((await titles('papers crowns')).length > 0, 'word forms');
  const corrected = await read({ q: 'goldn crown', sort: 'relevance' });
  assert.equal(corrected.corrections, '[{"word":"goldn","to":["golden"]}]');
});

test('a search for nothing, or for what is nowhere, finds nothing', async () => {
  for (const q of ['!!!', '…', "'", '\\', ':*&|!()<->', 'qqqqzzzzxxxx', '%', "'; DROP TABLE product; --"])
    assert.deepEqual(
      await read({ q, sort: 'relevance', facets: true }),
      {
        items: '[]',
        next: null,
        facets: '{"counted":0,"isComplete":true,"genre":[],"feature":[],"platform":[],"onSale":0}',
        corrections: '[]',
      },
      q,
    );
});

test('whatever is searched for is an answer, and page by page it is the same with low bounds', async () => {
  const word = fc.oneof(
    fc.constantFrom(
      'golden',
      'crown',
      'the',
      'of',
      'cro',
      'lighthose',
      'games',
      '東京',
      'cafe',
      'play',
      'alone',
    ),
    fc
      .string({ unit: 'binary', maxLength: 12 })
      .filter((text) => text.isWellFormed() && !text.includes('\0')),
  );
  const q = fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => words.join(' '));
  await fc.assert(
    fc.asyncProperty(q, fc.constantFrom('relevance', 'title', '-rating'), async (text, sort) => {
      const whole = await walkAll({ q: text, sort, limit: 30 });
      assert.equal(new Set(whole).size, whole.length);
      assert.deepEqual(await walkAll({ q: text, sort, limit: 30 }, low), whole);
    }),
    { numRuns: 100 },
  );
});

test('suggestions are titles in which the words are, the last one unfinished, the most popular first', async () => {
  const suggest = async (q: string, limit = 5, bounds?: Bounds) =>
    parse(await readSuggestions(pool, { q, limit }, bounds));
  assert.deepEqual(
    (await suggest('golden cr'))
      .map(({ title }) => title)
      .slice(0, 2)
      .sort(),
    ['Golden Crown', 'Golden Crown II'],
  );
  assert.deepEqual(Object.keys((await suggest('g'))[0] ?? {}), ['slug', 'title']);
  assert.equal((await suggest('t', 3)).length, 3);
  for (const { title } of await suggest('the', 20)) assert.match(title, /\bthe/i);
  assert.deepEqual(await suggest('!'), []);
  assert.deepEqual(await suggest('golden cr', 5, { ...low, scan: 200 }), await suggest('golden cr'));
});

test('facets count the tags of all that fits, or say of how many they are', async () => {
  const of = async (filters: GameFilters, bounds?: Bounds) =>
    JSON.parse(
      Buffer.from((await read({ filters, facets: true }, bounds)).facets ?? '', 'latin1').toString(),
    );
  const whole = await of({ genre: ['rpg'] });
  assert.equal(whole.isComplete, true);
  assert.equal(whole.counted, (await meant({ genre: ['rpg'] }, 'popularity')).length);
  for (const { slug, count } of whole.feature)
    assert.equal(count, (await meant({ genre: ['rpg'], feature: [slug] }, 'popularity')).length);
  assert.equal(whole.onSale, (await meant({ genre: ['rpg'], onSale: true }, 'popularity')).length);
  const everything = await of({});
  assert.deepEqual([everything.counted, everything.isComplete], [120, true]);
  const some = await of({}, low);
  assert.equal(some.isComplete, false);
  assert.ok(some.counted <= low.facets && some.counted > 0);
  // Too many to be looked for: of the most popular games.
  const guessed = await of({ genre: ['rpg'] }, guessing);
  assert.equal(guessed.isComplete, false);
  assert.ok(guessed.counted > 0 && guessed.counted < whole.counted);
});

test('the bounds are such that a step can always go on', () => {
  assert.ok(
    defaultBounds.scan > defaultBounds.walk && defaultBounds.walk > 100 && defaultBounds.textScan > 100,
  );
});

test('a list that is gone on with shows no game twice when others come and go, and misses none that stays', async () => {
  for (const sort of gameOrders) {
    const before = await meant({}, sort);
    const first = await read({ sort, limit: 50 });
    const seen = parse(first.items).map(({ slug }) => slug);
    await owner.query('BEGIN');
    await owner.query(`INSERT INTO product (slug, offer_type, title, short_description, description, popularity_rank, release_date)
      SELECT 'new-' || i, 'game', CASE WHEN i % 2 = 0 THEN 'AAA' ELSE 'zzz' END, '', '', 500000 + i, date '2000-01-01' + i * 1000 FROM generate_series(1, 20) i`);
    await owner.query('DELETE FROM product WHERE parent_id = (SELECT id FROM product WHERE slug = $1)', [
      seen.at(-1),
    ]);
    await owner.query('DELETE FROM product WHERE slug = $1', [seen.at(-1)]);
    await owner.query('COMMIT');
    const rest = await walkAll({ sort, ...(first.next && { after: first.next }) });
    assert.deepEqual(
      rest.filter((slug) => !slug.startsWith('new-')),
      before.slice(50),
      sort,
    );
    await owner.query("DELETE FROM product WHERE slug LIKE 'new-%'");
  }
});
