/**
 * For tests: a database, a Redis, and hosts with workers, in one process, in which every answer comes when the test says
 * so: a call is first carried out and later answered, each as a step of its own, in whatever order.
 */

import { type Coherence, createCoherence, type FeedMessage, type News } from './coherence.ts';
import { type Change, everyKey, type Loaded, type Stamp } from './entry.ts';
import { createFeed, type Feed } from './feed.ts';
import { createInvalidation, type Invalidation, type ToldRedis } from './invalidation.ts';
import { modelHistory as history } from './model-history.ts';
import { createModelRedis } from './model-redis.ts';
import { createReadThrough, type ReadThrough, type Served } from './read-through.ts';
import type { RedisTier } from './redis-tier.ts';

export const stalenessMs = 250;
export const leaseMs = 500;
const redisTtlMs = 5000;
/** A value in Redis is read anew when so much of its time is left. */
const earlyMs = 4500;

/** What can happen next. */
interface Pending {
  readonly what: 'call' | 'message' | 'timer';
  readonly owner: object;
  /** When at the earliest. */
  readonly dueMs: number;
  /** Takes one step; returns false when there is another one to come. */
  step(): boolean;
  /** Lets it fail, where it can. */
  fail(): void;
}

export interface Worker {
  readonly host: Host;
  readonly coherence: Coherence;
  readonly cache: ReadThrough<string>;
  /** Changes that were announced to it, by key. */
  readonly announced: Map<string, Set<string>>;
  readonly channel: FeedMessage[];
  /** It missed what its host said of Redis, and is right not to use it. */
  isUninformed: boolean;
}

export interface Host {
  feed: Feed;
  invalidation: Invalidation;
  workers: Worker[];
}

export interface Read {
  readonly key: string;
  readonly atMs: number;
  /** What had been announced to the worker of this key. */
  readonly announced: readonly string[];
  served?: Served<string>;
  error?: unknown;
}

