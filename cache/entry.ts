/**
 * Names the snapshot of the source that a value was read in. The cache carries stamps and never looks
 * inside: what a stamp covers is the source's to say, through `History`.
 */
export type Stamp = string;

/** Names a committed change of the source: a decimal number, in the order in which changes began. */
export type ChangeId = string;

/** Stands for all keys at once. */
export const everyKey = '*';

/** What the source holds under `key`, or under all keys, is another thing since this change. */
export interface Change {
  readonly key: string;
  readonly id: ChangeId;
}

/** How stamps and changes relate. All of it is exact, whatever the order in which changes were committed. */
export interface History {
  /** Whether a text is a stamp at all; the others may be asked of stamps only. */
  isStamp(text: string): boolean;
  /** Whether what was read under this stamp includes this change. */
  covers(stamp: Stamp, change: ChangeId): boolean;
  /** Whether what was read under `later` includes every change that what was read under `earlier` includes. */
  includes(later: Stamp, earlier: Stamp): boolean;
  /** What was read under this stamp includes every committed change with a smaller id than this. */
  horizon(stamp: Stamp): ChangeId;
}

/** What a key held when it was read: `value` is undefined when the source has nothing under that key. */
export interface Loaded<V> {
  readonly value: V | undefined;
  readonly stamp: Stamp;
}

/** Whom a value is read for, as it is when one asks: it may be more people or nobody by then. */
export interface Demand {
  /** False: it is read before anybody needs it. */
  isWaitedFor(): boolean;
  /** False: all who waited for it have gone. */
  isWanted(): boolean;
}

/** Which shelf an answer came from; `stale` may miss changes that are older than it should, `negative` is a remembered absence. */
export type ServedFrom = 'memory' | 'redis' | 'postgres' | 'stale' | 'negative';

/**
 * What Redis had: `outdated` is a value from before a change that is known here, `bypass` that it was not asked, since it
 * does not answer or cannot be told of changes.
 */
export type RedisResult = 'hit' | 'miss' | 'negative' | 'outdated' | 'error' | 'bypass';

/** How the cache treats values it does not otherwise understand. */
export interface Codec<V> {
  /** Bytes that the value occupies in memory. */
  sizeBytes(value: V): number;
  /** The value as bytes, one per character (latin1). */
  encode(value: V): string;
  /** The inverse of `encode`; undefined when the bytes are not a value. */
  decode(bytes: string): V | undefined;
}

/** Told what happened, for metrics. Calls are synchronous and must not throw. */
export interface CacheObserver {
  memoryAnswered(result: 'hit' | 'miss' | 'stale' | 'negative'): void;
  redisAnswered(result: RedisResult): void;
  /** A request waited for a fill that another request of this worker had begun, or another worker had. */
  coalesced(scope: 'worker' | 'cluster'): void;
  /** What came of the right to fill a key for all workers. */
  leased(result: 'granted' | 'early' | 'refused' | 'expired'): void;
  /** An entry that is still good was read anew before, or soon after, its time was over. */
  refreshed(): void;
  filled(outcome: 'redis' | 'postgres' | 'absent' | 'error', durationMs: number): void;
  /** Memory gave up a value for want of room. */
  evicted(): void;
}

/** Monotonic milliseconds; wall-clock steps must not move a TTL. */
export type Clock = () => number;
