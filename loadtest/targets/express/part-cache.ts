import { Redis } from 'ioredis';

/** The cached text of a key, or else what `read` gives, which is then kept unless it is null. */
export type PartCache = (key: string, read: () => Promise<string | null>) => Promise<string | null>;

/** A request waits so long for Redis before it does without. */
const commandTimeoutMs = 200;

/** Cache-aside. Without Redis every request reads the database, and none fails. */
export function cachedInRedis(url: string, ttlMs: number): PartCache {
  const redis = new Redis(url, { commandTimeout: commandTimeoutMs, enableOfflineQueue: false });
  redis.on('error', () => {});
  return async (key, read) => {
    const cached = await redis.get(key).catch(() => null);
    if (cached !== null) return cached;
    const text = await read();
    if (text !== null) void redis.set(key, text, 'PX', ttlMs).catch(() => {});
    return text;
  };
}
