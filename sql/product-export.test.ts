import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { createReaderPool } from './pool.ts';
import { productExportStatement, readProductBatch } from './product-export.ts';
import { readProductPage } from './product-page.ts';
import { createTestDatabase, type TestDatabase } from './testing.ts';

let database: TestDatabase;
let pool: pg.Pool;
let owner: pg.Client;
/** Of the games, in order. */
let ids: string[];

before(async () => {
  database = await createTestDatabase({ products: 300 });
  pool = createReaderPool({
    connectionString: database.readerUrl,
    max: 1,
    timeoutMs: 5000,
    applicationName: 'test',
    onError: () => {},
  });
  owner = new pg.Client(database.ownerUrl);
  await owner.connect();
  const { rows } = await owner.query<{ id: string }>(
    'SELECT id FROM product WHERE parent_id IS NULL ORDER BY id',
  );
  ids = rows.map(({ id }) => id);
});
after(async () => {
  await owner?.end();
  await pool?.end();
  await database?.drop();
});

/** The documents, of which each line must be one. */
const documentsOf = (lines: Buffer): { id: number; slug: string }[] => {
  const pieces = lines.toString().split('\n');
  assert.equal(pieces.pop(), '', 'the last line is ended too');
  return pieces.map((line) => JSON.parse(line));
};

test('batches, each begun after the last id of the one before, have every game once, in order of ids', async () => {
  const found: string[] = [];
  for (let afterId = '0'; ; ) {
    const { lines, count, lastId } = await readProductBatch(pool, { afterId, limit: 17 });
    const documents = documentsOf(lines);
    assert.equal(documents.length, count);
    found.push(...documents.map(({ id }) => String(id)));
    if (count < 17) break;
    assert.equal(lastId, found.at(-1));
    afterId = lastId ?? assert.fail();
  }
  assert.ok(ids.length > 100 && ids.length < 300);
  assert.deepEqual(found, ids);
});

test('a line is the page that a request for it would get, byte by byte', async () => {
  const { lines } = await readProductBatch(pool, { afterId: '0', limit: 50 });
  for (const line of lines.toString().trimEnd().split('\n')) {
    const { body } = await readProductPage(pool, JSON.parse(line).slug);
    assert.equal(Buffer.from(line).toString('latin1'), body);
  }
});

test('a text with line breaks and what only some take for one does not break its line', async () => {
  const odd = 'a\nb\r\nc\u2028d\u0085e';
  await owner.query('UPDATE product SET description = $1 WHERE id = $2', [odd, ids[3]]);
  const { lines, count } = await readProductBatch(pool, { afterId: ids[2] ?? '', limit: 1 });
  assert.equal(count, 1);
  assert.equal(lines.indexOf('\n'), lines.length - 1);
  assert.equal(JSON.parse(lines.toString()).description, odd);
});

test('after the last id, and after the largest that there can be, there is nothing', async () => {
  for (const afterId of [ids.at(-1) ?? '', '999999999999999999'])
    assert.deepEqual(await readProductBatch(pool, { afterId, limit: 10 }), {
      lines: Buffer.alloc(0),
      count: 0,
      lastId: null,
    });
});

test('an id that is no game, or not any more, is as good to go on from as any', async () => {
  const { lines } = await readProductBatch(pool, { afterId: String(Number(ids[4]) - 1), limit: 1 });
  const afterGone = await readProductBatch(pool, { afterId: '1', limit: 1 });
  assert.equal(documentsOf(lines)[0]?.id, Number(ids[4]));
  assert.equal(documentsOf(afterGone.lines)[0]?.id, Number(ids.find((id) => Number(id) > 1)));
});

test('a batch is read along the key from where it begins, whatever its size, without sorting or reading the table whole', async () => {
  const client = await pool.connect();
  try {
    // As the pool has it: the plan that is kept is made before the limit is known.
    const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
      `EXPLAIN (GENERIC_PLAN, FORMAT JSON) ${productExportStatement}`,
    );
    const plan = rows[0]?.['QUERY PLAN'][0].Plan ?? assert.fail();
    const ofProducts = nodesOf(plan).filter(({ Alias }) => Alias === 'p');
    assert.deepEqual(
      ofProducts.map((node) => [node['Node Type'], node['Index Name'], node['Index Cond']]),
      [['Index Scan', 'product_pkey', '(id > $1)']],
    );
    assert.equal(plan['Node Type'], 'Subquery Scan');
    assert.equal(
      plan.Plans?.find((node) => node['Parent Relationship'] === 'Subquery')?.['Node Type'],
      'Limit',
    );
  } finally {
    client.release();
  }
});

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Parent Relationship'?: string;
  readonly 'Index Name'?: string;
  readonly 'Index Cond'?: string;
  readonly Alias?: string;
  readonly Plans?: readonly PlanNode[];
}

const nodesOf = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(nodesOf)];
