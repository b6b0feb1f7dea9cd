import { LRUCache } from 'lru-cache';
import type { Stamp } from './entry.ts';

interface NegativeEntry {
  readonly stamp: Stamp;
  readonly freshUntilMs: number;
}

/** Keys known to hold nothing. Apart from the memory tier, so that a flood of made-up keys evicts no value. */
export interface NegativeTier {
  has(key: string, nowMs: number): boolean;
  peek(key: string): NegativeEntry | undefined;
  add(key: string, entry: NegativeEntry): void;
  delete(key: string): void;
  clear(): void;
  /** Those past their time included, until something needs their place. */
  readonly entries: number;
}

const mostKeys = 10_000;

export function createNegativeTier(): NegativeTier {
  // lru-cache reserves its room at once, which a cache that never has an absent key does without.
  let lru: LRUCache<string, NegativeEntry> | undefined;
  return {
    has(key, nowMs) {
      const entry = lru?.get(key);
      return entry !== undefined && nowMs < entry.freshUntilMs;
    },
    peek: (key) => lru?.peek(key),
    add(key, entry) {
      lru ??= new LRUCache({ max: mostKeys });
      lru.set(key, entry);
    },
    delete: (key) => void lru?.delete(key),
    clear: () => lru?.clear(),
    get entries() {
      return lru?.size ?? 0;
    },
  };
}
