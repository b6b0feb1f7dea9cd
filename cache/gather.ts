/**
 * Keys that are asked for together are read from the source together. Each goes its own way through memory, single flight and
 * Redis, of which nothing here knows; where those ways come to the source, they wait for one another: until it
 * is decided of all who comes that far, and for a short time at most, since one may be waiting for somebody else.
 */
import type { Demand, Loaded } from './entry.ts';

export interface GatherOptions<V> {
  readonly loadOne: (key: string, demand: Demand) => Promise<Loaded<V>>;
  /** What it resolves has all of the keys. */
  readonly loadMany: (keys: readonly string[], demand: Demand) => Promise<ReadonlyMap<string, Loaded<V>>>;
  /** How long the first waits for the last. */
  readonly windowMs: number;
  readonly delay: (ms: number) => Promise<void>;
}

/** Keys of which it was said that they would be asked for together. */
export interface Expectation {
  /** The key has been answered, with the source's help or without. */
  settled(key: string): void;
  end(): void;
}

export interface Gatherer<V> {
  /** The loader of a cache. */
  load(key: string, demand: Demand): Promise<Loaded<V>>;
  /** To be called before the keys are asked for. A key that is expected already stays with those it is expected with. */
  expect(keys: readonly string[]): Expectation;
}

interface Waiter<V> {
  readonly key: string;
  readonly demand: Demand;
  readonly resolve: (loaded: Loaded<V>) => void;
  readonly reject: (error: unknown) => void;
}
interface Group<V> {
  /** They may come to the source yet. */
  readonly undecided: Set<string>;
  waiting: Waiter<V>[];
}

export function createGatherer<V>(options: GatherOptions<V>): Gatherer<V> {
  const { loadOne, loadMany, windowMs, delay } = options;
  const groups = new Map<string, Group<V>>();

  function read(group: Group<V>): void {
    const { waiting } = group;
    group.waiting = [];
    const [first, ...others] = waiting;
    if (first === undefined) return;
    if (others.length === 0) return void loadOne(first.key, first.demand).then(first.resolve, first.reject);
    const keys = new Set(waiting.map(({ key }) => key));
    const demand: Demand = {
      isWaitedFor: () => waiting.some((waiter) => waiter.demand.isWaitedFor()),
      isWanted: () => waiting.some((waiter) => waiter.demand.isWanted()),
    };
    loadMany([...keys], demand).then(
      (loaded) => {
        for (const { key, resolve, reject } of waiting) {
          const found = loaded.get(key);
          if (found === undefined) reject(new Error('The source left out a key that it was asked for.'));
          else resolve(found);
        }
      },
      (error: unknown) => {
        for (const { reject } of waiting) reject(error);
      },
    );
  }

  function decide(group: Group<V>, key: string): void {
    group.undecided.delete(key);
    if (group.undecided.size === 0) read(group);
  }

  return {
    load(key, demand) {
      const group = groups.get(key);
      if (group === undefined) return loadOne(key, demand);
      const { promise, resolve, reject } = Promise.withResolvers<Loaded<V>>();
      group.waiting.push({ key, demand, resolve, reject });
      if (group.waiting.length === 1) void delay(windowMs).then(() => read(group));
      decide(group, key);
      return promise;
    },
    expect(keys) {
      const own = keys.filter((key) => !groups.has(key));
      const group: Group<V> = { undecided: new Set(own), waiting: [] };
      for (const key of own) groups.set(key, group);
      return {
        settled: (key) => decide(group, key),
        end() {
          for (const key of own) groups.delete(key);
          read(group);
        },
      };
    },
  };
}
