/** The change log as the cache wants its news. */
import type { News } from '../cache/coherence.ts';
import type { History } from '../cache/entry.ts';
import type { Changes } from '../sql/change-feed.ts';
import { isStamp, stampCovers, stampHorizon, stampIncludes } from '../sql/stamp.ts';

export const postgresHistory: History = {
  isStamp,
  covers: stampCovers,
  includes: stampIncludes,
  horizon: stampHorizon,
};

/** Asks with `read`, which begins at once. `now` is the clock that `asOfMs` is of. */
export async function newsBy(read: () => Promise<Changes>, now: () => number): Promise<News> {
  const asOfMs = now();
  const { snapshot, history, changes, gap } = await read();
  return {
    timeline: history,
    changes: changes.map(({ key, xid }) => ({ key, id: xid })),
    to: snapshot,
    asOfMs,
    isComplete: gap === undefined,
  };
}
