/**
 * One key's way from the shelves behind memory: Redis, under its lease, and then the source.
 *
 * - What a fill was begun under, the mark up to which Redis was told and the changes it may not have been told of, is what a
 *   value from Redis is held to, whatever has become of it meanwhile: the value may have left Redis before.
 * - Of all workers that miss one key in Redis, one is given the lease and reads the source; the others ask Redis again
 *   until it has the value. When the lease's time is over, its holder may be dead and the next one is given it.
 * - A failing Redis is a miss, to which nothing is stored.
 */
import type { AppliedMark } from './coherence.ts';
import type { CacheObserver, ChangeId, Clock, Demand, Loaded, RedisResult, Stamp } from './entry.ts';
import type { Lease, RedisLookup, RedisTier } from './redis-tier.ts';

/** What was so when the fill was begun. */
export interface FillOrigin {
  readonly key: string;
  readonly startedAtMs: number;
  /** Undefined: Redis is not to be used. */
  readonly applied: AppliedMark | undefined;
  readonly floor: readonly ChangeId[];
  /** One that was given before, to read the value anew: Redis is not asked again. */
  readonly lease: Lease | undefined;
  readonly demand: Demand;
}

export interface Filled<V> extends Loaded<V> {
  readonly from: 'redis' | 'source';
  /** What Redis answered; undefined when there is none. */
  readonly redis: RedisResult | undefined;
  /** Given to read the value anew: its time is nearly over. */
  readonly lease?: Lease;
  readonly costMs: number;
}

export interface FillOptions<V> {
  readonly redis: RedisTier<V> | undefined;
  readonly load: (key: string, demand: Demand) => Promise<Loaded<V>>;
  readonly covers: (stamp: Stamp, changes: readonly ChangeId[]) => boolean;
  readonly fillTimeoutMs: number;
  readonly leaseMs: number;
  readonly ttlMs: (value: V | undefined) => number;
  readonly observer: CacheObserver;
  readonly now: Clock;
  readonly delay: (ms: number) => Promise<void>;
}

export class LoadTimeoutError extends Error {
  override name = 'LoadTimeoutError';
  readonly code = 'load_timeout';
}

const firstPauseMs = 2;
const longestPauseMs = 4;

/** Rejects with the source's error, or with `LoadTimeoutError`; an error of a source that has failed in Redis too. */
export async function fill<V>(origin: FillOrigin, options: FillOptions<V>): Promise<Filled<V>> {
  const { redis, load, covers, observer, now } = options;
  const { key, startedAtMs } = origin;
  const found = await askRedis(origin, options);
  const redisResult = found && resultOf(found, origin.floor, covers);
  if (redisResult !== undefined) observer.redisAnswered(redisResult);
  if (found?.result === 'hit' && redisResult !== 'outdated')
    return {
      value: found.value,
      stamp: found.stamp,
      from: 'redis',
      redis: redisResult,
      ...(found.lease && { lease: found.lease }),
      costMs: now() - startedAtMs,
    };

  const lease = origin.lease ?? (found?.result === 'miss' ? found.lease : undefined);
  const loadedFromMs = now();
  try {
    const leftMs = Math.max(0, options.fillTimeoutMs - (loadedFromMs - startedAtMs));
    const { value, stamp } = await within(leftMs, load(key, origin.demand));
    const costMs = now() - loadedFromMs;
    // The lease alone decides whether it is still good for Redis.
    if (lease && !covers(stamp, origin.floor)) redis?.release(lease);
    else if (lease)
      void redis?.store(lease, value, stamp, { ttlMs: options.ttlMs(value), costMs }).then((isStored) => {
        if (!isStored) observer.leased('refused');
      });
    return { value, stamp, from: 'source', redis: redisResult, costMs };
  } catch (error) {
    if (lease) redis?.release(lease);
    throw error;
  }
}

function resultOf<V>(
  found: RedisLookup<V>,
  floor: readonly ChangeId[],
  covers: FillOptions<V>['covers'],
): RedisResult {
  if (found.result === 'wait') return 'miss';
  if (found.result !== 'hit') return found.result;
  if (!covers(found.stamp, floor)) return 'outdated';
  return found.value === undefined ? 'negative' : 'hit';
}

/** Asks until there is a value, or the right to make one, or no point in waiting for either. */
async function askRedis<V>(
  { key, applied, startedAtMs, lease }: FillOrigin,
  { redis, leaseMs, observer, now, delay }: FillOptions<V>,
): Promise<RedisLookup<V> | undefined> {
  if (redis === undefined || lease !== undefined) return undefined;
  if (applied === undefined) return { result: 'bypass' };
  for (let pauseMs = 0; ; pauseMs = Math.min(longestPauseMs, pauseMs * 2 || firstPauseMs)) {
    if (pauseMs > 0) await delay(pauseMs);
    const found = await redis.lookup(key, applied);
    if (found.result === 'miss') observer.leased('granted');
    if (found.result === 'hit' && found.lease) observer.leased('early');
    if (found.result !== 'wait') return found;
    if (pauseMs === 0) observer.coalesced('cluster');
    // Twice, since the lease may have changed hands once. Who reads past it does not store: nobody would stop the next.
    if (now() - startedAtMs > 2 * leaseMs) {
      observer.leased('expired');
      return found;
    }
  }
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
