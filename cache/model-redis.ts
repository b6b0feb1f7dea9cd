/** For tests: what cache/redis-scripts.ts makes of a Redis, in JavaScript. `redis-scripts.test.ts` holds the two against each other. */
import type { AppliedMark } from './coherence.ts';
import type { Change, ChangeId, Clock, Stamp } from './entry.ts';
import type { Told } from './invalidation.ts';
import { modelHistory as history } from './model-history.ts';
import type { Lease, RedisLookup, StoreOptions } from './redis-tier.ts';

export interface Page {
  /** Empty: there is none under this key. */
  value?: string;
  stamp?: Stamp;
  costMs?: number;
  owner?: string;
  untilMs?: number;
  /** Changes that took away what was here before. */
  told: readonly ChangeId[];
  expiresMs: number;
}

export interface RedisState {
  /** By timeline, as is the latest host. */
  readonly epochs: Map<string, string>;
  readonly latest: Map<string, string>;
  readonly told: Map<string, Told>;
  readonly pages: Map<string, Page>;
}

export interface ModelRedis {
  readonly state: RedisState;
  read(timeline: string): { epoch: string; told: Told | undefined } | undefined;
  begin(timeline: string, before: string | undefined, epoch: string, told: Told): 'told' | 'moved';
  tell(
    timeline: string,
    epoch: string,
    before: Pick<Told, 'host' | 'batch'>,
    told: Told,
    changes: readonly Change[],
  ): 'told' | 'moved' | 'rewound';
  /** `earliness`: how many times its cost before its end a value is to be read anew. `token` is that of the lease, if any. */
  lookup(
    key: string,
    mark: AppliedMark,
    options: { token: string; leaseMs: number; earliness: number },
  ): RedisLookup<string>;
  store(lease: Lease, value: string | undefined, stamp: Stamp, options: StoreOptions): boolean;
  release(lease: Lease): void;
  /** Forgets everything. */
  flush(): void;
  save(): void;
  /** Back to what was saved, if anything was. */
  restore(): void;
  /** Gives up one thing of all. */
  evict(n: number): void;
  /** Gives up what one host has told. */
  forgetTold(n: number): void;
}

/** `toldMs`: for so long another host may tell of the same change. */
export function createModelRedis(now: Clock, toldMs = 2000): ModelRedis {
  const state: RedisState = { epochs: new Map(), latest: new Map(), told: new Map(), pages: new Map() };
  let dump: RedisState | undefined;
  const { epochs, latest, told, pages } = state;

  const pageAt = (name: string): Page | undefined => {
    const page = pages.get(name);
    if (page && page.expiresMs <= now()) pages.delete(name);
    return pages.get(name);
  };
  const nameOf = ({ epoch, key }: Pick<Lease, 'epoch' | 'key'>) => `${epoch}:${key}`;
  const isHeld = (lease: Lease) => pageAt(nameOf(lease))?.owner === lease.token;
  const toldBy = (epoch: string, host: string) => told.get(`${epoch}/${host}`);

  return {
    state,
    read(timeline) {
      const epoch = epochs.get(timeline);
      const host = latest.get(timeline);
      return epoch === undefined ? undefined : { epoch, told: host ? toldBy(epoch, host) : undefined };
    },
    begin(timeline, before, epoch, mine) {
      if (epochs.get(timeline) !== before) return 'moved';
      epochs.set(timeline, epoch);
      latest.set(timeline, mine.host);
      told.set(`${epoch}/${mine.host}`, mine);
      return 'told';
    },
    tell(timeline, epoch, before, mine, changes) {
      if (epochs.get(timeline) !== epoch) return 'moved';
      const was = toldBy(epoch, before.host);
      if (was === undefined || was.batch < before.batch) return 'rewound';
      for (const { key, id } of changes) {
        const page = pageAt(nameOf({ epoch, key }));
        const isNewer = page?.stamp !== undefined && Number(history.horizon(page.stamp)) > Number(id);
        if (isNewer || page?.told.includes(id)) continue;
        pages.set(nameOf({ epoch, key }), { told: [...(page?.told ?? []), id], expiresMs: now() + toldMs });
      }
      const own = toldBy(epoch, mine.host);
      if (own === undefined || own.batch <= mine.batch) {
        told.set(`${epoch}/${mine.host}`, mine);
        latest.set(timeline, mine.host);
      }
      return 'told';
    },
    lookup(key, { epoch, host, batch }, { token, leaseMs, earliness }) {
      const was = toldBy(epoch, host);
      if (was === undefined || was.batch < batch) return { result: 'bypass' };
      const page = pageAt(nameOf({ epoch, key }));
      const isLeased = page?.untilMs !== undefined && page.untilMs > now();
      const lease: Lease = { key, epoch, token };
      if (page?.value !== undefined && page.stamp !== undefined) {
        const found = { result: 'hit', value: page.value || undefined, stamp: page.stamp } as const;
        if (isLeased || page.expiresMs - now() > (page.costMs ?? 0) * earliness) return found;
        Object.assign(page, { owner: token, untilMs: now() + leaseMs });
        return { ...found, lease };
      }
      if (isLeased) return { result: 'wait' };
      const untilMs = now() + leaseMs;
      const expiresMs = Math.max(untilMs, page?.expiresMs ?? 0);
      pages.set(nameOf(lease), { told: page?.told ?? [], owner: token, untilMs, expiresMs });
      return { result: 'miss', lease };
    },
    store(lease, value, stamp, { ttlMs, costMs }) {
      if (!isHeld(lease)) return false;
      const told = pageAt(nameOf(lease))?.told ?? [];
      pages.set(nameOf(lease), { told, value: value ?? '', stamp, costMs, expiresMs: now() + ttlMs });
      return true;
    },
    release(lease) {
      const page = pageAt(nameOf(lease));
      if (!page || !isHeld(lease)) return;
      delete page.owner;
      delete page.untilMs;
    },
    flush() {
      for (const part of Object.values(state)) part.clear();
    },
    save() {
      dump = copyOf(state);
    },
    restore() {
      if (dump === undefined) return;
      this.flush();
      const { epochs, latest, told, pages } = copyOf(dump);
      for (const [key, value] of epochs) state.epochs.set(key, value);
      for (const [key, value] of latest) state.latest.set(key, value);
      for (const [key, value] of told) state.told.set(key, value);
      for (const [key, value] of pages) state.pages.set(key, value);
    },
    evict(n) {
      const things = Object.values(state).flatMap((part: Map<string, unknown>) =>
        [...part.keys()].map((key) => () => void part.delete(key)),
      );
      things[n % Math.max(1, things.length)]?.();
    },
    forgetTold(n) {
      told.delete([...told.keys()][n % Math.max(1, told.size)] ?? '');
    },
  };
}

const copyOf = ({ epochs, latest, told, pages }: RedisState): RedisState => ({
  epochs: new Map(epochs),
  latest: new Map(latest),
  told: new Map(told),
  pages: new Map([...pages].map(([key, page]) => [key, { ...page }])),
});
