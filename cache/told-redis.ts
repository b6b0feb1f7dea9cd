import type { Redis } from 'ioredis';
import type { Told, ToldRedis } from './invalidation.ts';
import { defineScripts } from './redis-scripts.ts';
import { format, hostKey, pageKey } from './redis-tier.ts';

/** A host that has told nothing for so long is not needed any more for others to join. */
const keepMs = 60 * 60 * 1000;
/** No name or stamp of ours comes near it; what is longer is somebody else's, and is not transferred. */
const longestNameBytes = 64;
const longestStampBytes = 1024 * 1024;

export interface ToldRedisOptions {
  /** For so long the telling of another host takes nothing away again for the same change. */
  readonly toldMs?: number;
}

export function createToldRedis(redis: Redis, { toldMs = 2000 }: ToldRedisOptions = {}): ToldRedis {
  defineScripts(redis);
  const epochKey = (timeline: string) => `${format}/${timeline}/epoch`;
  const latestKey = (timeline: string) => `${format}/${timeline}/latest`;

  /** The name under this key. What is there and is none is removed, as it would stand in the way of what belongs there. */
  async function nameAt(key: string): Promise<string | undefined> {
    const text = await redis.getrange(key, 0, longestNameBytes).catch(noneIfOfAnotherType);
    if (text !== undefined && /^[\w-]{1,64}$/.test(text)) return text;
    if (text !== '') await redis.unlink(key);
    return undefined;
  }

  /** What a host has told, if that can be so. */
  async function toldBy(epoch: string, host: string): Promise<Told | undefined> {
    const key = hostKey(epoch, host);
    const length = await redis.hstrlen(key, 'stamp').catch(noneIfOfAnotherType);
    if (length === undefined || length > longestStampBytes) return undefined;
    const [batch, stamp] = await redis.hmget(key, 'batch', 'stamp');
    return stamp && /^\d{1,15}$/.test(batch ?? '') ? { host, batch: Number(batch), stamp } : undefined;
  }

  return {
    async read(timeline) {
      const epoch = await nameAt(epochKey(timeline));
      if (epoch === undefined) return undefined;
      const host = await nameAt(latestKey(timeline));
      return { epoch, told: host === undefined ? undefined : await toldBy(epoch, host) };
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

function noneIfOfAnotherType(error: unknown): undefined {
  if (!(error instanceof Error) || !error.message.startsWith('WRONGTYPE')) throw error;
}

function verdict(reply: string): 'told' | 'moved' {
  if (reply === 'told' || reply === 'moved') return reply;
  throw new Error(`Redis replied ${reply}.`);
}
