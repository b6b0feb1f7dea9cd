/**
 * One key's way to its value: memory, then the fill that is already under way, then Redis, then the source.
 *
 * - A fill is registered under its key before any I/O, so a key has at most one per worker, and whoever
 *   learns that the key changed finds the fill it must be told to.
 * - A failing Redis is a miss. A failing source is answered from memory if an entry is there, however old
 *   within `staleIfErrorMs`; without one the failure reaches the caller.
 * - What was read is stored in memory before anybody is answered, and in Redis without anybody waiting.
 *   It is not stored in a Redis that just failed to answer: that would spend a deadline to no end.
 */
import type { CacheObserver, Clock, Codec, Loaded, ServedFrom } from './entry.ts';
import { createMemoryTier } from './memory-tier.ts';
import { createNegativeTier } from './negative-tier.ts';
import type { RedisTier } from './redis-tier.ts';

/** One answer and the way it took, tier by tier. */
export interface Served<V> {
  /** Undefined: the source has nothing under this key. */
  readonly value: V | undefined;
  readonly servedFrom: ServedFrom;
  /** What memory had when the request came; `off` when there is no memory tier. */
  readonly memory: 'hit' | 'miss' | 'stale' | 'negative' | 'off';
  /** What Redis answered; undefined when it was not asked. */
  readonly redis: 'hit' | 'miss' | 'error' | undefined;
  /** True when this request waited for a fill that another had begun. */
  readonly collapsed: boolean;
}

export interface ReadThrough<V> {
  /** The value, if memory has it fresh. Synchronous: the path that most requests take. */
  hit(key: string, nowMs: number): V | undefined;
  /**
   * Everything after `hit` came back empty. Rejects with the loader's error, or with `LoadTimeoutError`,
   * when the source is needed and fails and memory has nothing to fall back on.
   */
  read(key: string, nowMs: number): Promise<Served<V>>;
  /** Puts a value that was read elsewhere (warm-up) into memory, unless the key is there already. */
  warm(key: string, loaded: Loaded<V> & { value: V }): void;
  /** Accounts anew for a value that has grown since it was stored. */
  resized(key: string, value: V): void;
  readonly memoryEntries: number;
  readonly memoryBytes: number;
  readonly negativeEntries: number;
  readonly fillsInFlight: number;
}

export interface ReadThroughOptions<V> {
  readonly codec: Codec<V>;
  /** Reads the key from the source. Its errors reach the callers of `read`. */
  readonly load: (key: string) => Promise<Loaded<V>>;
  /** A fill that has no answer by then, counted from its registration, rejects with `LoadTimeoutError`. */
  readonly fillTimeoutMs: number;
  /** 0: no memory tier. */
  readonly memoryMaxBytes: number;
  readonly memoryTtlMs: number;
  readonly negativeTtlMs: number;
  readonly staleIfErrorMs: number;
  /** Undefined: no Redis tier. */
  readonly redis: RedisTier<V> | undefined;
  readonly redisTtlMs: number;
  readonly observer?: CacheObserver;
  readonly now: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

export class LoadTimeoutError extends Error {
  override name = 'LoadTimeoutError';
  readonly code = 'load_timeout';
}

const silent: CacheObserver = {
  memoryAnswered() {},
  redisAnswered() {},
  coalesced() {},
  filled() {},
  evicted() {},
};

/** Entries written together must not expire together: up to a tenth of the TTL is taken off at random. */
export const jittered = (ttlMs: number, random: () => number): number => ttlMs * (1 - 0.1 * random());

export function createReadThrough<V>(options: ReadThroughOptions<V>): ReadThrough<V> {
  const { load, redis, now, random, fillTimeoutMs, observer = silent } = options;
  const memory = createMemoryTier(options.memoryMaxBytes, options.codec, observer.evicted);
  const negative = createNegativeTier();
  const fills = new Map<string, Promise<Served<V>>>();
  const memoryIsOn = options.memoryMaxBytes > 0;

  function keep(key: string, value: V, stamp: string): void {
    negative.delete(key);
    memory.set(key, { value, stamp, freshUntilMs: now() + jittered(options.memoryTtlMs, random) });
  }

  async function fill(key: string, startedAtMs: number): Promise<Served<V>> {
    const stale = memory.get(key);
    const memoryResult = stale ? 'stale' : memoryIsOn ? 'miss' : 'off';
    if (memoryIsOn) observer.memoryAnswered(stale ? 'stale' : 'miss');

    const found = await redis?.lookup(key);
    if (found) observer.redisAnswered(found.result);
    if (found?.result === 'hit') {
      keep(key, found.value, found.stamp);
      observer.filled('redis', now() - startedAtMs);
      return {
        value: found.value,
        servedFrom: 'redis',
        memory: memoryResult,
        redis: 'hit',
        collapsed: false,
      };
    }

    const path = { memory: memoryResult, redis: found?.result, collapsed: false } as const;
    try {
      const leftMs = Math.max(0, fillTimeoutMs - (now() - startedAtMs));
      const { value, stamp } = await within(leftMs, load(key));
      if (value === undefined) {
        // Or a failing source would bring back what it has told us is gone.
        memory.delete(key);
        negative.add(key, { stamp, freshUntilMs: now() + jittered(options.negativeTtlMs, random) });
        observer.filled('absent', now() - startedAtMs);
      } else {
        keep(key, value, stamp);
        observer.filled('postgres', now() - startedAtMs);
        if (found?.result === 'miss')
          void redis?.store(key, value, stamp, jittered(options.redisTtlMs, random));
      }
      return { value, servedFrom: 'postgres', ...path };
    } catch (error) {
      observer.filled('error', now() - startedAtMs);
      if (stale && now() < stale.freshUntilMs + options.staleIfErrorMs)
        return { value: stale.value, servedFrom: 'stale', ...path };
      throw error;
    }
  }

  return {
    hit(key, nowMs) {
      const entry = memory.get(key);
      if (entry === undefined || nowMs >= entry.freshUntilMs) return undefined;
      observer.memoryAnswered('hit');
      return entry.value;
    },
    read(key, nowMs) {
      if (negative.has(key, nowMs)) {
        observer.memoryAnswered('negative');
        return Promise.resolve({
          value: undefined,
          servedFrom: 'negative',
          memory: 'negative',
          redis: undefined,
          collapsed: false,
        });
      }
      const underWay = fills.get(key);
      if (underWay) {
        observer.coalesced();
        return underWay.then((served) => ({ ...served, collapsed: true }));
      }
      const { promise, resolve, reject } = Promise.withResolvers<Served<V>>();
      fills.set(key, promise);
      fill(key, nowMs)
        .finally(() => fills.delete(key))
        .then(resolve, reject);
      return promise;
    },
    warm(key, { value, stamp }) {
      if (memory.get(key) === undefined) keep(key, value, stamp);
    },
    resized: memory.resized,
    get memoryEntries() {
      return memory.entries;
    },
    get memoryBytes() {
      return memory.sizeBytes;
    },
    get negativeEntries() {
      return negative.entries;
    },
    get fillsInFlight() {
      return fills.size;
    },
  };
}

async function within<T>(timeoutMs: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new LoadTimeoutError('the source did not answer in time')), timeoutMs);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
