/**
 * A circuit breaker in front of a dependency that can be done without. After a few failures in a row nobody waits for
 * it any more; it is then probed beside the requests, less and less often, and closes at the first success.
 */

export type BreakerState = 'closed' | 'open' | 'half-open';

export interface Breaker {
  readonly state: BreakerState;
  /** False: do without it. */
  readonly allows: boolean;
  /** What came of a call that was allowed. */
  called(succeeded: boolean): void;
}

export interface BreakerOptions {
  /** Resolves when the dependency answers as it should, rejects when not. Has a deadline of its own. */
  readonly probe: () => Promise<unknown>;
  readonly delay: (ms: number) => Promise<void>;
}

const failuresToOpen = 3;
const firstProbeMs = 100;
const longestProbeMs = 1000;

export function createBreaker({ probe, delay }: BreakerOptions): Breaker {
  let state: BreakerState = 'closed';
  let failures = 0;

  async function probeUntilItAnswers(): Promise<void> {
    for (let waitMs = firstProbeMs; state !== 'closed'; waitMs = Math.min(2 * waitMs, longestProbeMs)) {
      await delay(waitMs);
      state = 'half-open';
      state = await probe().then(
        () => 'closed',
        () => 'open',
      );
    }
    failures = 0;
  }

  return {
    get state() {
      return state;
    },
    get allows() {
      return state === 'closed';
    },
    called(succeeded) {
      failures = succeeded ? 0 : failures + 1;
      if (failures < failuresToOpen || state !== 'closed') return;
      state = 'open';
      void probeUntilItAnswers();
    },
  };
}
