import type { Redis } from 'ioredis';
import type { ToldRedis } from './invalidation.ts';
import { defineScripts } from './redis-scripts.ts';
import { format, hostKey, pageKey } from './redis-tier.ts';

/** A host that has told nothing for so long is not needed any more for others to join. */
const keepMs = 60 * 60 * 1000;

export interface ToldRedisOptions {
  /** For so long the telling of another host takes nothing away again for the same change. */
  readonly toldMs?: number;
}

export function createToldRedis(redis: Redis, { toldMs = 2000 }: ToldRedisOptions = {}): ToldRedis {
  defineScripts(redis);
  const epochKey = (timeline: string) => `${format}/${timeline}/epoch`;
  const latestKey = (timeline: string) => `${format}/${timeline}/latest`;
  return {
    async read(timeline) {
      const [epoch, host] = await redis.mget(epochKey(timeline), latestKey(timeline));
      if (!epoch) return undefined;
      const [batch, stamp] = host ? await redis.hmget(hostKey(epoch, host), 'batch', 'stamp') : [];
      const told = host && batch && stamp ? { host, batch: Number(batch), stamp } : undefined;
      return { epoch, told };
    },
    async begin(timeline, before, epoch, { host, batch, stamp }) {
      const keys = [epochKey(timeline), latestKey(timeline), hostKey(epoch, host)];
      return verdict(await redis.epochBegin(...keys, before ?? '', epoch, host, batch, stamp, keepMs));
    },
    async tell(timeline, epoch, before, { host, batch, stamp }, changes) {
      const hosts = [hostKey(epoch, before.host), hostKey(epoch, host)];
      const keys = [epochKey(timeline), latestKey(timeline), ...hosts];
      const pages = changes.map(({ key }) => pageKey(epoch, key));
      const ids = changes.map(({ id }) => id);
      const state = [epoch, before.batch, host, batch, stamp, keepMs, toldMs];
      const reply = await redis.epochTell(keys.length + pages.length, ...keys, ...pages, ...state, ...ids);
      return reply === 'rewound' ? 'rewound' : verdict(reply);
    },
  };
}

function verdict(reply: string): 'told' | 'moved' {
  if (reply === 'told' || reply === 'moved') return reply;
  throw new Error(`Redis replied ${reply}.`);
}
