/** What the hosts stand on: Postgres and Redis of the run's own, in a folder that goes with it. */

import { type HostProxy, startProxy } from '../provers/proxy.ts';
import { controlRedis, type RedisControl } from '../provers/redis.ts';
import type { Belongings } from '../services/belongings.ts';
import { startDatabase } from '../services/database.ts';

export interface Stage {
  /** As the superuser, past any proxy. */
  readonly databaseUrl: string;
  /** One for each host, who logs in as `roleOf(host)`. */
  readonly proxies: readonly HostProxy[];
  readonly redis: RedisControl;
  databaseUrlOf(host: number): string;
}

export const roleOf = (host: number): string => `probe_host_${host + 1}`;

/** Rejects with Obstacle when there is no Postgres or no Redis to be had. */
export async function setStage(belongings: Belongings, hosts: number, products: number): Promise<Stage> {
  const numbers = Array.from({ length: hosts }, (_, number) => number);
  const redis = await controlRedis(belongings, 'Coherence is proved');
  const database = await startDatabase(belongings, {
    products,
    readers: numbers.map(roleOf),
    settings: { max_connections: 300 },
  });
  const target = { host: '127.0.0.1', port: database.postgres.port };
  const proxies = await Promise.all(numbers.map(() => startProxy(target)));
  return {
    databaseUrl: database.urlOf('postgres'),
    proxies,
    redis,
    databaseUrlOf: (host) => database.urlOf(roleOf(host), proxies[host]?.port),
  };
}
