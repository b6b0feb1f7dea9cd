import { LRUCache } from 'lru-cache';
import type { Codec, Stamp } from './entry.ts';

export interface MemoryEntry<V> {
  readonly value: V;
  readonly stamp: Stamp;
  /** How long it took to make; from Redis, how long it took to get. */
  readonly costMs: number;
  /** When its time is over; brought forward to the moment in which it is outdated by a change. */
  freshUntilMs: number;
  /** Until then it may answer; it is `freshUntilMs` and the time in which it may be read anew meanwhile. */
  servableUntilMs: number;
  /** From then on a request may cause it to be read anew. */
  refreshFromMs: number;
}

/**
 * Values in this process, least recently used out first, bounded in bytes. Entries stay past
 * `servableUntilMs`, as what stands between a failing source and an error; the reader decides what is fresh.
 * (A TTL of lru-cache's own would cost a clock reading per lookup.)
 */
export interface MemoryTier<V> {
  get(key: string): MemoryEntry<V> | undefined;
  /** The same without counting as a use. */
  peek(key: string): MemoryEntry<V> | undefined;
  set(key: string, entry: MemoryEntry<V>): void;
  delete(key: string): void;
  /** Accounts anew for a value whose size has changed. Does nothing if `key` holds another value by now. */
  resized(key: string, value: V): void;
  forEach(visit: (entry: MemoryEntry<V>) => void): void;
  readonly entries: number;
  readonly sizeBytes: number;
}

// Lets lru-cache preallocate its lists; no real page is smaller.
const smallestEntryBytes = 2048;
const mostEntries = 1_000_000;

/**
 * `maxBytes` 0 gives a tier that keeps nothing. A single value larger than `maxBytes` is not kept. `onEvict` hears
 * of each value given up for want of room.
 */
export function createMemoryTier<V>(
  maxBytes: number,
  codec: Codec<V>,
  onEvict: () => void = () => {},
): MemoryTier<V> {
  if (maxBytes === 0)
    return {
      get: () => undefined,
      peek: () => undefined,
      set() {},
      delete() {},
      resized() {},
      forEach() {},
      entries: 0,
      sizeBytes: 0,
    };
  const lru = new LRUCache<string, MemoryEntry<V>>({
    max: Math.max(1, Math.min(mostEntries, Math.ceil(maxBytes / smallestEntryBytes))),
    maxSize: maxBytes,
    sizeCalculation: (entry, key) => key.length + codec.sizeBytes(entry.value),
    dispose: (_entry, _key, reason) => {
      if (reason === 'evict') onEvict();
    },
  });
  return {
    get: (key) => lru.get(key),
    peek: (key) => lru.peek(key),
    set: (key, entry) => void lru.set(key, entry),
    delete: (key) => void lru.delete(key),
    resized(key, value) {
      const entry = lru.peek(key);
      // A copy, because lru-cache measures again only when the stored object is another one.
      if (entry?.value === value) lru.set(key, { ...entry });
    },
    forEach: (visit) => lru.forEach((entry) => void visit(entry)),
    get entries() {
      return lru.size;
    },
    get sizeBytes() {
      return lru.calculatedSize;
    },
  };
}
