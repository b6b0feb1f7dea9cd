/**
 * One key's way to its value: memory, then the fill that is already under way, then Redis, then the source.
 *
 * - Nothing kept here answers as fresh unless what is known of changes is recent enough (`coherence.ts`). When nobody can
 *   tell any more, it answers as stale.
 * - A fill is registered under its key before any I/O, so a key has at most one per worker. A change of the key
 *   detaches it: who asked before gets what it brings, who asks after begins another, and memory does not keep it.
 * - An entry that is past its time but not outdated by any change still answers while it is read anew.
 * - A failing source is answered from memory if an entry is there, however old within `staleIfErrorMs`; without one the
 *   failure reaches the caller.
 * - What was read is stored in memory before anybody is answered, and in Redis without anybody waiting.
 */
import { type Coherence, timeAlone } from './coherence.ts';
import {
  type CacheObserver,
  type Change,
  type Clock,
  type Codec,
  type Demand,
  everyKey,
  type Loaded,
  type RedisResult,
  type ServedFrom,
} from './entry.ts';
import { type Filled, type FillOrigin, fill } from './fill.ts';
import { createMemoryTier, type MemoryEntry } from './memory-tier.ts';
import { createNegativeTier } from './negative-tier.ts';
import { earliness, type Lease, type RedisTier } from './redis-tier.ts';

/** One answer and the way it took, tier by tier. */
export interface Served<V> {
  /** Undefined: the source has nothing under this key. */
  readonly value: V | undefined;
  readonly servedFrom: ServedFrom;
  /** What memory had when the request came; `off` when there is no memory tier. */
  readonly memory: 'hit' | 'miss' | 'stale' | 'negative' | 'off';
  /** What Redis answered; undefined when it was not asked. */
  readonly redis: RedisResult | undefined;
  /** True when this request waited for a fill that another had begun. */
  readonly collapsed: boolean;
}

/** Values that are read elsewhere, while changes go on. */
export interface WarmUp<V> {
  /** Puts one into memory, unless its key is there already or has changed since the value was read. */
  put(key: string, loaded: Loaded<V> & { value: V }): void;
  end(): void;
}

