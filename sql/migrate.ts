/**
 * Migrations are the files migrations/NNNN_name.sql, numbered from 1 without gaps. Each is applied once, in
 * order, in a transaction of its own that also records its number and SHA-256 in schema_migration. A file
 * that changed after it was applied, and a database newer than the files, are errors: nothing is guessed.
 * One session-level advisory lock makes several that run at once take turns.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import pg from 'pg';
import { errorText } from './errors.ts';
import { ensureReaderRole } from './reader-role.ts';

interface Migration {
  readonly number: number;
  readonly name: string;
  readonly text: string;
  readonly sha256: string;
}

// Any number will do as long as all versions of Frontshelf use the same.
const migrateLock = 7_305_402_001;

/**
 * Brings the schema of a database up to date as the role that owns it, and returns the names of the
 * migrations it applied: none when there was nothing to do. `onProgress` is told one line each.
 * Rejects with an Error that names the migration; those before it stay applied.
 */
export async function migrate(
  connectionString: string,
  onProgress: (line: string) => void = () => {},
  folder: URL = new URL('migrations/', import.meta.url),
): Promise<string[]> {
  const migrations = await readMigrations(folder);
  const client = new pg.Client({ connectionString, application_name: 'frontshelf-migrate' });
  // A connection that breaks rejects the query under way as well.
  client.on('error', () => {});
  await client.connect().catch((error: unknown) => {
    throw new Error(`The database cannot be reached: ${errorText(error)}`, { cause: error });
  });
  try {
    await client.query('SELECT pg_advisory_lock($1)', [migrateLock]);
    const pending = pendingMigrations(migrations, await readApplied(client));
    await ensureReaderRole(client);
    for (const migration of pending) {
      onProgress(`migrating: ${migration.name}`);
      await apply(client, migration);
    }
    return pending.map(({ name }) => name);
  } finally {
    await client.end();
  }
}

async function readMigrations(folder: URL): Promise<Migration[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort();
  return Promise.all(
    names.map(async (name, index) => {
      const number = Number(/^(\d{4})_[a-z0-9_]+\.sql$/.exec(name)?.[1]);
      if (number !== index + 1)
        throw new Error(
          `The migration ${name} should be named ${String(index + 1).padStart(4, '0')}_<name>.sql.`,
        );
      const text = await readFile(new URL(name, folder), 'utf8');
      return { number, name, text, sha256: createHash('sha256').update(text).digest('hex') };
    }),
  );
}

async function readApplied(client: pg.Client): Promise<Omit<Migration, 'text'>[]> {
  await client.query(`CREATE TABLE IF NOT EXISTS schema_migration (
    number integer PRIMARY KEY,
    name text NOT NULL,
    sha256 text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
  )`);
  const { rows } = await client.query<Omit<Migration, 'text'>>(
    'SELECT number, name, sha256 FROM schema_migration ORDER BY number',
  );
  return rows;
}

/** Returns the migrations still to apply, or throws where the database and the files contradict each other. */
function pendingMigrations(
  migrations: readonly Migration[],
  applied: readonly Omit<Migration, 'text'>[],
): Migration[] {
  for (const { number, name, sha256 } of applied) {
    const file = migrations[number - 1];
    if (file === undefined)
      throw new Error(`The database has the migration ${name}, which is newer than this version.`);
    if (file.sha256 !== sha256)
      throw new Error(
        `The migration ${file.name} was changed after it was applied; restore the file and write the change as a new migration.`,
      );
  }
  return migrations.slice(applied.length);
}

async function apply(client: pg.Client, { number, name, text, sha256 }: Migration): Promise<void> {
  try {
    await client.query('BEGIN');
    await client.query(text);
    await client.query('INSERT INTO schema_migration (number, name, sha256) VALUES ($1, $2, $3)', [
      number,
      name,
      sha256,
    ]);
    await client.query('COMMIT');
  } catch (error) {
    throw new Error(`The migration ${name} failed and was undone: ${errorText(error)}`, { cause: error });
  }
}
