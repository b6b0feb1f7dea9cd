/** For tests: a cache whose clock stands still and whose every read waits until the test answers it. */
import { type AppliedMark, type ChangeListener, type Coherence, timeAlone } from './coherence.ts';
import type { CacheObserver, ChangeId, Codec, Demand, Loaded, Stamp } from './entry.ts';
import { modelHistory } from './model-history.ts';
import { createReadThrough, type ReadThrough, type ReadThroughOptions, type Served } from './read-through.ts';
import type { Lease, RedisLookup, RedisTier, StoreOptions } from './redis-tier.ts';

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

export interface Load extends Call<Loaded<string>> {
  readonly demand: Demand;
}

export interface Store extends StoreOptions {
  readonly lease: Lease;
  readonly value: string | undefined;
  readonly stamp: Stamp;
  resolve(isStored: boolean): void;
}

/** What a cache waits for that lets time pass. */
export interface Pause {
  readonly ms: number;
  resolve(): void;
}

export const mark: AppliedMark = { epoch: 'epoch', host: 'host', batch: 0 };

/** Time alone bounds what is kept, and Redis may be used. */
const redisIsTold: Coherence = { ...timeAlone, applied: mark };

export const leaseOf = (key: string): Lease => ({ key, epoch: mark.epoch, token: `lease of ${key}` });

/** What Redis says to the first who misses a key in it. */
export const granted = (key: string): RedisLookup<string> => ({ result: 'miss', lease: leaseOf(key) });

export interface ByHand {
  readonly cache: ReadThrough<string>;
  /** Calls of the source and of Redis, in order, answered ones too. */
  readonly loads: Load[];
  readonly lookups: Call<RedisLookup<string>>[];
  readonly stores: Store[];
  readonly releases: Lease[];
  readonly pauses: Pause[];
  /** What the observer heard, such as `memory miss`. */
  readonly heard: string[];
  readonly clock: { nowMs: number };
  /** What a request does: memory first, and then the rest. */
  get(key: string): Promise<Pick<Served<string>, 'value' | 'servedFrom'>>;
}

export interface ByHandOptions
  extends Partial<Omit<ReadThroughOptions<string>, 'redis' | 'load' | 'now' | 'delay' | 'observer'>> {
  /** False: no Redis tier. */
  readonly redis?: boolean;
  readonly onLookup?: () => void;
  readonly onLoad?: () => void;
}

export function cacheByHand({ redis = false, onLookup, onLoad, ...options }: ByHandOptions = {}): ByHand {
  const clock = { nowMs: 0 };
  const loads: Load[] = [];
  const lookups: Call<RedisLookup<string>>[] = [];
  const stores: Store[] = [];
  const releases: Lease[] = [];
  const pauses: Pause[] = [];
  const heard: string[] = [];
  const observer: CacheObserver = {
    memoryAnswered: (result) => heard.push(`memory ${result}`),
    redisAnswered: (result) => heard.push(`redis ${result}`),
    coalesced: (scope) => heard.push(`coalesced in the ${scope}`),
    leased: (result) => heard.push(`lease ${result}`),
    refreshed: () => heard.push('refreshed'),
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
    store(lease, value, stamp, options) {
      const { promise, resolve } = Promise.withResolvers<boolean>();
      stores.push({ lease, value, stamp, ...options, resolve });
      // Unless the test does it nobody resolves it: whoever waited for it would wait for ever.
      return promise;
    },
    release: (lease) => void releases.push(lease),
  };
  const cache = createReadThrough<string>({
    codec: textCodec,
    fillTimeoutMs: 1000,
    memoryMaxBytes: 1_000_000,
    memoryTtlMs: 1000,
    negativeTtlMs: 100,
    staleWhileRevalidateMs: 0,
    staleIfErrorMs: 5000,
    redisTtlMs: 60_000,
    leaseMs: 500,
    coherence: redis ? redisIsTold : timeAlone,
    random: () => 0,
    ...options,
    observer,
    now: () => clock.nowMs,
    delay: (ms) => new Promise((resolve) => pauses.push({ ms, resolve })),
    redis: redis ? tier : undefined,
    load(key, demand) {
      const { promise, resolve, reject } = Promise.withResolvers<Loaded<string>>();
      loads.push({ key, demand, resolve, reject });
      onLoad?.();
      return promise;
    },
  });
  return {
    cache,
    loads,
    lookups,
    stores,
    releases,
    pauses,
    heard,
    clock,
    async get(key) {
      const hit = cache.hit(key, clock.nowMs);
      return hit === undefined ? cache.read(key, clock.nowMs) : { value: hit, servedFrom: 'memory' };
    },
  };
}

/** What a cache is told of changes, as the test says; stamps are those of `modelHistory`. */
export function knowledgeByHand() {
  const listeners: ChangeListener[] = [];
  const state: {
    freshUntilMs: number;
    applied: AppliedMark | undefined;
    floors: Map<string, ChangeId[]>;
    /** What comes of an attempt to know more. */
    canCatchUp: boolean;
  } = { freshUntilMs: Number.POSITIVE_INFINITY, applied: mark, floors: new Map(), canCatchUp: false };
  const coherence: Coherence = {
    ...timeAlone,
    get freshUntilMs() {
      return state.freshUntilMs;
    },
    get applied() {
      return state.applied;
    },
    floor: (key) => state.floors.get(key) ?? [],
    covers: (stamp, changes) => changes.every((id) => modelHistory.covers(stamp, id)),
    catchUp: async () => state.canCatchUp,
    listen: (listener) => void listeners.push(listener),
  };
  return {
    coherence,
    state,
    announce(key: string, id: ChangeId): void {
      for (const listener of listeners) listener.changed({ key, id });
    },
    everythingChanged(): void {
      for (const listener of listeners) listener.everythingChanged();
    },
  };
}

/** Lets everything run that waits for no answer and no timer. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
