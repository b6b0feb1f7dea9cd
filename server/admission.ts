/**
 * Stands in front of a source that answers only so many at once: a limit, and before it a short queue for whoever comes while it
 * is reached. What cannot be answered in time is refused at once, as a late answer costs as much as one in time.
 *
 * The queue is first in, first out, and its patience is half a second, as long as it empties now and then. One that has not
 * been empty for a tenth of a second is standing: waiting in it helps nobody. Then who came last is next, since the client is
 * still there, and patience is short. (Adaptive LIFO and controlled delay, after B. Maurer, "Fail at Scale", ACM Queue 13(8),
 * 2015.)
 */
import type { Demand } from '../cache/entry.ts';
import type { Pressure } from './pressure.ts';

/**
 * Why something was not admitted: `refresh` nobody waits for it and there is no room, `event_loop` the loop is too far behind,
 * `queue_full` and `timeout` the queue, `abandoned` all who waited for it have gone.
 */
export type ShedReason = 'refresh' | 'event_loop' | 'queue_full' | 'timeout' | 'abandoned';

/** The source is asked for more than it can answer; later it may be less. */
export class Overloaded extends Error {
  override name = 'Overloaded';
  readonly code = 'overloaded';
}

/** Told what happened, for metrics. Calls are synchronous and must not throw. */
export interface AdmissionObserver {
  admitted(waitedMs: number): void;
  shed(reason: ShedReason): void;
}

export interface AdmissionOptions {
  /** Calls that the source answers at once. */
  readonly capacity: number;
  readonly pressure: Pick<Pressure, 'level' | 'share' | 'lateMs'>;
  readonly observer: AdmissionObserver;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly delay: (ms: number) => Promise<void>;
}

export interface Admission {
  /** Resolves as `work` does, which is begun when there is room for it. Rejects with `Overloaded` when it is not begun. */
  run<T>(demand: Demand, work: () => Promise<T>): Promise<T>;
  /** Calls that may be under way now. */
  readonly limit: number;
  readonly queued: number;
}

const queuePerCapacity = 10;
const patienceMs = 500;
const standingAfterMs = 100;
const patienceWhenStandingMs = 20;
const sweepEveryMs = 5;

interface Waiter {
  readonly demand: Demand;
  readonly sinceMs: number;
  begin(): void;
  refuse(reason: ShedReason): void;
}

export function createAdmission(options: AdmissionOptions): Admission {
  const { capacity, pressure, observer, now, delay } = options;
  /** The oldest first. */
  const queue: Waiter[] = [];
  let active = 0;
  let lastEmptyAtMs = now();
  let isSweeping = false;

  const limit = () => Math.max(1, Math.floor(capacity * pressure.share));
  // A loop that is late looks at the queue as much more seldom, and so does whoever would empty it.
  const withinTheLoop = (ms: number) => ms + 2 * pressure.lateMs;
  const isStanding = () => queue.length > 0 && now() - lastEmptyAtMs > withinTheLoop(standingAfterMs);

  function beginWhatFits(): void {
    while (active < limit() && queue.length > 0) {
      const waiter = isStanding() ? queue.pop() : queue.shift();
      if (waiter?.demand.isWanted()) waiter.begin();
      else waiter?.refuse('abandoned');
    }
    if (queue.length === 0) lastEmptyAtMs = now();
  }

  function refuseTheLate(): void {
    const sinceMs = now() - (isStanding() ? withinTheLoop(patienceWhenStandingMs) : patienceMs);
    for (let oldest = queue[0]; oldest !== undefined && oldest.sinceMs <= sinceMs; oldest = queue[0]) {
      queue.shift();
      oldest.refuse(oldest.demand.isWanted() ? 'timeout' : 'abandoned');
    }
    if (queue.length === 0) lastEmptyAtMs = now();
  }

  async function sweep(): Promise<void> {
    if (isSweeping) return;
    isSweeping = true;
    while (queue.length > 0) {
      await delay(sweepEveryMs);
      refuseTheLate();
      // The limit may have risen without any call having ended.
      beginWhatFits();
    }
    isSweeping = false;
  }

  function enqueue(waiter: Waiter): void {
    if (queue.length === 0) lastEmptyAtMs = now();
    if (queue.length < queuePerCapacity * capacity) queue.push(waiter);
    else if (isStanding()) {
      queue.shift()?.refuse('queue_full');
      queue.push(waiter);
    } else return waiter.refuse('queue_full');
    void sweep();
  }

  return {
    run<T>(demand: Demand, work: () => Promise<T>): Promise<T> {
      const { promise, resolve, reject } = Promise.withResolvers<T>();
      const sinceMs = now();
      const waiter: Waiter = {
        demand,
        sinceMs,
        begin() {
          active++;
          observer.admitted(now() - sinceMs);
          Promise.try(work)
            .then(resolve, reject)
            .finally(() => {
              active--;
              refuseTheLate();
              beginWhatFits();
            });
        },
        refuse(reason) {
          observer.shed(reason);
          reject(new Overloaded(`the source is not asked (${reason})`));
        },
      };
      const isFree = active < limit() && queue.length === 0;
      if (pressure.level >= 2) waiter.refuse(demand.isWaitedFor() ? 'event_loop' : 'refresh');
      else if (!demand.isWaitedFor() && (pressure.level >= 1 || !isFree)) waiter.refuse('refresh');
      else if (isFree) waiter.begin();
      else enqueue(waiter);
      return promise;
    },
    get limit() {
      return limit();
    },
    get queued() {
      return queue.length;
    },
  };
}
