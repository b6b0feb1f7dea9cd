import type { Redis } from 'ioredis';
import type { Codec, Loaded, Stamp } from './entry.ts';

export type RedisLookup<V> =
  | ({ readonly result: 'hit' } & Loaded<V> & { readonly value: V })
  | { readonly result: 'miss' | 'error' };

/**
 * Values shared by all workers and hosts. Redis is not trusted to be there, in time, or right: a lookup
 * never rejects, and bytes that are not what `store` wrote are an error, which is a miss with a name.
 */
export interface RedisTier<V> {
  /** One round trip, bounded by the connection's command timeout. */
  lookup(key: string): Promise<RedisLookup<V>>;
  /** Resolves true when Redis took the value. Never rejects. */
  store(key: string, value: V, stamp: Stamp, ttlMs: number): Promise<boolean>;
}

/** Why a command failed: no answer in time, nobody there to answer or not yet able to, or an answer that is an error. */
export type RedisFailure = 'timeout' | 'unavailable' | 'other';

/** Told how long Redis takes, for metrics. Calls are synchronous and must not throw. */
export interface RedisObserver {
  /** The command alone; `failure` undefined: Redis did as it was told. */
  commandEnded(op: 'get' | 'set', durationMs: number, failure: RedisFailure | undefined): void;
  /** The same with the work on the value, whatever came of it. */
  operationEnded(op: 'get' | 'set', durationMs: number): void;
}

const silent: RedisObserver = { commandEnded() {}, operationEnded() {} };

/** Part of every key: workers of different versions of the format never read each other's values. */
const format = 'frontshelf:1:';

/** No page comes near it; a value beyond it is somebody else's mistake and is never transferred whole. */
const largestValueBytes = 4 * 1024 * 1024;

/** Stored bytes are one line, the key and the stamp, and then the encoded value. */
function frame(key: string, stamp: Stamp, body: string): Buffer {
  return Buffer.from(`${key} ${stamp}\n${body}`, 'latin1');
}

function unframe(key: string, bytes: Buffer): { stamp: Stamp; body: string } | undefined {
  const endOfLine = bytes.indexOf('\n');
  if (endOfLine < 0 || bytes.length > largestValueBytes) return undefined;
  const [storedKey, stamp, ...rest] = bytes.toString('latin1', 0, endOfLine).split(' ');
  if (storedKey !== key || stamp === undefined || rest.length > 0) return undefined;
  return { stamp, body: bytes.toString('latin1', endOfLine + 1) };
}

export function createRedisTier<V>(
  redis: Redis,
  codec: Codec<V>,
  observer: RedisObserver = silent,
): RedisTier<V> {
  async function command<T>(op: 'get' | 'set', startedAtMs: number, answer: Promise<T>): Promise<T> {
    try {
      const result = await answer;
      observer.commandEnded(op, performance.now() - startedAtMs, undefined);
      return result;
    } catch (error) {
      observer.commandEnded(op, performance.now() - startedAtMs, failureOf(error));
      throw error;
    }
  }

  async function lookup(key: string, startedAtMs: number): Promise<RedisLookup<V>> {
    try {
      // GETRANGE rather than GET, for its bound: a byte more than the largest value proves it too large.
      const answer = redis.getrangeBuffer(format + key, 0, largestValueBytes);
      const bytes = await command('get', startedAtMs, answer);
      if (bytes.length === 0) return { result: 'miss' };
      const framed = unframe(key, bytes);
      const value = framed && codec.decode(framed.body);
      if (framed && value !== undefined) return { result: 'hit', value, stamp: framed.stamp };
      discard(redis, format + key);
    } catch (error) {
      if (error instanceof Error && error.message.startsWith('WRONGTYPE')) discard(redis, format + key);
    }
    return { result: 'error' };
  }

  return {
    async lookup(key) {
      const startedAtMs = performance.now();
      const found = await lookup(key, startedAtMs);
      observer.operationEnded('get', performance.now() - startedAtMs);
      return found;
    },
    async store(key, value, stamp, ttlMs) {
      const startedAtMs = performance.now();
      try {
        const bytes = frame(key, stamp, codec.encode(value));
        const answer = redis.set(format + key, bytes, 'PX', Math.ceil(ttlMs));
        await command('set', performance.now(), answer);
        return true;
      } catch {
        return false;
      } finally {
        observer.operationEnded('set', performance.now() - startedAtMs);
      }
    },
  };
}

/** The client tells only by the text of its errors. */
function failureOf(error: unknown): RedisFailure {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  if (name === 'ReplyError')
    return /^(LOADING|MASTERDOWN|CLUSTERDOWN) /.test(message) ? 'unavailable' : 'other';
  return /timed out|timeout/i.test(message) ? 'timeout' : 'unavailable';
}

function discard(redis: Redis, key: string): void {
  redis.unlink(key).catch(() => {
    // The key stays and is discarded at the next lookup; until then it is an error each time, not a wrong page.
  });
}
