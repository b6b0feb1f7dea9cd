/** For tests: a cache whose clock stands still and whose every read waits until the test answers it. */
import type { CacheObserver, Codec, Loaded } from './entry.ts';
import { createReadThrough, type ReadThrough, type ReadThroughOptions } from './read-through.ts';
import type { RedisLookup, RedisTier } from './redis-tier.ts';

/** Strings are their own bytes; the empty one is "not a value". */
export const textCodec: Codec<string> = {
  sizeBytes: (value) => Math.max(1, value.length),
  encode: (value) => value,
  decode: (bytes) => (bytes === '' ? undefined : bytes),
};

/** A call that waits for its answer. */
export interface Call<T> {
  readonly key: string;
  resolve(answer: T): void;
  reject(error: Error): void;
}

export interface Store {
  readonly key: string;
  readonly value: string;
  readonly stamp: string;
  readonly ttlMs: number;
}

export interface ByHand {
  readonly cache: ReadThrough<string>;
  /** Calls of the source and of Redis, in order, answered ones too. */
  readonly loads: Call<Loaded<string>>[];
  readonly lookups: Call<RedisLookup<string>>[];
  readonly stores: Store[];
  /** What the observer heard, such as `memory miss`. */
  readonly heard: string[];
  readonly clock: { nowMs: number };
  /** What a request does: memory first, and then the rest. */
  get(key: string): Promise<{ value: string | undefined; servedFrom: string }>;
}

export interface ByHandOptions extends Partial<Omit<ReadThroughOptions<string>, 'redis' | 'load' | 'now'>> {
  /** False: no Redis tier. */
  readonly redis?: boolean;
  readonly onLookup?: () => void;
  readonly onLoad?: () => void;
}

export function cacheByHand({ redis = false, onLookup, onLoad, ...options }: ByHandOptions = {}): ByHand {
  const clock = { nowMs: 0 };
  const loads: Call<Loaded<string>>[] = [];
  const lookups: Call<RedisLookup<string>>[] = [];
  const stores: Store[] = [];
  const heard: string[] = [];
  const observer: CacheObserver = {
    memoryAnswered: (result) => heard.push(`memory ${result}`),
    redisAnswered: (result) => heard.push(`redis ${result}`),
    coalesced: () => heard.push('coalesced'),
    filled: (outcome) => heard.push(`filled ${outcome}`),
    evicted: () => heard.push('evicted'),
  };
  const tier: RedisTier<string> = {
    lookup(key) {
      const { promise, resolve, reject } = Promise.withResolvers<RedisLookup<string>>();
      lookups.push({ key, resolve, reject });
      onLookup?.();
      return promise;
    },
    store(key, value, stamp, ttlMs) {
      stores.push({ key, value, stamp, ttlMs });
      // Never: whoever waited for it would wait for ever.
      return new Promise(() => {});
    },
  };
  const cache = createReadThrough<string>({
    codec: textCodec,
    fillTimeoutMs: 1000,
    memoryMaxBytes: 1_000_000,
    memoryTtlMs: 1000,
    negativeTtlMs: 100,
    staleIfErrorMs: 5000,
    redisTtlMs: 60_000,
    observer,
    random: () => 0,
    ...options,
    now: () => clock.nowMs,
    redis: redis ? tier : undefined,
    load(key) {
      const { promise, resolve, reject } = Promise.withResolvers<Loaded<string>>();
      loads.push({ key, resolve, reject });
      onLoad?.();
      return promise;
    },
  });
  return {
    cache,
    loads,
    lookups,
    stores,
    heard,
    clock,
    async get(key) {
      const hit = cache.hit(key, clock.nowMs);
      return hit === undefined ? cache.read(key, clock.nowMs) : { value: hit, servedFrom: 'memory' };
    },
  };
}

/** Lets everything run that waits for no answer and no timer. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
