/**
 * Stands in front of a source that answers only so many at once: a limit, and before it a short queue for whoever comes while it
 * is reached. What cannot be answered soon is refused, and at once: a refusal that was waited for is worth less.
 *
 * How long somebody who comes would wait is known from how long calls take. Who would wait for more than a quarter of a second is
 * refused on arrival; so the queue stays short at any load, and is first in, first out.
 *
 * When that was wrong, as the source has become slower or hangs, somebody waits for longer. Then the queue is standing: who came
 * last is next, since that client is still there, and nobody waits for more than 20 ms, until the source has room for
 * all who come. (Adaptive LIFO and controlled delay, after B. Maurer, "Fail at Scale", ACM Queue 13(8), 2015.)
 */
import type { Demand } from '../cache/entry.ts';
import type { Pressure } from './pressure.ts';

/**
 * Why something was not admitted: `refresh` nobody waits for it and the loop is behind, `event_loop` it is too far behind,
 * `queue_full` and `timeout` the queue, `abandoned` all who waited for it have gone.
 */
export type ShedReason = 'refresh' | 'event_loop' | 'queue_full' | 'timeout' | 'abandoned';

/** The source is asked for more than it can answer; later it may be less. */
export class Overloaded extends Error {
  override name = 'Overloaded';
  readonly code = 'overloaded';
}

/** One for all, as a stack is what an error costs most, and tells nothing here. */
const overloaded = new Overloaded('the source is asked for more than it can answer');

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
const longestExpectedWaitMs = 250;
const standingAfterMs = 500;
const patienceWhenStandingMs = 20;
const sweepEveryMs = 5;
/** Weight of the last call in the mean of how long calls take. */
const weightOfLast = 0.2;

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
  let isStanding = false;
  let isSweeping = false;
  /** Undefined: no call has ended yet. */
  let callMs: number | undefined;

  const limit = () => Math.max(1, Math.floor(capacity * pressure.share));
  // A loop that is late looks at the queue as much more seldom, and so does whoever would empty it.
  const withinTheLoop = (ms: number) => ms + 2 * pressure.lateMs;
  const expectedWaitMs = () => ((queue.length + 1) * (callMs ?? 0)) / limit();

  function beginWhatFits(): void {
    while (active < limit() && queue.length > 0) {
      const waiter = isStanding ? queue.pop() : queue.shift();
      if (waiter?.demand.isWanted()) waiter.begin();
      else waiter?.refuse('abandoned');
    }
    if (active < limit()) isStanding = false;
  }

  function refuseTheLate(): void {
    const nowMs = now();
    const oldest = queue[0];
    if (oldest && nowMs - oldest.sinceMs >= withinTheLoop(standingAfterMs)) isStanding = true;
    if (!isStanding) return;
    const patienceMs = withinTheLoop(patienceWhenStandingMs);
    for (let late = queue[0]; late && nowMs - late.sinceMs >= patienceMs; late = queue[0]) {
      queue.shift();
      late.refuse(late.demand.isWanted() ? 'timeout' : 'abandoned');
    }
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
    if (!isStanding && expectedWaitMs() > withinTheLoop(longestExpectedWaitMs))
      return waiter.refuse('queue_full');
    if (queue.length >= queuePerCapacity * capacity) {
      if (!isStanding) return waiter.refuse('queue_full');
      queue.shift()?.refuse('queue_full');
    }
    queue.push(waiter);
    void sweep();
  }

  function ended(tookMs: number): void {
    active--;
    callMs = callMs === undefined ? tookMs : callMs + weightOfLast * (tookMs - callMs);
    refuseTheLate();
    beginWhatFits();
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
          const begunAtMs = now();
          observer.admitted(begunAtMs - sinceMs);
          Promise.try(work)
            .then(resolve, reject)
            .finally(() => ended(now() - begunAtMs));
        },
        refuse(reason) {
          observer.shed(reason);
          reject(overloaded);
        },
      };
      const isFree = active < limit() && queue.length === 0;
      if (pressure.level >= 2) waiter.refuse(demand.isWaitedFor() ? 'event_loop' : 'refresh');
      else if (pressure.level >= 1 && !demand.isWaitedFor()) waiter.refuse('refresh');
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