export interface ReadThrough<V> {
  /** The value, if memory has it fresh. Synchronous: the path that most requests take. */
  hit(key: string, nowMs: number): V | undefined;
  /**
   * Everything after `hit` came back empty. Rejects with the loader's error, or with `LoadTimeoutError`,
   * when the source is needed and fails and memory has nothing to fall back on. `isGone` tells whether whoever asks has left.
   */
  read(key: string, nowMs: number, isGone?: () => boolean): Promise<Served<V>>;
  /** To be called before the values are read. */
  warmUp(): WarmUp<V>;
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
  readonly load: (key: string, demand: Demand) => Promise<Loaded<V>>;
  /** A fill that has no answer by then, counted from its registration, rejects with `LoadTimeoutError`. */
  readonly fillTimeoutMs: number;
  /** 0: no memory tier. */
  readonly memoryMaxBytes: number;
  readonly memoryTtlMs: number;
  readonly negativeTtlMs: number;
  readonly staleWhileRevalidateMs: number;
  readonly staleIfErrorMs: number;
  /** Undefined: no Redis tier. */
  readonly redis: RedisTier<V> | undefined;
  readonly redisTtlMs: number;
  readonly leaseMs: number;
  /** Undefined: entries are bounded by time alone. */
  readonly coherence?: Coherence;
  readonly observer?: CacheObserver;
  readonly now: Clock;
  readonly delay: (ms: number) => Promise<void>;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

interface Fill<V> extends FillOrigin {
  /** False once a change of its key was announced. */
  isAttached: boolean;
  /** Whether each who waits has left. */
  readonly waiting: (() => boolean)[];
  readonly done: Promise<Filled<V>>;
}

const silent: CacheObserver = {
  memoryAnswered() {},
  redisAnswered() {},
  coalesced() {},
  leased() {},
  refreshed() {},
  filled() {},
  evicted() {},
};

const stays = () => false;
/** Costs times this before an entry's end, one request in a million would have it read anew. */
const earliest = Math.log(1e6);
/** An entry whose reading anew has failed is left alone for so long. */
const refreshPauseMs = 1000;

/** Entries written together must not expire together: up to a tenth of the TTL is taken off at random. */
export const jittered = (ttlMs: number, random: () => number): number => ttlMs * (1 - 0.1 * random());

export function createReadThrough<V>(options: ReadThroughOptions<V>): ReadThrough<V> {
  const { codec, now, random, staleIfErrorMs, coherence = timeAlone, observer = silent } = options;
  const memory = createMemoryTier(options.memoryMaxBytes, codec, observer.evicted);
  const negative = createNegativeTier();
  const fills = new Map<string, Fill<V>>();
  const warmUps = new Set<{ changes: Change[]; isVoid: boolean }>();
  const memoryIsOn = options.memoryMaxBytes > 0;
  let fillsInFlight = 0;

  function keep(key: string, { value, stamp }: Loaded<V>, costMs: number): void {
    if (value === undefined) {
      // Or a failing source would bring back what it has told us is gone.
      memory.delete(key);
      negative.add(key, { stamp, freshUntilMs: now() + jittered(options.negativeTtlMs, random) });
      return;
    }
    negative.delete(key);
    const freshUntilMs = now() + jittered(options.memoryTtlMs, random);
    const before = memory.peek(key)?.value;
    memory.set(key, {
      // What was made of the same value before (compressed variants) is worth keeping.
      value: before !== undefined && codec.encode(before) === codec.encode(value) ? before : value,
      stamp,
      costMs,
      freshUntilMs,
      servableUntilMs: freshUntilMs + options.staleWhileRevalidateMs,
      refreshFromMs: freshUntilMs - costMs * earliest,
    });
  }

  function begin(key: string, startedAtMs: number, lease?: Lease): Fill<V> {
    const { promise, resolve, reject } = Promise.withResolvers<Filled<V>>();
    const waiting: (() => boolean)[] = [];
    const begun: Fill<V> = {
      key,
      startedAtMs,
      applied: coherence.applied,
      floor: coherence.floor(key),
      lease,
      demand: {
        isWaitedFor: () => waiting.length > 0,
        isWanted: () => waiting.length === 0 || waiting.some((isGone) => !isGone()),
      },
      isAttached: true,
      waiting,
      done: promise,
    };
    fills.set(key, begun);
    fillsInFlight++;
    run(begun).then(resolve, reject);
    return begun;
  }

  async function run(begun: Fill<V>): Promise<Filled<V>> {
    const { key, startedAtMs, floor } = begun;
    try {
      const filled = await fill(begun, {
        ...options,
        covers: coherence.covers,
        ttlMs: (value) => jittered(value === undefined ? options.negativeTtlMs : options.redisTtlMs, random),
        observer,
      });
      if (begun.isAttached && coherence.covers(filled.stamp, floor)) keep(key, filled, filled.costMs);
      const outcome = filled.from === 'redis' ? 'redis' : filled.value === undefined ? 'absent' : 'postgres';
      observer.filled(outcome, now() - startedAtMs);
      end(begun);
      if (filled.lease && !fills.has(key)) readAnew(key, filled.lease);
      return filled;
    } catch (error) {
      end(begun);
      observer.filled('error', now() - startedAtMs);
      throw error;
    }
  }

  function end(begun: Fill<V>): void {
    fillsInFlight--;
    if (fills.get(begun.key) === begun) fills.delete(begun.key);
  }

  function readAnew(key: string, lease?: Lease): void {
    observer.refreshed();
    begin(key, now(), lease).done.catch(() => {
      // The entry answers until its time is over; then the failure has somebody to reach.
    });
  }

  /** Early with a probability that rises towards the entry's end (XFetch), and certainly past it. */
  function refreshIfDue(key: string, entry: MemoryEntry<V>, nowMs: number): void {
    if (nowMs + entry.costMs * earliness(random()) < entry.freshUntilMs || fills.has(key)) return;
    entry.refreshFromMs = nowMs + refreshPauseMs;
    readAnew(key);
  }

  function detach(begun: Fill<V>): void {
    begun.isAttached = false;
    fills.delete(begun.key);
  }

  function outdate(entry: MemoryEntry<V>): void {
    entry.freshUntilMs = Math.min(entry.freshUntilMs, now());
    entry.servableUntilMs = Number.NEGATIVE_INFINITY;
  }

  coherence.listen({
    changed(change) {
      const { key, id } = change;
      for (const warming of warmUps) warming.changes.push(change);
      if (key === everyKey) {
        negative.clear();
        for (const begun of fills.values()) detach(begun);
        memory.forEach((entry) => {
          if (!coherence.covers(entry.stamp, [id])) outdate(entry);
        });
        return;
      }
      const absent = negative.peek(key);
      if (absent && !coherence.covers(absent.stamp, [id])) negative.delete(key);
      const begun = fills.get(key);
      if (begun) detach(begun);
      const entry = memory.peek(key);
      if (entry && !coherence.covers(entry.stamp, [id])) outdate(entry);
    },
    everythingChanged() {
      for (const warming of warmUps) warming.isVoid = true;
      negative.clear();
      for (const begun of fills.values()) detach(begun);
      memory.forEach(outdate);
    },
  });

  const fromMemory = (
    value: V | undefined,
    servedFrom: ServedFrom,
    memory: Served<V>['memory'],
  ): Served<V> => ({
    value,
    servedFrom,
    memory,
    redis: undefined,
    collapsed: false,
  });

  /** `isLost`: nobody can tell what has changed, so what was not read from the source just now is stale. */
  async function readBehindMemory(
    key: string,
    nowMs: number,
    isGone: () => boolean,
    isLost: boolean,
  ): Promise<Served<V>> {
    const old = memory.get(key);
    const underWay = fills.get(key);
    if (underWay) observer.coalesced('worker');
    else if (memoryIsOn) observer.memoryAnswered(old ? 'stale' : 'miss');
    const memoryResult = old ? 'stale' : memoryIsOn ? 'miss' : 'off';
    const collapsed = underWay !== undefined;
    try {
      const { waiting, done } = underWay ?? begin(key, nowMs);
      waiting.push(isGone);
      const { value, from, redis } = await done;
      const servedFrom =
        from === 'source' && !(isLost && collapsed) ? 'postgres' : isLost ? 'stale' : 'redis';
      return { value, servedFrom, memory: memoryResult, redis, collapsed };
    } catch (error) {
      // Whatever has outdated it: it is what there is.
      if (!old || now() >= old.freshUntilMs + staleIfErrorMs) throw error;
      return { ...fromMemory(old.value, 'stale', memoryResult), collapsed };
    }
  }

  function readFresh(key: string, nowMs: number, isGone: () => boolean): Promise<Served<V>> {
    if (!negative.has(key, nowMs)) return readBehindMemory(key, nowMs, isGone, false);
    observer.memoryAnswered('negative');
    return Promise.resolve(fromMemory(undefined, 'negative', 'negative'));
  }

  function readLost(key: string, nowMs: number, isGone: () => boolean): Promise<Served<V>> {
    const old = memory.get(key);
    if (!old || nowMs >= old.freshUntilMs + staleIfErrorMs) return readBehindMemory(key, nowMs, isGone, true);
    observer.memoryAnswered('stale');
    return Promise.resolve(fromMemory(old.value, 'stale', 'stale'));
  }

  function hit(key: string, nowMs: number): V | undefined {
    const entry = memory.get(key);
    if (entry === undefined || nowMs >= entry.servableUntilMs || nowMs >= coherence.freshUntilMs)
      return undefined;
    observer.memoryAnswered('hit');
    if (nowMs >= entry.refreshFromMs) refreshIfDue(key, entry, nowMs);
    return entry.value;
  }

  return {
    hit,
    read(key, nowMs, isGone = stays) {
      if (nowMs < coherence.freshUntilMs) return readFresh(key, nowMs, isGone);
      return coherence.catchUp(nowMs).then((isFresh) => {
        if (!isFresh) return readLost(key, nowMs, isGone);
        const value = hit(key, nowMs);
        return value === undefined ? readFresh(key, nowMs, isGone) : fromMemory(value, 'memory', 'hit');
      });
    },
    warmUp() {
      const warming: { changes: Change[]; isVoid: boolean } = { changes: [], isVoid: false };
      warmUps.add(warming);
      return {
        put(key, { value, stamp }) {
          if (warming.isVoid || memory.peek(key) !== undefined) return;
          const since = warming.changes.filter((change) => change.key === key || change.key === everyKey);
          const ids = since.map(({ id }) => id);
          if (coherence.covers(stamp, [...coherence.floor(key), ...ids])) keep(key, { value, stamp }, 0);
        },
        end: () => void warmUps.delete(warming),
      };
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
      return fillsInFlight;
    },
  };
}
