/**
 * Every combination of filters, order and step is read through indexes and touches no more than it may. The bounds are low
 * here, so that what has none touches much more, although the catalogue is small.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { termsStatement } from './game-list.ts';
import {
  type Bounds,
  type Conditions,
  countStatement,
  facetStatement,
  gameOrders,
  guessStatement,
  type Probe,
  probeNames,
  probeStatement,
  scanStatement,
  walkStatement,
} from './game-statements.ts';
import { readerConnectionString, readerSettings } from './pool.ts';
import { productRowsStatements } from './product-rows.ts';
import { relatedStatement } from './related-games.ts';
import { wordsStatement } from './search-terms.ts';
import type { Statement } from './statement.ts';
import { createTestDatabase, type TestDatabase } from './testing.ts';

let database: TestDatabase;
let reader: pg.Client;
before(async () => {
  database = await createTestDatabase({ products: 1000 });
  // As the server connects, so that plans are its own.
  reader = new pg.Client(readerConnectionString(database.readerUrl, readerSettings));
  await reader.connect();
});
after(async () => {
  await reader.end();
  await database.drop();
});

const bounds: Bounds = {
  walk: 10,
  scan: 30,
  textScan: 20,
  facets: 10,
  probe: { terms: 20, price: 20, release: 20, rating: 20, title: 20, text: 20 },
  guess: 4,
};
const limit = 5;
// A search's candidates are those of two probes, in each of two tables; nothing comes near the 400 games.
const touchedMax = 100;

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Plan Rows': number;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Rows Removed by Index Recheck'?: number;
  readonly Plans?: readonly PlanNode[];
}

/** A value as it stands in a statement; EXECUTE takes no parameters of its own. */
const literal = (value: unknown): string =>
  Array.isArray(value)
    ? pg.escapeLiteral(`{${value.join()}}`)
    : value === null
      ? 'NULL'
      : pg.escapeLiteral(String(value));

/** The nodes of the plan by which the server would run it, run. */
async function nodesOf({ text, values }: Statement): Promise<PlanNode[]> {
  await reader.query(`PREPARE explained AS ${text}`);
  try {
    const given = values.length === 0 ? '' : `(${values.map(literal).join(', ')})`;
    const { rows } = await reader.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
      `EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) EXECUTE explained${given}`,
    );
    const nodes: PlanNode[] = [];
    const collect = (node: PlanNode) => {
      nodes.push(node);
      for (const child of node.Plans ?? []) collect(child);
    };
    const plan = rows[0]?.['QUERY PLAN'][0].Plan;
    if (plan) collect(plan);
    return nodes;
  } finally {
    await reader.query('DEALLOCATE explained');
  }
}

// Their entries are bits in memory, a hundredth of what a row costs.
const ginIndexes = [
  'listed_game_terms',
  'listed_game_title_words',
  'game_text_words',
  'search_word_trigrams',
];

/** What is wrong with a plan. */
async function faults(statement: Statement): Promise<string[]> {
  return (await nodesOf(statement)).flatMap((node) => {
    const name = node['Index Name'] ?? node['Relation Name'] ?? '';
    if (node['Node Type'] === 'Seq Scan') return [`reads all of ${name}`];
    if (!/Scan/.test(node['Node Type']) || name === '' || ginIndexes.includes(name)) return [];
    const perLoop =
      node['Actual Rows'] +
      (node['Rows Removed by Filter'] ?? 0) +
      (node['Rows Removed by Index Recheck'] ?? 0);
    const touched = perLoop * node['Actual Loops'];
    return touched > touchedMax ? [`touches ${touched} rows of ${name}`] : [];
  });
}

const search = { titleKey: 'golden crown', title: "('golden' | 'crown':*)", text: "('golden' | 'crown')" };
/** A filter that little fits and one that much fits, of each kind. */
const filters: readonly (readonly Partial<Conditions>[])[] = [
  [{}, { terms: [['64', '68']] }, { terms: [['4'], ['8', '12'], ['3']] }],
  [{}, { priceMinor: [1, 3] }, { priceMinor: [0, 100_000] }],
  [{}, { releaseDay: [20_000, 20_010] }, { releaseDay: [-100_000, 100_000] }],
  [{}, { minRating: 499 }, { minRating: 100 }],
  [{}, { search }, { search, tier: 0 }, { search, tier: 1 }, { search, tier: 2 }],
];
const combinations = filters.reduce<Conditions[]>(
  (all, kind) => all.flatMap((conditions) => kind.map((more) => ({ ...conditions, ...more }))),
  [{ terms: [] }],
);

