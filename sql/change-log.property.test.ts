/** Random writes by two transactions at a time: whatever page a commit changes is read from the change log after it. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import pg from 'pg';
import { everyPage, readChanges } from './change-feed.ts';
import {
  createTestDatabase,
  differingPages,
  readAllPages,
  readPageTables,
  type TestDatabase,
} from './testing.ts';

interface Column {
  readonly name: string;
  readonly type: string;
  /** Postgres makes a value when none is given. */
  readonly identity: boolean;
}
type Table = { readonly name: string; readonly columns: readonly Column[] };

let template: TestDatabase;
let superuser: pg.Client;
let tables: Table[];
before(async () => {
  template = await createTestDatabase({ products: 20 });
  superuser = await connect(process.env.TEST_POSTGRES_URL ?? '');
  const client = await connect(template.superuserUrl);
  tables = [];
  for (const name of await readPageTables(client))
    tables.push({ name, columns: await readColumns(client, name) });
  await client.end();
});
after(async () => {
  await superuser.end();
  await template.drop();
});

async function connect(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString });
  client.on('error', () => {});
  await client.connect();
  await client.query("SET jit = off; SET lock_timeout = '20ms'");
  return client;
}

async function readColumns(client: pg.Client, table: string): Promise<Column[]> {
  const { rows } = await client.query<Column>(
    `SELECT attname AS name, coalesce(nullif(typbasetype, 0), atttypid)::regtype::text AS type, attidentity <> '' AS identity
    FROM pg_attribute JOIN pg_type t ON t.oid = atttypid
    WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum`,
    [table],
  );
  return rows;
}

/** A step of one of two writers. The numbers choose among what there is, whatever there is by then. */
const steps = (names: readonly string[]) =>
  fc.record({
    writer: fc.nat(1),
    action: fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom('update', 'take', 'update many', 'insert', 'delete') },
      { weight: 3, arbitrary: fc.constantFrom('commit', 'commit', 'rollback') },
    ),
    table: fc.constantFrom(...names),
    column: fc.nat(20),
    row: fc.nat(1000),
    other: fc.nat(1000),
    isolation: fc.constantFrom('READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE'),
  });
type Step = typeof steps extends (...args: never[]) => fc.Arbitrary<infer T> ? T : never;

/** Another value of the same type. */
function altered({ name, type }: Column): string {
  if (type === 'boolean') return `NOT ${name}`;
  if (/^(date|timestamp)/.test(type)) return `${name} + interval '1 day'`;
  return type === 'text' ? `${name} || 'x'` : `${name} + 1`;
}

function statementFor(table: Table, { action, column, row, other }: Step): string {
  const { name, columns } = table;
  const chosen = columns[column % columns.length];
  assert.ok(chosen);
  const nth = (n: number, what: string) =>
    `(SELECT ${what} FROM ${name} r ORDER BY r::text OFFSET ${n} % (SELECT greatest(count(*), 1) FROM ${name}) LIMIT 1)`;
  const here = `ctid = ${nth(row, 'ctid')}`;
  const quoted = { ...chosen, name: `"${chosen.name}"` };
  switch (action) {
    case 'update':
      return `UPDATE ${name} SET ${quoted.name} = ${altered(quoted)} WHERE ${here}`;
    case 'take':
      return `UPDATE ${name} SET ${quoted.name} = ${nth(other, quoted.name)} WHERE ${here}`;
    case 'update many':
      return `UPDATE ${name} SET ${quoted.name} = ${altered(quoted)} WHERE abs(hashtext(ctid::text)) % 3 = ${row % 3}`;
    case 'delete':
      return `DELETE FROM ${name} WHERE ${here}`;
    default: {
      // A row like another, but for a column of a third one's, and what must be its own.
      const given = columns.filter(({ identity }) => !identity);
      const values = given.map(({ name: each, type }) => {
        const own = { name: `"${each}"`, type };
        if (name === 'product' && /^(slug|popularity_rank)$/.test(each))
          return each === 'slug' ? `'new-' || ${row} || '-' || ${other}` : `${own.name} + 1000000 + ${other}`;
        return each === chosen.name ? nth(other, own.name) : own.name;
      });
      return `INSERT INTO ${name} (${given.map((each) => `"${each.name}"`)}) SELECT ${values} FROM ${name} WHERE ${here}`;
    }
  }
}

/** Takes the steps in a database of its own, and throws when a commit changes a page that is not read for it. */
async function take(list: readonly Step[], prepare: string): Promise<void> {
  const name = new URL(template.superuserUrl).pathname.slice(1);
  await superuser.query(`CREATE DATABASE ${name}_run TEMPLATE ${name}`);
  const url = `${template.superuserUrl}_run`;
  const [reader, ...writers] = await Promise.all([connect(url), connect(url), connect(url)]);
  try {
    await reader.query(prepare);
    const done: string[] = [];
    const open = writers.map(() => false);
    let pages = await readAllPages(reader);
    let seen = (await readChanges(reader, undefined)).snapshot;

    for (const step of list) {
      const writer = writers[step.writer];
      const table = tables.find((each) => each.name === step.table);
      assert.ok(writer && table);
      if (step.action === 'commit' || step.action === 'rollback') {
        if (!open[step.writer]) continue;
        open[step.writer] = false;
        // One that fails is rolled back.
        await writer.query(step.action).catch(() => {});
        done.push(`${step.writer} ${step.action}`);
        const reading = await readChanges(reader, seen);
        const current = await readAllPages(reader);
        const keys = reading.changes.map(({ key }) => key);
        const missed = differingPages(pages, current).filter((slug) => !keys.includes(slug));
        if (reading.gap !== undefined || (missed.length > 0 && !keys.includes(everyPage)))
          throw new Error(`${missed} changed, ${keys} was read, after:\n${done.join('\n')}`);
        seen = reading.snapshot;
        pages = current;
        continue;
      }
      if (!open[step.writer]) {
        // The snapshot is taken here.
        await writer.query(`BEGIN ISOLATION LEVEL ${step.isolation}; SELECT FROM product`);
        done.push(`${step.writer} begin ${step.isolation}`);
        open[step.writer] = true;
      }
      const statement = statementFor(table, step);
      // What constraints, locks or isolation forbid is undone, and part of the play.
      await writer.query(`SAVEPOINT s; ${statement}; RELEASE s`).then(
        () => done.push(`${step.writer} ${statement}`),
        () => writer.query('ROLLBACK TO s'),
      );
    }
  } finally {
    for (const client of [reader, ...writers]) await client.end();
    await superuser.query(`DROP DATABASE ${name}_run WITH (FORCE)`);
  }
}

const numRuns = 12;

const property = (names: readonly string[], prepare = '') =>
  fc.asyncProperty(fc.array(steps(names), { minLength: 10, maxLength: 50, size: 'max' }), (list) =>
    take(list, prepare),
  );

test('whatever page a commit changes is read for it, in any interleaving of two writers', async () => {
  await fc.assert(property(tables.map(({ name }) => name)), { numRuns });
});

test('the same where most meetings are: products, cards, media and what they share', async () => {
  await fc.assert(property(['product', 'price', 'media', 'media_variant', 'company', 'product_company']), {
    numRuns,
  });
});

test('a missing trigger is found out', async () => {
  const { failed } = await fc.check(property(['price', 'review'], 'DROP TRIGGER log_update ON price'), {
    numRuns: 3 * numRuns,
    endOnFailure: true,
  });
  assert.ok(failed);
});
