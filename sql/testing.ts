/** Databases for tests: each test file makes its own in the Postgres that TEST_POSTGRES_URL names. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
import { migrate } from './migrate.ts';
import { pageColumns } from './page-document.ts';
import { productPageStatement } from './product-page.ts';

export interface TestDatabase {
  /** As frontshelf_owner, which owns the database and may create roles. */
  readonly ownerUrl: string;
  /** As frontshelf_reader. */
  readonly readerUrl: string;
  /** As the superuser. */
  readonly superuserUrl: string;
  /** Removes the database and ends every connection to it. */
  drop(): Promise<void>;
}

const password = 'test';
// Roles belong to the whole cluster, and test files run at once.
const rolesLock = 7_305_402_003;

/**
 * Makes a database with a name of its own: with the schema unless `migrated` is false, and with a generated
 * catalogue when `products` says how large. `server` is another Postgres, for a test that stops it.
 */
export async function createTestDatabase({
  products = 0,
  migrated = true,
  server = process.env.TEST_POSTGRES_URL,
}: {
  products?: number;
  migrated?: boolean;
  server?: string | undefined;
} = {}): Promise<TestDatabase> {
  if (server === undefined)
    throw new Error('TEST_POSTGRES_URL is not set; run the tests with npm test, which starts a Postgres.');
  const name = `test_${randomBytes(6).toString('hex')}`;
  await asSuperuser(server, async (client) => {
    await client.query(`DO $$ BEGIN
      IF to_regrole('frontshelf_owner') IS NULL THEN
        CREATE ROLE frontshelf_owner LOGIN CREATEROLE PASSWORD '${password}';
      END IF;
    END $$`);
    await client.query(`CREATE DATABASE ${name} OWNER frontshelf_owner`);
  });
  const urlFor = (user: string) => {
    const url = new URL(server);
    url.username = user;
    url.password = password;
    url.pathname = name;
    return url.href;
  };
  const superuserUrl = Object.assign(new URL(server), { pathname: name }).href;
  const ownerUrl = urlFor('frontshelf_owner');
  if (migrated || products > 0) {
    await migrate(ownerUrl);
    await asSuperuser(server, (client) =>
      client.query(`ALTER ROLE frontshelf_reader PASSWORD '${password}'`),
    );
  }
  if (products > 0) {
    const seeder = fileURLToPath(new URL('../seed/main.ts', import.meta.url));
    await promisify(execFile)(process.execPath, [seeder, '--products', String(products)], {
      env: { ...process.env, DATABASE_OWNER_URL: ownerUrl },
    });
  }
  return {
    ownerUrl,
    readerUrl: urlFor('frontshelf_reader'),
    superuserUrl,
    drop: () => asSuperuser(server, (client) => client.query(`DROP DATABASE ${name} WITH (FORCE)`)),
  };
}

/** Does something with the whole cluster while no other test file does. */
async function asSuperuser(url: string, act: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('SELECT pg_advisory_lock($1)', [rolesLock]);
    await act(client);
  } finally {
    await client.end();
  }
}

/** Reads every page of the catalogue, by slug: its document in each market. */
export async function readAllPages(client: pg.ClientBase): Promise<Map<string, string>> {
  const { rows } = await client.query<[string, string]>({
    name: 'all-pages',
    text: `SELECT slug, string_agg(document, E'\\n' ORDER BY shown.code) FROM market shown, LATERAL (
        SELECT slug, row_to_json(page)::text AS document FROM (SELECT ${pageColumns('shown.code')} FROM product p) page
      ) pages GROUP BY slug`,
    rowMode: 'array',
  });
  return new Map(rows);
}

/** The slugs whose page is not the same, or is in only one of both. */
export function differingPages(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): string[] {
  const slugs = new Set([...before.keys(), ...after.keys()]);
  return [...slugs].filter((slug) => before.get(slug) !== after.get(slug)).sort();
}

/** The tables that the page statement reads, from its plan. */
export async function readPageTables(client: pg.ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ 'QUERY PLAN': unknown }>(
    `EXPLAIN (FORMAT JSON) ${productPageStatement.replaceAll('$1', "'any'").replaceAll('$2', "'US'")}`,
  );
  const text = JSON.stringify(rows[0]?.['QUERY PLAN']);
  return [...new Set([...text.matchAll(/"Relation Name":"(\w+)"/g)].map(([, name = '']) => name))].sort();
}
