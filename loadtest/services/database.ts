/** A Postgres of the run's own, with a catalogue, that is gone with the run. */
import { join } from 'node:path';
import { query } from '../../local/database.ts';
import { type Postgres, startPostgres } from '../../local/postgres.ts';
import { runProgram } from '../../local/program.ts';
import type { Belongings } from './belongings.ts';

const password = 'probe';

export interface DatabaseOptions {
  readonly products: number;
  /** Roles that may log in and read. */
  readonly readers: readonly string[];
  /** Of Postgres; it writes nothing through to the disk in any case. */
  readonly settings?: Readonly<Record<string, string | number>>;
}

export interface Database {
  /** The one that runs, or that ran last. */
  readonly postgres: Postgres;
  /** On the same port with the same data, when it was stopped. */
  startAgain(): Promise<void>;
  /** For a reader, or for `postgres`, who may do everything; through another port where one stands before it. */
  urlOf(role: string, port?: number): string;
}

/** Rejects with Obstacle when there is no Postgres to be had. */
export async function startDatabase(
  { folder, onSpawn }: Belongings,
  { products, readers, settings }: DatabaseOptions,
): Promise<Database> {
  const launch = (port?: number) =>
    startPostgres({
      dataDir: join(folder, 'postgres'),
      password,
      settings: { fsync: 'off', full_page_writes: 'off', ...settings },
      onSpawn,
      ...(port !== undefined && { port }),
    });
  let postgres = await launch();
  const urlOf = (role: string, port = postgres.port) =>
    `postgres://${role}:${password}@127.0.0.1:${port}/frontshelf`;
  await query(postgres.url, async (client) => {
    await client.query(`CREATE ROLE frontshelf_owner LOGIN CREATEROLE PASSWORD '${password}'`);
    await client.query('CREATE DATABASE frontshelf OWNER frontshelf_owner');
  });
  const env = { DATABASE_OWNER_URL: urlOf('frontshelf_owner') };
  await runProgram('sql/main.ts', [], env, onSpawn);
  await runProgram('seed/main.ts', ['--products', String(products)], env, onSpawn);
  await query(postgres.url, async (client) => {
    for (const role of readers)
      await client.query(`CREATE ROLE ${role} LOGIN PASSWORD '${password}' IN ROLE frontshelf_reader`);
  });
  return {
    get postgres() {
      return postgres;
    },
    async startAgain() {
      postgres = await launch(postgres.port);
    },
    urlOf,
  };
}