test('no combination of filters in any order reads a table as a whole, or more of an index than it may', async () => {
  const show = { card: 'US' } as const;
  const found: string[] = [];
  let statements = 0;
  const check = async (what: string, statement: Statement) => {
    statements++;
    for (const fault of await faults(statement)) found.push(`${what}: ${fault}`);
  };
  for (const [i, conditions] of combinations.entries()) {
    // Each in another order, and every other from further on.
    const order = gameOrders[i % gameOrders.length] ?? 'title';
    const key = order.endsWith('title') ? 'm' : order === 'price' ? 1999 : -1999;
    const asked = { order, conditions, limit, show, ...(i % 2 === 1 && { after: { key, rank: 30 } }) };
    const what = JSON.stringify(asked);
    await check(`walk ${what}`, walkStatement(asked, bounds));
    await check(`scan ${what}`, scanStatement(asked, bounds));
    for (const probe of probeNames(conditions))
      await check(`${probe} ${what}`, probeStatement(asked, probe, bounds));
    if (probeNames(conditions).length > 0)
      await check(`count ${i}`, countStatement(conditions, probeNames(conditions), bounds));
    if (conditions.search && conditions.tier === undefined)
      await check(`search ${what}`, probeStatement(asked, 'search', bounds));
    if (i % 5 === 0)
      await check(`facets ${i}`, facetStatement(conditions, probeNames(conditions)[0], bounds));
  }
  assert.deepEqual(found.slice(0, 10), []);
  assert.ok(statements > 1000, String(statements));
});

test('how much a filter fits is guessed without looking, within a factor of two where much fits', async () => {
  const guess = async (conditions: Conditions, probe: Probe) => {
    const guessed = guessStatement(conditions, probe);
    if (guessed === undefined) return undefined;
    const { rows } = await reader.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>({
      text: guessed.text,
      values: [...guessed.values],
    });
    return rows[0]?.['QUERY PLAN'][0].Plan['Plan Rows'];
  };
  const isNear = (guessed = 0, meant = 0) => guessed > meant / 2 && guessed < meant * 2;
  const { rows } = await reader.query<{ onSale: number; title: number; text: number }>(`SELECT
    count(*) FILTER (WHERE terms && '{3}')::integer AS "onSale",
    count(*) FILTER (WHERE title_words @@ $$'the':*$$)::integer AS title,
    count(*) FILTER (WHERE words @@ $$'the'$$)::integer AS text FROM listed_game NATURAL JOIN game_text`);
  const the = { titleKey: 'the', title: "'the':*", text: "'the'" };
  assert.ok(isNear(await guess({ terms: [['3']] }, 'terms'), rows[0]?.onSale));
  assert.ok(isNear(await guess({ terms: [], search: the }, 'title'), rows[0]?.title));
  assert.ok(isNear(await guess({ terms: [], search: the }, 'text'), rows[0]?.text));
  assert.equal(await guess({ terms: [], priceMinor: [0, 1] }, 'price'), undefined);
});

test('nor does what goes with them', async () => {
  const { rows } = await reader.query<{ slug: string }>('SELECT slug FROM product LIMIT 1');
  const slug = rows[0]?.slug;
  for (const [text, ...values] of [
    [termsStatement, ['action'], ['co-op'], ['linux'], 'Nobody', 'Nobody'],
    [productRowsStatements.reviews, slug, null, null, 10],
    [productRowsStatements.reviews, slug, 1_700_000_000_000_000, 100, 10],
    [productRowsStatements.achievements, slug, null, null, 10],
    [productRowsStatements.achievements, slug, 25, 100, 10],
  ] as const)
    assert.deepEqual(await faults({ text: text ?? '', values }), [], text);
  for (const [text, ...values] of [
    [wordsStatement, 'goldn crown'],
    // Compares as many games as there are here.
    [relatedStatement, slug, 12, 'US'],
  ] as const)
    assert.deepEqual(
      (await faults({ text: text ?? '', values })).filter((fault) => /reads all/.test(fault)),
      [],
    );
});

test('a plan that reads all of a table, or of an index, is found', async () => {
  await reader.query('SET enable_seqscan = on; SET enable_indexscan = off; SET enable_bitmapscan = off');
  const asked = { order: 'price', conditions: { terms: [] }, limit, show: { card: 'US' } } as const;
  assert.ok(
    (await faults(walkStatement(asked, bounds))).some((fault) => fault === 'reads all of listed_game'),
  );
  await reader.query('RESET enable_seqscan; RESET enable_indexscan; RESET enable_bitmapscan');
  const all = { text: 'SELECT product_id FROM listed_game ORDER BY popularity_rank', values: [] };
  assert.deepEqual(await faults(all), ['touches 400 rows of listed_game_popularity']);
});
