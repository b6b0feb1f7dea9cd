/** What the hosts stand on: Postgres and Redis of the run's own, in a folder that goes with it. */
import { chownSync, copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Redis as RedisClient } from 'ioredis';
import { Obstacle } from '../../local/obstacle.js';
import type { ProcessIdentity } from '../../local/processes.js';
import { findOrInstallRedis, type Redis, startRedis } from '../../local/redis.ts';
import { serviceAccount } from '../../local/unprivileged.ts';
import type { Belongings } from '../services/belongings.ts';
import { startDatabase } from '../services/database.ts';
import { type HostProxy, startProxy } from './proxy.ts';

const dumpsKept = 5;

export interface Stage {
  /** As the superuser, past any proxy. */
  readonly databaseUrl: string;
  /** One for each host, who logs in as `roleOf(host)`. */
  readonly proxies: readonly HostProxy[];
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

/** Rejects with Obstacle when there is no Postgres or no Redis to be had. */
export async function setStage(belongings: Belongings, hosts: number, products: number): Promise<Stage> {
  const program = await findOrInstallRedis(console.log);
  if (program === undefined)
    throw new Obstacle('Coherence is proved with a Redis: put redis-server or valkey-server on the PATH.');
  const numbers = Array.from({ length: hosts }, (_, number) => number);
  const [database, redis] = await Promise.all([
    startDatabase(belongings, { products, readers: numbers.map(roleOf), settings: { max_connections: 300 } }),
    controlRedis(program, belongings),
  ]);
  const target = { host: '127.0.0.1', port: database.postgres.port };
  const proxies = await Promise.all(numbers.map(() => startProxy(target)));
  return {
    databaseUrl: database.urlOf('postgres'),
    proxies,
    redis,
    databaseUrlOf: (host) => database.urlOf(roleOf(host), proxies[host]?.port),
  };
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
