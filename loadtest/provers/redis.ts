/** A Redis of the run's own, for things to be done to. */
import { chownSync, copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Redis as RedisClient } from 'ioredis';
import { Obstacle } from '../../local/obstacle.js';
import type { ProcessIdentity } from '../../local/processes.js';
import { findOrInstallRedis, type Redis, startRedis } from '../../local/redis.ts';
import { serviceAccount } from '../../local/unprivileged.ts';
import type { Belongings } from '../services/belongings.ts';

const dumpsKept = 5;
/** Of what takes Redis a while, such as a dump, on a machine that is busy. */
const commandTimeoutMs = 30_000;

export interface RedisControl {
  readonly url: string;
  readonly port: number;
  readonly process: ProcessIdentity;
  /** Gives commands on a connection of its own, so that no fault outlives the command it befell. */
  command<T>(give: (client: RedisClient) => Promise<T>): Promise<T>;
  /** Keeps a dump of what Redis holds now. */
  dump(): Promise<void>;
  flush(): Promise<void>;
  /** Resolves when it is gone. */
  kill(): Promise<void>;
  /** After `kill`: empty, with the oldest dump that is kept, or with the newest; more arguments for redis-server. */
  start(from: 'nothing' | 'oldest dump' | 'newest dump', args?: readonly string[]): Promise<void>;
}

/** Rejects with Obstacle when there is no Redis to be had; `purpose` is what it would be for. */
export async function controlRedis(belongings: Belongings, purpose: string): Promise<RedisControl> {
  const program = await findOrInstallRedis(console.log);
  if (program === undefined)
    throw new Obstacle(`${purpose} with a Redis: put redis-server or valkey-server on the PATH.`);
  const { folder, onSpawn } = belongings;
  const dataFolder = join(folder, 'redis');
  const file = join(dataFolder, 'dump.rdb');
  mkdirSync(dataFolder);
  const account = serviceAccount();
  if (account) chownSync(dataFolder, account.uid, account.gid);
  const launch = (args: readonly string[] = [], port?: number) =>
    startRedis({
      program,
      args: ['--dir', dataFolder, ...args],
      onSpawn,
      ...(port !== undefined && { port }),
    });
  let redis: Redis = await launch();
  let dumps: string[] = [];
  let dumpsMade = 0;

  async function command<T>(give: (client: RedisClient) => Promise<T>): Promise<T> {
    const client = new RedisClient(redis.url, {
      retryStrategy: () => null,
      commandTimeout: commandTimeoutMs,
    });
    client.on('error', () => {});
    try {
      return await give(client);
    } finally {
      client.disconnect();
    }
  }

  return {
    url: redis.url,
    port: redis.port,
    get process() {
      return redis.process;
    },
    command,
    async dump() {
      await command((client) => client.save());
      const copy = join(folder, `dump-${++dumpsMade}.rdb`);
      copyFileSync(file, copy);
      dumps = [...dumps, copy].slice(-dumpsKept);
    },
    async flush() {
      await command((client) => client.flushall());
    },
    async kill() {
      process.kill(redis.process.pid, 'SIGKILL');
      await redis.exited;
    },
    async start(from, args) {
      rmSync(file, { force: true });
      const dump = dumps.at(from === 'oldest dump' ? 0 : -1);
      if (from !== 'nothing') {
        if (dump === undefined) throw new Error('No dump of Redis was made yet.');
        copyFileSync(dump, file);
      }
      redis = await launch(args, redis.port);
    },
  };
}
