import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { createTestDatabase, type TestDatabase } from '../sql/testing.ts';
import { type CopyValue, copyLine } from './copy-text.ts';

let database: TestDatabase;
let client: pg.Client;
before(async () => {
  database = await createTestDatabase({ migrated: false });
  client = new pg.Client({ connectionString: database.ownerUrl });
  await client.connect();
  await client.query('CREATE TABLE copied (line integer, a text, b text)');
});
after(async () => {
  await client.end();
  await database.drop();
});

async function copied(rows: readonly (readonly CopyValue[])[]): Promise<unknown[]> {
  await client.query('TRUNCATE copied');
  const lines = rows.map((row, index) => copyLine([index, ...row]));
  await pipeline(Readable.from(lines), client.query(copyFrom('COPY copied FROM STDIN')));
  const { rows: read } = await client.query({
    text: 'SELECT a, b FROM copied ORDER BY line',
    rowMode: 'array',
  });
  return read;
}

// All that Postgres can hold: no NUL, no half of a surrogate pair; and often what COPY treats as special.
const text = fc.oneof(
  fc.string({ unit: 'binary' }).map((s) => s.replaceAll('\0', '').toWellFormed()),
  fc.string({ unit: fc.constantFrom('\\', '\t', '\n', '\r', 'N', '.', 'n', 't', 'x', '0', "'", '"') }),
);

test('any text arrives in Postgres as it was, and null as NULL', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(text, fc.option(text)), { maxLength: 50 }), async (rows) => {
      assert.deepEqual(await copied(rows), rows);
    }),
    { numRuns: 100 },
  );
});

test('numbers and booleans arrive as themselves', async () => {
  assert.deepEqual(await copied([[-1.5, true]]), [['-1.5', 'true']]);
});
