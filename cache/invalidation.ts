/**
 * A host's telling Redis of changes, so that what Redis says of itself is true: "every change that is visible under this
 * stamp has reached the values of this epoch".
 *
 * - What a host has told is kept in Redis under a name that no host bears twice, and every telling names what must have been
 *   told before it. A Redis that was flushed, restored from a dump, or failed over to a lagging replica does not have
 *   that any more: then the host joins anew.
 * - To join is to find what any host told last, and to tell of all changes since. Where that cannot be found, or the source
 *   has forgotten some of them, or one of them is of every key, a new epoch begins, in which there are no values yet.
 * - A telling that may have failed is repeated, with what has come since: told twice does no harm.
 * - Until a host has joined its workers do not use Redis, and what is pending meanwhile is part of the joining.
 */
import { randomBytes } from 'node:crypto';
import type { AppliedMark, Batch, FeedMessage, News } from './coherence.ts';
import { type Change, everyKey, type History, type Stamp } from './entry.ts';

/** What a host has told, as Redis has it. */
export interface Told extends Pick<AppliedMark, 'host' | 'batch'> {
  readonly stamp: Stamp;
}

/** The commands. Hosts that see another timeline share nothing. They reject when Redis does not answer in time. */
export interface ToldRedis {
  /** The epoch in force and what was told last in it; undefined where there is none. */
  read(timeline: string): Promise<{ readonly epoch: string; readonly told: Told | undefined } | undefined>;
  /** Begins an epoch in the place of the one before. `moved`: another is in force. */
  begin(timeline: string, before: string | undefined, epoch: string, told: Told): Promise<'told' | 'moved'>;
  /** `rewound`: what was told before is not there. */
  tell(
    timeline: string,
    epoch: string,
    before: Pick<Told, 'host' | 'batch'>,
    told: Told,
    changes: readonly Change[],
  ): Promise<'told' | 'moved' | 'rewound'>;
}

export interface Invalidation {
  /** What a worker that joins must know of Redis. */
  readonly greeting: FeedMessage;
  readonly applied: AppliedMark | undefined;
  /** Batches that Redis was not told of yet. */
  readonly pending: number;
  /** These are announced to the workers by now; `to` is what was visible. Also to be called now and then without changes. */
  announced(batch: Batch, to: Stamp): void;
  /** What was known of changes is not to be relied on any more. */
  beganAnew(timeline: string, to: Stamp): void;
  /** Works until it is stopped. */
  run(): Promise<void>;
  stop(): void;
}

export interface InvalidationOptions {
  readonly redis: ToldRedis;
  readonly history: History;
  /** Asks the source. */
  readonly ask: (since: Stamp) => Promise<News>;
  readonly tellWorkers: (message: FeedMessage) => void;
  readonly delay: (ms: number) => Promise<void>;
  readonly onJoined?: (how: 'replayed' | 'new-epoch') => void;
  readonly onLost?: (why: 'moved' | 'rewound' | 'overflow') => void;
}

const retryMs = 100;
/** Without changes Redis is told now and then up to when that is so, and it is seen whether it has gone back. */
const idleMs = 1000;
/** Pending changes above which joining anew, by one question to the source, is cheaper than to keep them. */
const mostPending = 10_000;

const newName = () => randomBytes(9).toString('base64url');

export function createInvalidation(options: InvalidationOptions): Invalidation {
  const { redis, history, ask, tellWorkers, delay, onJoined, onLost } = options;
  let timeline = '';
  let applied: AppliedMark | undefined;
  let pending: Batch[] = [];
  let pendingChanges = 0;
  let latest: { readonly number: number; readonly to: Stamp } | undefined;
  /** Raised when all that a joining under way relies on has become void. */
  let beginnings = 0;
  let isStopped = false;
  let wake = () => {};

  const greeting = (): FeedMessage => ({
    type: 'redis',
    applied: applied ?? null,
    pending: [...pending],
  });

  function forget(): void {
    beginnings++;
    applied = undefined;
    pending = [];
    pendingChanges = 0;
  }

  function lose(why: 'moved' | 'rewound' | 'overflow'): void {
    forget();
    onLost?.(why);
    tellWorkers(greeting());
  }

  async function join({ number, to }: { number: number; to: Stamp }): Promise<void> {
    const beginning = beginnings;
    const found = await redis.read(timeline);
    // Whatever Redis holds: the source is asked of what is a stamp.
    const last = found?.told && history.isStamp(found.told.stamp) ? found.told : undefined;
    const news = last && (await ask(last.stamp));
    const told = { host: newName(), batch: number, stamp: news?.to ?? to };
    const canReplay =
      news?.isComplete &&
      news.timeline === timeline &&
      history.includes(news.to, last?.stamp ?? '') &&
      news.changes.every(({ key }) => key !== everyKey);
    const epoch = canReplay && found ? found.epoch : newName();
    const verdict =
      canReplay && last
        ? await redis.tell(timeline, epoch, last, told, news.changes)
        : await redis.begin(timeline, found?.epoch, epoch, told);
    if (verdict !== 'told' || beginning !== beginnings) return;
    applied = { epoch, host: told.host, batch: number };
    keepPendingAfter(number);
    onJoined?.(canReplay ? 'replayed' : 'new-epoch');
    tellWorkers(greeting());
  }

  function keepPendingAfter(number: number): void {
    pending = pending.filter((batch) => batch.number > number);
    pendingChanges = pending.reduce((sum, { changes }) => sum + changes.length, 0);
  }

  async function tell(
    mark: AppliedMark,
    { number, to: stamp }: { number: number; to: Stamp },
  ): Promise<void> {
    const beginning = beginnings;
    const changes = pending.flatMap(({ changes }) => changes);
    const verdict = await redis.tell(
      timeline,
      mark.epoch,
      mark,
      { host: mark.host, batch: number, stamp },
      changes,
    );
    if (isStopped || beginning !== beginnings) return;
    if (verdict !== 'told') return lose(verdict);
    applied = { ...mark, batch: number };
    keepPendingAfter(number);
    if (number > mark.batch) tellWorkers({ type: 'acknowledged', batch: number });
  }

  return {
    get greeting() {
      return greeting();
    },
    get applied() {
      return applied;
    },
    get pending() {
      return pending.length;
    },
    announced(batch, to) {
      latest = { number: batch.number, to };
      if (batch.changes.length === 0) return;
      if (batch.changes.some(({ key }) => key === everyKey)) {
        // The workers know by that change that they must not use Redis.
        forget();
      } else {
        pending.push(batch);
        pendingChanges += batch.changes.length;
        if (pendingChanges > mostPending) lose('overflow');
      }
      wake();
    },
    beganAnew(past, to) {
      timeline = past;
      latest = { number: latest?.number ?? 0, to };
      forget();
      wake();
    },
    async run() {
      while (!isStopped) {
        const woken = new Promise<void>((resolve) => {
          wake = resolve;
        });
        try {
          if (applied === undefined && latest !== undefined) await join(latest);
          else if (applied !== undefined && latest !== undefined) await tell(applied, latest);
        } catch {
          await delay(retryMs);
          continue;
        }
        const isIdle = applied !== undefined && pending.length === 0;
        if (isIdle || latest === undefined) await Promise.race([woken, delay(idleMs)]);
        else if (applied === undefined) await delay(retryMs / 10);
      }
    },
    stop() {
      isStopped = true;
      wake();
    },
  };
}
