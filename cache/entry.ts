/**
 * Names the snapshot of the source that a value was read in. The cache carries stamps and never looks
 * inside: whether a stamp covers a change is the source's to say.
 */
export type Stamp = string;

/** What a key held when it was read: `value` is undefined when the source has nothing under that key. */
export interface Loaded<V> {
  readonly value: V | undefined;
  readonly stamp: Stamp;
}

/** Which shelf an answer came from; `stale` is a memory entry past its time, `negative` a remembered absence. */
export type ServedFrom = 'memory' | 'redis' | 'postgres' | 'stale' | 'negative';

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
  redisAnswered(result: 'hit' | 'miss' | 'error'): void;
  /** A request waited for a fill that another request had begun. */
  coalesced(): void;
  filled(outcome: 'redis' | 'postgres' | 'absent' | 'error', durationMs: number): void;
  /** Memory gave up a value for want of room. */
  evicted(): void;
}

/** Monotonic milliseconds; wall-clock steps must not move a TTL. */
export type Clock = () => number;
