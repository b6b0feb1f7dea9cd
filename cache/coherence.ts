/**
 * What a worker knows of changes to the source, and up to when.
 *
 * - The host's feed announces changes in order, each announcement with the stamps between which they became
 *   visible and the time `asOfMs` at which the source was asked. While `now - asOfMs` is within the bound, what has survived
 *   all announcements may be called fresh.
 * - An announcement that does not follow what is known here (one was lost) brings its changes, but no freshness.
 * - Past the bound the worker waits a moment for what may be in its channel, and then asks the source itself: one
 *   question at a time for all its requests.
 * - `floors` are the changes of which Redis may not have been told yet: a value from Redis must cover them.
 *   They are lifted, and `applied` raised, in one step when Redis has acknowledged.
 */
import { type Change, type ChangeId, type Clock, everyKey, type History, type Stamp } from './entry.ts';

/**
 * How far Redis was told of changes: every batch up to `batch` of those that the host calls by this name has reached
 * the values of this epoch. A Redis that has gone back in time has a smaller number, and is then not believed.
 */
export interface AppliedMark {
  readonly epoch: string;
  readonly host: string;
  readonly batch: number;
}

/** Changes that Redis is told of together, numbered in order within a host. */
export interface Batch {
  readonly number: number;
  readonly changes: readonly Change[];
}

/** What a worker is told by its host, in order. */
export type FeedMessage =
  /** Forget what you know: this is where the history begins. The first message, and the one after a gap. */
  | { readonly type: 'begin'; readonly timeline: string; readonly to: Stamp; readonly asOfMs: number }
  /** These changes became visible after `from` and by `to`; the source was asked at `asOfMs`. */
  | {
      readonly type: 'changes';
      readonly timeline: string;
      readonly from: Stamp;
      readonly to: Stamp;
      readonly asOfMs: number;
      readonly batch: Batch;
    }
  /** Redis may be used from this mark on (null: not at all); `pending` is what it has not been told of yet. */
  | { readonly type: 'redis'; readonly applied: AppliedMark | null; readonly pending: readonly Batch[] }
  /** Redis was told of all batches up to this one. */
  | { readonly type: 'acknowledged'; readonly batch: number };

/** What the source tells who asks for changes since a stamp. */
export interface News {
  /** Names the past that its stamps and changes belong to: another one, and nothing known before means anything. */
  readonly timeline: string;
  readonly changes: readonly Change[];
  /** What was visible when the source answered. */
  readonly to: Stamp;
  /** When the question was sent. */
  readonly asOfMs: number;
  /** False: changes since that stamp may be missing. */
  readonly isComplete: boolean;
}

export interface ChangeListener {
  changed(change: Change): void;
  /** Whatever was read before may be wrong. */
  everythingChanged(): void;
}

export interface Coherence {
  /** A request that begins before this may be answered with what is kept here. */
  readonly freshUntilMs: number;
  /** Undefined: Redis is not to be used. */
  readonly applied: AppliedMark | undefined;
  /** Changes to the key that a value from Redis must cover. */
  floor(key: string): readonly ChangeId[];
  covers(stamp: Stamp, changes: readonly ChangeId[]): boolean;
  /** Resolves true when a request that began at `atMs` may be answered with what is kept here; false when nobody can tell. */
  catchUp(atMs: number): Promise<boolean>;
  listen(listener: ChangeListener): void;
  receive(message: FeedMessage): void;
  /** When the source was asked whose answer is known here; undefined before the first message. */
  readonly asOfMs: number | undefined;
  readonly floors: number;
}

export interface CoherenceOptions {
  readonly history: History;
  readonly stalenessMs: number;
  /** Asks the source. Rejects when it does not answer. */
  readonly ask: (since: Stamp) => Promise<News>;
  /** Time between two questions of a worker that has lost its feed. */
  readonly askEveryMs: number;
  readonly now: Clock;
  readonly delay: (ms: number) => Promise<void>;
  /** Told of changes that were announced, or found by this worker, and how long ago the question for them was sent. */
  readonly onChanges?: (result: 'announced' | 'found', count: number, lagMs: number) => void;
  /** Called when this worker has found by itself what makes Redis useless to it, until its host greets it anew. */
  readonly askGreeting: () => void;
}

/** What the host has sent is read within this time by a worker that was only stopped for a while. */
const channelMs = 5;
/** A source that takes longer to answer is as good as lost to the requests that wait. */
const patienceMs = 50;

/** For a cache whose entries are bounded by time alone. */
export const timeAlone: Coherence = {
  freshUntilMs: Number.POSITIVE_INFINITY,
  applied: undefined,
  floor: () => [],
  covers: () => true,
  catchUp: async () => true,
  listen() {},
  receive() {},
  asOfMs: undefined,
  floors: 0,
};

