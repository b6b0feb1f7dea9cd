/** The Postgres of `npm start` and `npm run seed` where DATABASE_URL is not set: its data is in the data folder. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { query } from './database.ts';
import { postgresFolder } from './folder.ts';
import { freePort } from './ports.ts';
import { type Postgres, startPostgres } from './postgres.ts';
import type { ThisRun } from './this-run.ts';

/** For a catalogue that is read far more than written, and loaded in bulk. A crash of the system loses no page. */
const settings = {
  shared_buffers: '256MB',
  max_wal_size: '2GB',
  synchronous_commit: 'off',
  // The least that recovery needs: COPY into a table made in the same transaction then skips the log.
  wal_level: 'minimal',
  max_wal_senders: 0,
};

/** On the same port as the last time, if it is free, unless one is given. Allows so many connections. */
export async function startEmbeddedPostgres(
  run: ThisRun,
  { connections = 0, port }: { connections?: number; port?: number } = {},
): Promise<Postgres> {
  // Whoever wrote this file was ended when this run began, but its process id may be another's by now.
  rmSync(join(postgresFolder, 'postmaster.pid'), { force: true });
  const postgres = await startPostgres({
    dataDir: postgresFolder,
    password: run.passwords.postgres,
    port: port ?? (await freePort(run.ports.postgres)),
    settings: { ...settings, max_connections: Math.max(200, connections) },
    onSpawn: run.started('postgres'),
  });
  run.rememberPort('postgres', postgres.port);
  run.services.push(postgres);
  return postgres;
}

/** Makes the database `frontshelf` and its owner where they are missing. Returns its URL as the owner. */
export async function prepareDatabase(postgres: Postgres, password: string): Promise<string> {
  await query(postgres.url, async (client) => {
    const { rows } = await client.query(`SELECT
      EXISTS (SELECT FROM pg_roles WHERE rolname = 'frontshelf_owner') AS role,
      EXISTS (SELECT FROM pg_database WHERE datname = 'frontshelf') AS database`);
    if (!rows[0].role) await client.query('CREATE ROLE frontshelf_owner CREATEROLE');
    await client.query(`ALTER ROLE frontshelf_owner LOGIN PASSWORD ${client.escapeLiteral(password)}`);
    if (!rows[0].database) await client.query('CREATE DATABASE frontshelf OWNER frontshelf_owner');
  });
  return as(postgres, 'frontshelf_owner', password);
}

/** Lets the role that the migrations made log in. Returns the database's URL as that role. */
export async function admitReader(postgres: Postgres, password: string): Promise<string> {
  await query(postgres.url, (client) =>
    client.query(`ALTER ROLE frontshelf_reader LOGIN PASSWORD ${client.escapeLiteral(password)}`),
  );
  return as(postgres, 'frontshelf_reader', password);
}

const as = ({ port }: Postgres, role: string, password: string) =>
  `postgres://${role}:${password}@127.0.0.1:${port}/frontshelf`;
