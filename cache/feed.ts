/**
 * A host's knowledge of changes: asks the source what has become visible since it last asked, and tells its workers, and
 * Redis as soon as it answers.
 */
import type { FeedMessage, News } from './coherence.ts';
import type { History, Stamp } from './entry.ts';
import type { Invalidation } from './invalidation.ts';

export interface Feed {
  /** Asks and tells. Called while it asks, it asks once more. Rejects when the source does not answer. */
  poll(): Promise<void>;
  /** What a worker that joins is told; empty before the source has answered for the first time, when all will be told. */
  greeting(): FeedMessage[];
}

export interface FeedOptions {
  /** Asks the source for changes; for no more than what is visible where `since` is undefined. */
  readonly ask: (since: Stamp | undefined) => Promise<News>;
  readonly history: History;
  readonly tellWorkers: (message: FeedMessage) => void;
  /** Undefined: no Redis. */
  readonly invalidation: Pick<Invalidation, 'greeting' | 'announced' | 'beganAnew'> | undefined;
  readonly onChanges?: (count: number) => void;
  /** The history does not go on where it was left: changes are forgotten, or it is another one. */
  readonly onGap?: () => void;
}

export function createFeed(options: FeedOptions): Feed {
  const { ask, history, tellWorkers, invalidation, onChanges, onGap } = options;
  let timeline = '';
  let seen: Stamp | undefined;
  let asOfMs: number | undefined;
  let batchNumber = 0;
  let asking: Promise<void> | undefined;
  let isAskedAgain = false;

  async function pollOnce(): Promise<void> {
    const from = seen;
    const { timeline: past, changes, to, asOfMs: askedAtMs, isComplete } = await ask(from);
    const follows = isComplete && past === timeline && from !== undefined && history.includes(to, from);
    timeline = past;
    seen = to;
    asOfMs = askedAtMs;
    if (!follows) {
      if (from !== undefined) onGap?.();
      tellWorkers({ type: 'begin', timeline, to, asOfMs: askedAtMs });
      invalidation?.beganAnew(timeline, to);
      return;
    }
    if (changes.length > 0) {
      batchNumber++;
      onChanges?.(changes.length);
    }
    const batch = { number: batchNumber, changes };
    tellWorkers({ type: 'changes', timeline, from, to, asOfMs: askedAtMs, batch });
    invalidation?.announced(batch, to);
  }

  async function pollUntilCurrent(): Promise<void> {
    do {
      isAskedAgain = false;
      await pollOnce();
    } while (isAskedAgain);
  }

  return {
    poll() {
      isAskedAgain = true;
      asking ??= pollUntilCurrent().finally(() => {
        asking = undefined;
      });
      return asking;
    },
    greeting() {
      if (seen === undefined || asOfMs === undefined) return [];
      const begin: FeedMessage = { type: 'begin', timeline, to: seen, asOfMs };
      return invalidation ? [begin, invalidation.greeting] : [begin];
    },
  };
}
