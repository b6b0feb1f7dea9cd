/** What the hosts stand on: Postgres and Redis of the run's own, in a folder that goes with it. */
import { chmodSync, chownSync, copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis as RedisClient } from 'ioredis';
import { query } from '../../local/database.ts';
import { type FaultProxy, startFaultProxy } from '../../local/fault-proxy.ts';
import { Obstacle } from '../../local/obstacle.js';
import { type Postgres, startPostgres } from '../../local/postgres.ts';
import { isRunning, type ProcessIdentity } from '../../local/processes.js';
import { runProgram } from '../../local/program.ts';
import { findOrInstallRedis, type Redis, startRedis } from '../../local/redis.ts';
import { serviceAccount } from '../../local/unprivileged.ts';

const password = 'probe';
const dumpsKept = 5;

export interface Stage {
  /** As the superuser, past any proxy. */
  readonly databaseUrl: string;
  /** One for each host, who logs in as `roleOf(host)`. */
  readonly proxies: readonly FaultProxy[];
  readonly redis: RedisControl;
  databaseUrlOf(host: number): string;
}

export interface RedisControl {
  readonly url: string;
  readonly process: ProcessIdentity;
  /** Keeps a dump of what Redis holds now. */
  dump(): Promise<void>;
  flush(): Promise<void>;
  /** Kills it and starts it again: empty, or with the oldest dump that is kept. */
  restart(from: 'nothing' | 'dump'): Promise<void>;
}

export const roleOf = (host: number): string => `probe_host_${host + 1}`;

/** Everything that was started and made, for an end that may come at any time. */
export interface Belongings {
  readonly folder: string;
  readonly onSpawn: (process: ProcessIdentity) => void;
  /** The hosts' primaries, each with its group. */
  readonly onSpawnGroup: (process: ProcessIdentity) => void;
  /** Ends and removes all of it, at once and without a pause for others. */
  destroy(): void;
}

export function gatherBelongings(): Belongings {
  const folder = mkdtempSync(join(tmpdir(), 'frontshelf-coherence-'));
  // For the user that services run as when this is root's.
  chmodSync(folder, 0o755);
  const started: ProcessIdentity[] = [];
  const groups: ProcessIdentity[] = [];
  const signal = (pid: number, name: NodeJS.Signals) => {
    try {
      process.kill(pid, name);
    } catch {
      // It has just ended.
    }
  };
  return {
    folder,
    onSpawn: (identity) => started.push(identity),
    onSpawnGroup: (identity) => groups.push(identity),
    destroy() {
      for (const identity of groups) if (isRunning(identity)) signal(-identity.pid, 'SIGKILL');
      const running = started.filter(isRunning);
      for (const { pid } of running) {
        signal(pid, 'SIGCONT');
        // Postgres takes its shared memory with it, Redis has nothing to keep.
        signal(pid, 'SIGQUIT');
      }
      const pause = new Int32Array(new SharedArrayBuffer(4));
      for (let waits = 0; running.some(isRunning) && waits < 100; waits++) Atomics.wait(pause, 0, 0, 20);
      for (const identity of running) if (isRunning(identity)) signal(identity.pid, 'SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Rejects with Obstacle when there is no Postgres or no Redis to be had. */
export async function setStage(belongings: Belongings, hosts: number, products: number): Promise<Stage> {
  const { folder, onSpawn } = belongings;
  const program = await findOrInstallRedis(console.log);
  if (program === undefined)
    throw new Obstacle('Coherence is proved with a Redis: put redis-server or valkey-server on the PATH.');
  const [postgres, redis] = await Promise.all([
    startPostgres({
      dataDir: join(folder, 'postgres'),
      password,
      settings: { fsync: 'off', full_page_writes: 'off', max_connections: 300 },
      onSpawn,
    }),
    controlRedis(program, belongings),
  ]);
  await makeCatalogue(postgres, products, hosts, onSpawn);
  const target = { host: '127.0.0.1', port: postgres.port };
  const numbers = Array.from({ length: hosts }, (_, number) => number);
  const proxies = await Promise.all(
    numbers.map(() => startFaultProxy(target, { keepsConversations: false })),
  );
  return {
    databaseUrl: urlOf('postgres', postgres.port),
    proxies,
    redis,
    databaseUrlOf: (host) => urlOf(roleOf(host), proxies[host]?.port ?? postgres.port),
  };
}

const urlOf = (role: string, port: number) => `postgres://${role}:${password}@127.0.0.1:${port}/frontshelf`;

async function makeCatalogue(
  postgres: Postgres,
  products: number,
  hosts: number,
  onSpawn: Belongings['onSpawn'],
): Promise<void> {
  await query(postgres.url, async (client) => {
    await client.query(`CREATE ROLE frontshelf_owner LOGIN CREATEROLE PASSWORD '${password}'`);
    await client.query('CREATE DATABASE frontshelf OWNER frontshelf_owner');
  });
  const env = { DATABASE_OWNER_URL: urlOf('frontshelf_owner', postgres.port) };
  await runProgram('sql/main.ts', [], env, onSpawn);
  await runProgram('seed/main.ts', ['--products', String(products)], env, onSpawn);
  await query(postgres.url, async (client) => {
    for (let host = 0; host < hosts; host++)
      await client.query(
        `CREATE ROLE ${roleOf(host)} LOGIN PASSWORD '${password}' IN ROLE frontshelf_reader`,
      );
  });
}

async function controlRedis(program: string, { folder, onSpawn }: Belongings): Promise<RedisControl> {
  const dataFolder = join(folder, 'redis');
  const file = join(dataFolder, 'dump.rdb');
  mkdirSync(dataFolder);
  const account = serviceAccount();
  if (account) chownSync(dataFolder, account.uid, account.gid);
  const start = (port?: number) =>
    startRedis({ program, args: ['--dir', dataFolder], onSpawn, ...(port !== undefined && { port }) });
  let redis: Redis = await start();
  let dumps: string[] = [];
  let dumpsMade = 0;

  return {
    url: redis.url,
    get process() {
      return redis.process;
    },
    async dump() {
      await command(redis.url, (client) => client.save());
      const copy = join(folder, `dump-${++dumpsMade}.rdb`);
      copyFileSync(file, copy);
      dumps = [...dumps, copy].slice(-dumpsKept);
    },
    flush: () => command(redis.url, (client) => client.flushall()),
    async restart(from) {
      const [oldest] = dumps;
      if (from === 'dump' && oldest === undefined) throw new Error('No dump of Redis was made yet.');
      process.kill(redis.process.pid, 'SIGKILL');
      await redis.exited;
      rmSync(file, { force: true });
      if (from === 'dump' && oldest !== undefined) copyFileSync(oldest, file);
      redis = await start(redis.port);
    },
  };
}

/** On a connection of its own, so that no fault outlives the command it befell. */
async function command(url: string, give: (client: RedisClient) => Promise<unknown>): Promise<void> {
  const client = new RedisClient(url, { retryStrategy: () => null, commandTimeout: 5000 });
  client.on('error', () => {});
  try {
    await give(client);
  } finally {
    client.disconnect();
  }
}
