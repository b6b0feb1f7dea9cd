import { LRUCache } from 'lru-cache';
import type { Stamp } from './entry.ts';

interface NegativeEntry {
  readonly stamp: Stamp;
  readonly freshUntilMs: number;
}

/** Keys known to hold nothing. Apart from the memory tier, so that a flood of made-up keys evicts no value. */
export interface NegativeTier {
  has(key: string, nowMs: number): boolean;
  add(key: string, entry: NegativeEntry): void;
  delete(key: string): void;
  /** Those past their time included, until something needs their place. */
  readonly entries: number;
}

const mostKeys = 10_000;

export function createNegativeTier(): NegativeTier {
  const lru = new LRUCache<string, NegativeEntry>({ max: mostKeys });
  return {
    has(key, nowMs) {
      const entry = lru.get(key);
      return entry !== undefined && nowMs < entry.freshUntilMs;
    },
    add: (key, entry) => void lru.set(key, entry),
    delete: (key) => void lru.delete(key),
    get entries() {
      return lru.size;
    },
  };
}
