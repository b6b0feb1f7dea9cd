/**
 * Loads a generated catalogue in one transaction: what was there before is either replaced as a whole or
 * untouched, however it is interrupted. Indexes and foreign keys are dropped for the load and made again
 * after it from their own definitions, which is several times faster than maintaining them row by row.
 */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { errorText } from '../sql/errors.ts';
import { describeCatalogue, formatVersion } from './catalogue.ts';
import { dropIndexes } from './indexes.ts';
import { chunksOf, chunkText, tables } from './tables.ts';
import { disableTriggers } from './triggers.ts';

export interface SeedOptions {
  readonly products: number;
  readonly seed: number;
  /** What becomes of a database that holds another catalogue. */
  readonly whenHeld: 'refuse' | 'replace' | 'keep';
  /** Told what is being done, and which share of the whole is done by now, from 0 to 1. */
  readonly onProgress: (doing: string, done: number) => void;
}

// Any number will do as long as all versions of Frontshelf use the same.
const seedLock = 7_305_402_002;
// Copying takes about this share of the time, indexes and foreign keys the next, and lists the rest.
const copyShare = 0.55;
const listsFrom = 0.85;
/** What triggers keep up to date otherwise, by the views that say what is in it. */
const derivedTables = ['listed_game', 'game_text', 'search_word'];

/**
 * Fills the database with a generated catalogue, as the role that owns its tables. Returns 'present' when
 * exactly this catalogue is there already, or another that is kept. Rejects when other data is there and
 * `whenHeld` says to refuse, and when the schema is missing. Several at once take turns.
 */
export async function seedDatabase(
  connectionString: string,
  options: SeedOptions,
): Promise<'seeded' | 'present'> {
  const client = new pg.Client({ connectionString, application_name: 'frontshelf-seed' });
  // A connection that breaks rejects the query under way as well.
  client.on('error', () => {});
  await client.connect().catch((error: unknown) => {
    throw new Error(`The database cannot be reached: ${errorText(error)}`, { cause: error });
  });
  try {
    await client.query('BEGIN');
    const lock = await client.query<{ free: boolean }>('SELECT pg_try_advisory_xact_lock($1) AS free', [
      seedLock,
    ]);
    if (!lock.rows[0]?.free) {
      options.onProgress('waiting for another seeding', 0);
      await client.query('SELECT pg_advisory_xact_lock($1)', [seedLock]);
    }
    const found = await findCatalogue(client);
    if (found !== undefined && options.whenHeld !== 'replace') {
      if (found === describe(options) || options.whenHeld === 'keep') return 'present';
      throw new Error(
        `The database already holds ${found}; --replace puts ${describe(options)} in its place.`,
      );
    }
    await load(client, options);
    await client.query('COMMIT');
    return 'seeded';
  } finally {
    // Undoes the transaction, unless it was committed.
    await client.end();
  }
}

const describe = ({ products, seed }: { products: number; seed: number }, version = formatVersion) =>
  `${products} generated products of seed ${seed}${version === formatVersion ? '' : ` in format ${version}`}`;

/** Says what the database holds, or nothing when it holds no product. */
async function findCatalogue(client: pg.Client): Promise<string | undefined> {
  const { rows } = await client
    .query<{ products: number | null; seed: number; format_version: number }>(
      `SELECT products, seed, format_version FROM (SELECT FROM product LIMIT 1) p LEFT JOIN catalogue_seed ON true`,
    )
    .catch((error: unknown) => {
      const missing = error instanceof pg.DatabaseError && error.code === '42P01';
      throw missing
        ? new Error('The database has no tables yet; run: npm run migrate', { cause: error })
        : error;
    });
  const [held] = rows;
  if (held === undefined) return undefined;
  if (held.products === null) return 'products that were not generated';
  return describe({ products: held.products, seed: held.seed }, held.format_version);
}

async function load(client: pg.Client, { products, seed, onProgress }: SeedOptions): Promise<void> {
  const catalogue = describeCatalogue(products, seed);
  const names = tables.map(({ name }) => name);
  const chunks = tables.reduce((sum, table) => sum + chunksOf(table, catalogue), 0);
  let copied = 0;

  await client.query("SET LOCAL maintenance_work_mem = '128MB'");
  // In the transaction that empties a table, rows can be copied as if they had always been there, so that
  // no later read or vacuum has to write the table once more.
  await client.query(`TRUNCATE ${[...names, ...derivedTables].join(', ')}, catalogue_seed`);
  // That has put every page into the change log; the log's triggers would keep each copied row for nothing.
  const enableTriggers = await disableTriggers(client, names);
  const makeIndexes = await dropIndexes(client, names);
  for (const table of tables) {
    const pieces = function* () {
      for (let chunk = 0; chunk < chunksOf(table, catalogue); chunk++) {
        yield* chunkText(table, catalogue, chunk);
        onProgress(table.name, (++copied / chunks) * copyShare);
      }
    };
    const copy = client.query(
      copyFrom(`COPY ${table.name} (${table.columns.join(', ')}) FROM STDIN WITH (FORMAT text, FREEZE)`),
    );
    await pipeline(Readable.from(pieces(), { highWaterMark: 2 }), copy);
  }
  // Before the foreign keys, which are checked by joins that need to be planned.
  await client.query(`ANALYZE ${names.join(', ')}`);
  for (const [index, statement] of makeIndexes.entries()) {
    onProgress('indexes', copyShare + (listsFrom - copyShare) * (index / makeIndexes.length));
    await client.query(statement);
  }
  onProgress('lists', listsFrom);
  await fillLists(client);
  for (const statement of enableTriggers) await client.query(statement);
  for (const { name, columns } of tables)
    if (columns.includes('id'))
      await client.query(
        `SELECT setval(pg_get_serial_sequence('${name}', 'id'), (SELECT max(id) FROM ${name}))`,
      );
  await client.query('INSERT INTO catalogue_seed (products, seed, format_version) VALUES ($1, $2, $3)', [
    products,
    seed,
    formatVersion,
  ]);
}

/** Fills the tables that lists and searches go through, from what has been loaded. */
async function fillLists(client: pg.Client): Promise<void> {
  const makeIndexes = await dropIndexes(client, derivedTables);
  await client.query('INSERT INTO listed_game TABLE listed_game_source');
  await client.query('INSERT INTO game_text TABLE game_text_source');
  await client.query('INSERT INTO search_word TABLE search_word_source');
  await client.query(`ANALYZE ${derivedTables.join(', ')}`);
  for (const statement of makeIndexes) await client.query(statement);
}