export function createCoherence(options: CoherenceOptions): Coherence {
  const { history, stalenessMs, ask, askEveryMs, now, delay, onChanges, askGreeting } = options;
  const listeners: ChangeListener[] = [];
  /** By key and change, the batch that tells Redis; Infinity where the host has not announced it yet. */
  const floors = new Map<string, Map<ChangeId, number>>();
  let timeline = '';
  let seen: Stamp | undefined;
  let asOfMs = Number.NEGATIVE_INFINITY;
  let freshUntilMs = Number.NEGATIVE_INFINITY;
  let applied: AppliedMark | undefined;
  let hasOwnFindings = false;
  let question: { readonly sentAtMs: number; readonly done: Promise<void> } | undefined;
  let askedInVainAtMs = Number.NEGATIVE_INFINITY;

  const covers = (stamp: Stamp, changes: readonly ChangeId[]) =>
    changes.every((id) => history.covers(stamp, id));

  function begin(past: string, to: Stamp, sentAtMs: number): void {
    timeline = past;
    seen = to;
    asOfMs = sentAtMs;
    freshUntilMs = asOfMs + stalenessMs;
    applied = undefined;
    floors.clear();
    for (const listener of listeners) listener.everythingChanged();
  }

  function apply({ key, id }: Change, batch: number): void {
    // What Redis holds has another name after this; its host will tell which.
    if (key === everyKey) applied = undefined;
    else if (applied !== undefined || batch === Number.POSITIVE_INFINITY) {
      const floor = floors.get(key) ?? new Map<ChangeId, number>();
      floors.set(key, floor.set(id, batch));
    }
    for (const listener of listeners) listener.changed({ key, id });
  }

  /** Raises what is known if it leaves nothing out. */
  function know(from: Stamp, to: Stamp, sentAtMs: number): void {
    if (seen === undefined || !history.includes(seen, from)) return;
    if (history.includes(to, seen)) seen = to;
    asOfMs = Math.max(asOfMs, sentAtMs);
    freshUntilMs = asOfMs + stalenessMs;
  }

  function lift(upTo: number): void {
    for (const [key, floor] of floors) {
      for (const [id, batch] of floor) if (batch <= upTo) floor.delete(id);
      if (floor.size === 0) floors.delete(key);
    }
  }

  function number(batch: number, to: Stamp): void {
    if (!hasOwnFindings) return;
    // What this worker had found by itself is among the host's batches by now.
    hasOwnFindings = false;
    for (const floor of floors.values())
      for (const [id, own] of floor) {
        if (own !== Number.POSITIVE_INFINITY) continue;
        if (!history.covers(to, id)) hasOwnFindings = true;
        else if (applied === undefined) floor.delete(id);
        else floor.set(id, batch);
      }
  }

  async function askSource(since: Stamp): Promise<void> {
    try {
      const news = await ask(since);
      if (!news.isComplete || news.timeline !== timeline) {
        begin(news.timeline, news.to, news.asOfMs);
        askGreeting();
        return;
      }
      const found = news.changes.filter(({ id }) => seen === undefined || !history.covers(seen, id));
      hasOwnFindings ||= found.length > 0;
      for (const change of found) apply(change, Number.POSITIVE_INFINITY);
      if (found.length > 0) onChanges?.('found', found.length, now() - news.asOfMs);
      know(since, news.to, news.asOfMs);
      if (news.changes.some(({ key }) => key === everyKey)) askGreeting();
    } catch {
      askedInVainAtMs = now();
    }
  }

  return {
    get freshUntilMs() {
      return freshUntilMs;
    },
    get applied() {
      return applied;
    },
    get asOfMs() {
      return seen === undefined ? undefined : asOfMs;
    },
    get floors() {
      return floors.size;
    },
    floor: (key) => [...(floors.get(key)?.keys() ?? [])],
    covers,
    listen: (listener) => void listeners.push(listener),
    async catchUp(atMs) {
      const isFresh = () => atMs < freshUntilMs;
      if (isFresh()) return true;
      if (seen === undefined || now() - askedInVainAtMs < askEveryMs) return false;
      if (question === undefined) {
        await delay(channelMs);
        if (isFresh()) return true;
        question ??= {
          sentAtMs: now(),
          done: askSource(seen).finally(() => {
            question = undefined;
          }),
        };
      }
      const { sentAtMs, done } = question;
      const patience = sentAtMs + patienceMs - now();
      if (patience > 0) await Promise.race([done, delay(patience)]);
      return isFresh();
    },
    receive(message) {
      switch (message.type) {
        case 'begin':
          return begin(message.timeline, message.to, message.asOfMs);
        case 'changes': {
          const { from, to, batch } = message;
          if (seen === undefined || message.timeline !== timeline) {
            // Whoever knows nothing of this past has nothing that these could change.
            begin(message.timeline, to, message.asOfMs);
            return askGreeting();
          }
          for (const change of batch.changes) apply(change, batch.number);
          number(batch.number, to);
          know(from, to, message.asOfMs);
          if (batch.changes.length > 0)
            onChanges?.('announced', batch.changes.length, now() - message.asOfMs);
          return;
        }
        case 'redis':
          applied = message.applied ?? undefined;
          // But for what this worker has found by itself, of which its host may not know yet.
          lift(Number.MAX_VALUE);
          for (const { number, changes } of message.pending)
            for (const { key, id } of changes)
              floors.set(key, (floors.get(key) ?? new Map<ChangeId, number>()).set(id, number));
          return;
        case 'acknowledged':
          if (applied === undefined || message.batch <= applied.batch) return;
          applied = { ...applied, batch: message.batch };
          lift(message.batch);
      }
    },
  };
}