export function createWorld({ hosts: hostCount, workers: workerCount }: { hosts: number; workers: number }) {
  let nowMs = 1000;
  let pending: Pending[] = [];

  // The database: a value is the list of the committed changes of its key.
  let nextId = 10;
  const open = new Map<number, readonly string[]>();
  const commits: { readonly id: number; readonly keys: readonly string[]; readonly atMs: number }[] = [];
  let prunedBelow = 0;
  let timeline = 1;
  let backup = { nextId, commits: 0 };
  let restoredAtMs = Number.NEGATIVE_INFINITY;
  const touches = (keys: readonly string[], key: string) => keys.includes(key) || keys.includes(everyKey);
  const snapshot = (): Stamp => {
    const running = [...open.keys()].sort((a, b) => a - b);
    return `${running[0] ?? nextId}:${nextId}:${running.join(',')}`;
  };
  const changesOf = (key: string) =>
    commits
      .filter(({ keys }) => touches(keys, key))
      .map(({ id }) => id)
      .sort((a, b) => a - b)
      .join(',');
  const newsSince = (since: Stamp | undefined, asOfMs: number): News => {
    const to = snapshot();
    const unseen = commits.filter(({ id }) => since !== undefined && !history.covers(since, String(id)));
    const changes = unseen.flatMap(({ id, keys }): Change[] => keys.map((key) => ({ key, id: String(id) })));
    return {
      timeline: String(timeline),
      changes,
      to,
      asOfMs,
      isComplete: unseen.every(({ id }) => id >= prunedBelow),
    };
  };

  const redis = createModelRedis(() => nowMs);

  /** A call: carried out at one step, answered at the next; or failed at either. */
  function call<T>(owner: object, execute: () => T): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    let result: { readonly value: T } | undefined;
    const isDead = () => !alive.has(owner);
    pending.push({
      what: 'call',
      owner,
      dueMs: 0,
      step() {
        if (result === undefined) {
          result = { value: execute() };
          return false;
        }
        if (!isDead()) resolve(result.value);
        return true;
      },
      fail() {
        if (!isDead()) reject(new Error('failed'));
      },
    });
    return promise;
  }
  const delayFor = (owner: object) => (ms: number) =>
    new Promise<void>((resolve) => {
      const step = () => {
        resolve();
        return true;
      };
      pending.push({ what: 'timer', owner, dueMs: nowMs + ms, step, fail() {} });
    });

  const alive = new Set<object>();

  function toldRedis(owner: object): ToldRedis {
    return {
      read: (...asked) => call(owner, () => redis.read(...asked)),
      begin: (...told) => call(owner, () => redis.begin(...told)),
      tell: (...told) => call(owner, () => redis.tell(...told)),
    };
  }

  function redisTier(owner: object): RedisTier<string> {
    let leases = 0;
    const options = () => ({ token: `${ids.get(owner)}-${leases++}`, leaseMs, earliness: 1 });
    return {
      lookup: (key, applied) =>
        call(owner, () => redis.lookup(key, applied, options())).catch(() => ({ result: 'error' }) as const),
      store: (lease, value, stamp, { ttlMs }) =>
        call(owner, () => redis.store(lease, value, stamp, { ttlMs, costMs: earlyMs })).catch(() => false),
      release: (lease) => void call(owner, () => redis.release(lease)).catch(() => {}),
    };
  }

  const ids = new Map<object, number>();
  function born<T extends object>(it: T): T {
    ids.set(it, ids.size);
    alive.add(it);
    return it;
  }
  const hosts: Host[] = [];

  function send(worker: Worker, message: FeedMessage): void {
    worker.channel.push(message);
    pending.push({
      what: 'message',
      owner: worker,
      dueMs: 0,
      step() {
        const next = worker.channel.shift();
        if (next) worker.coherence.receive(next);
        return true;
      },
      fail() {
        if (worker.channel.shift()?.type === 'redis') worker.isUninformed = true;
      },
    });
  }

  function startWorker(host: Host): Worker {
    const key = {};
    const owner = born(key);
    const announced = new Map<string, Set<string>>();
    const coherence = createCoherence({
      history,
      stalenessMs,
      askEveryMs: 100,
      now: () => nowMs,
      delay: delayFor(owner),
      ask(since) {
        const asOfMs = nowMs;
        return call(owner, () => newsSince(since, asOfMs));
      },
      askGreeting() {
        for (const message of host.feed.greeting()) send(worker, message);
      },
    });
    const cache = createReadThrough<string>({
      codec: { sizeBytes: (value) => 1 + value.length, encode: (value) => value, decode: (bytes) => bytes },
      load: (key): Promise<Loaded<string>> =>
        call(owner, () => ({ value: `${key}=${changesOf(key)}`, stamp: snapshot() })),
      fillTimeoutMs: 2e9,
      memoryMaxBytes: 1_000_000,
      memoryTtlMs: 2000,
      negativeTtlMs: 100,
      staleWhileRevalidateMs: 500,
      staleIfErrorMs: 1e9,
      redis: redisTier(owner),
      redisTtlMs,
      leaseMs,
      coherence,
      now: () => nowMs,
      delay: delayFor(owner),
      random: () => 0.5,
    });
    coherence.listen({
      changed({ key, id }) {
        announced.set(key, (announced.get(key) ?? new Set()).add(id));
      },
      everythingChanged: () => announced.clear(),
    });
    const worker: Worker = { host, coherence, cache, announced, channel: [], isUninformed: false };
    owners.set(worker, owner);
    alive.add(worker);
    for (const message of host.feed.greeting()) send(worker, message);
    return worker;
  }
  const owners = new Map<Worker, object>();

  function startHost(): Host {
    const owner = born({});
    const ask = (since: Stamp | undefined) => {
      const asOfMs = nowMs;
      return call(owner, () => newsSince(since, asOfMs));
    };
    const tellWorkers = (message: FeedMessage) => {
      for (const worker of host.workers) send(worker, message);
    };
    const invalidation = createInvalidation({
      redis: toldRedis(owner),
      history,
      ask,
      tellWorkers,
      delay: delayFor(owner),
    });
    const feed = createFeed({ ask, history, tellWorkers, invalidation });
    const host: Host = { feed, invalidation, workers: [] };
    host.workers = Array.from({ length: workerCount }, () => startWorker(host));
    void invalidation.run();
    hostOwners.set(host, owner);
    return host;
  }
  const hostOwners = new Map<Host, object>();

  function forgetWorker(worker: Worker): void {
    const owner = owners.get(worker);
    alive.delete(worker);
    if (owner) alive.delete(owner);
    // What it had sent may still be carried out.
    pending = pending.filter((it) => it.owner !== worker && (it.owner !== owner || it.what === 'call'));
  }

  for (let i = 0; i < hostCount; i++) hosts.push(startHost());

  return {
    hosts,
    commits,
    open,
    get nowMs() {
      return nowMs;
    },
    get steps() {
      return pending.filter(({ dueMs }) => dueMs <= nowMs).length;
    },
    advance(ms: number) {
      nowMs += ms;
    },
    /** Time passes until the next timer is due. */
    skip() {
      const next = Math.min(...pending.map(({ dueMs }) => dueMs));
      if (Number.isFinite(next)) nowMs = Math.max(nowMs, next);
    },
    step(n: number) {
      const due = pending.filter(({ dueMs }) => dueMs <= nowMs);
      const it = due[n % Math.max(1, due.length)];
      if (it?.step()) pending.splice(pending.indexOf(it), 1);
    },
    fail(n: number) {
      const due = pending.filter(({ what }) => what !== 'timer');
      const it = due[n % Math.max(1, due.length)];
      if (it === undefined) return;
      it.fail();
      pending.splice(pending.indexOf(it), 1);
    },
    /** Begins a transaction that changes these keys. */
    begin: (keys: readonly string[]) => void open.set(nextId++, keys),
    /** Ends the nth open one. */
    end(n: number, isCommitted: boolean) {
      const [id, keys] = [...open][n % Math.max(1, open.size)] ?? [];
      if (id === undefined || keys === undefined) return;
      open.delete(id);
      if (isCommitted) commits.push({ id, keys, atMs: nowMs });
    },
    /** Forgets all changes up to now. */
    prune() {
      prunedBelow = Math.min(nextId, ...open.keys());
    },
    saveDatabase() {
      backup = { nextId, commits: commits.length };
    },
    /** What was committed since then is lost, and the ids of changes are used again. */
    restoreDatabase() {
      nextId = Math.max(backup.nextId, ...commits.slice(0, backup.commits).map(({ id }) => id + 1));
      commits.splice(backup.commits);
      open.clear();
      timeline++;
      restoredAtMs = nowMs;
    },
    get restoredAtMs() {
      return restoredAtMs;
    },
    poll: (host: Host) => void host.feed.poll().catch(() => {}),
    read(worker: Worker, key: string): Read {
      const announced = [...(worker.announced.get(key) ?? []), ...(worker.announced.get(everyKey) ?? [])];
      const read: Read = { key, atMs: nowMs, announced };
      const hit = worker.cache.hit(key, nowMs);
      if (hit !== undefined)
        read.served = { value: hit, servedFrom: 'memory', memory: 'hit', redis: undefined, collapsed: false };
      else
        worker.cache.read(key, nowMs).then(
          (served) => {
            read.served = served;
          },
          (error) => {
            read.error = error;
          },
        );
      return read;
    },
    /** Reads keys elsewhere, in one snapshot, and puts them into memory one by one. */
    warmUp(worker: Worker, keys: readonly string[]) {
      const owner = owners.get(worker);
      if (owner === undefined) return;
      const warming = worker.cache.warmUp();
      const one = <T>(execute: () => T) => call(owner, execute);
      const read = async () => {
        const pages = await one(() =>
          keys.map((key) => ({ key, value: `${key}=${changesOf(key)}`, stamp: snapshot() })),
        );
        for (const { key, value, stamp } of pages) {
          await one(() => {});
          warming.put(key, { value, stamp });
        }
      };
      read().then(warming.end, warming.end);
    },
    crashWorker(worker: Worker) {
      const { host } = worker;
      forgetWorker(worker);
      host.workers[host.workers.indexOf(worker)] = startWorker(host);
    },
    crashHost(n: number) {
      const host = hosts[n];
      if (host === undefined) return;
      for (const worker of host.workers) forgetWorker(worker);
      const owner = hostOwners.get(host);
      if (owner) alive.delete(owner);
      host.invalidation.stop();
      pending = pending.filter((it) => it.owner !== owner || it.what === 'call');
      hosts[n] = startHost();
    },
    flush: redis.flush,
    saveDump: redis.save,
    restoreDump: () => redis.restore(),
    evict: redis.evict,
    forgetTold: redis.forgetTold,
    /** The value that the key has now. */
    current: (key: string) => `${key}=${changesOf(key)}`,
  };
}

export type World = ReturnType<typeof createWorld>;
