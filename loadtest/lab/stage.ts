/** What targets stand on: a Postgres and a Redis of the run's own, and what they are asked. */
import { Redis as RedisClient } from 'ioredis';
import { query } from '../../local/database.ts';
import { Obstacle } from '../../local/obstacle.js';
import { findOrInstallRedis, startRedis } from '../../local/redis.ts';
import type { Belongings } from '../services/belongings.ts';
import { startDatabase } from '../services/database.ts';
import { cpuSecondsOf } from './processes.ts';

const reader = 'lab_reader';

export interface Stage {
  /** As the superuser. */
  readonly ownerUrl: string;
  /** As the role that targets have. */
  readonly readerUrl: string;
  readonly redisUrl: string;
  usage(): Promise<Usage>;
  /** Empties Redis. */
  flushRedis(): Promise<void>;
  stopRedis(): Promise<void>;
  /** On the same port, empty. */
  startRedis(): Promise<void>;
}

/** Since the services began. */
export interface Usage {
  readonly sqlStatements: number;
  /** Statements among them that read a whole page. */
  readonly pageStatements: number;
  /** 0 again when Redis has been started again. */
  readonly redisCommands: number;
  readonly postgresCpuSeconds: number;
  readonly redisCpuSeconds: number;
}

/** Rejects with Obstacle when there is no Postgres or no Redis to be had. */
export async function setStage(belongings: Belongings, products: number): Promise<Stage> {
  const program = await findOrInstallRedis(console.log);
  if (program === undefined)
    throw new Obstacle('The lab needs a Redis: put redis-server or valkey-server on the PATH.');
  const { onSpawn } = belongings;
  const database = await startDatabase(belongings, {
    products,
    readers: [reader],
    settings: {
      shared_preload_libraries: 'pg_stat_statements',
      'pg_stat_statements.track': 'top',
      max_connections: 400,
      shared_buffers: '256MB',
    },
  });
  const ownerUrl = database.urlOf('postgres');
  await query(ownerUrl, async (client) => {
    await client.query('CREATE EXTENSION pg_stat_statements');
    // Whatever the seed left to do is done before anything is measured.
    await client.query('VACUUM ANALYZE');
  });
  let redis = await startRedis({ program, onSpawn });

  const command = async <T>(give: (client: RedisClient) => Promise<T>): Promise<T> => {
    const client = new RedisClient(redis.url, { retryStrategy: () => null, commandTimeout: 5000 });
    client.on('error', () => {});
    try {
      return await give(client);
    } finally {
      client.disconnect();
    }
  };

  return {
    ownerUrl,
    readerUrl: database.urlOf(reader),
    redisUrl: redis.url,
    async usage() {
      const [statements, info] = await Promise.all([
        query(ownerUrl, (client) =>
          // Frontshelf takes the role that its log-in is a member of. Only the statement of a whole page reads this table and
          // that one.
          client.query<{ all: string; pages: string }>(
            `SELECT coalesce(sum(calls), 0) AS all,
               coalesce(sum(calls) FILTER (WHERE query ~ 'achievement' AND query ~ 'social_link'), 0) AS pages
             FROM pg_stat_statements WHERE userid IN ($1::regrole, 'frontshelf_reader'::regrole)`,
            [reader],
          ),
        ),
        command((client) => client.info('stats')),
      ]);
      return {
        sqlStatements: Number(statements.rows[0]?.all),
        pageStatements: Number(statements.rows[0]?.pages),
        redisCommands: Number(/total_commands_processed:(\d+)/.exec(info)?.[1]),
        postgresCpuSeconds: cpuSecondsOf([database.postgres.process.pid]),
        redisCpuSeconds: cpuSecondsOf([redis.process.pid]),
      };
    },
    flushRedis: () => command(async (client) => void (await client.flushall())),
    stopRedis: () => redis.stop(),
    async startRedis() {
      redis = await startRedis({ program, port: redis.port, onSpawn });
    },
  };
}
