/** A worker that lived this long had recovered: its next death counts as its first. */
export const recoveredAfterMs = 60_000;

/** Deaths in a row, of any worker, without one having become ready in between, that end the primary if none is ready. */
export const mostDeathsBeforeReady = 5;

const shortestDelayMs = 100;
const longestDelayMs = 30_000;
/** While no other worker is ready nobody is served. */
const longestDelayAloneMs = 1000;

export type Verdict =
  | { readonly action: 'restart'; readonly afterMs: number }
  | { readonly action: 'give-up' };

export interface Death {
  /** Of this slot, this one included. */
  readonly deathsInRow: number;
  /** Of any worker, since one was last ready. */
  readonly deathsBeforeReady: number;
  /** Whether another worker is ready. */
  readonly isAnyReady: boolean;
}

/**
 * What to do about a worker that died: start another after 100 ms, doubled for each death before in a row up to 30 s, or to
 * 1 s where no other worker is ready, less up to a fifth of jitter; or give up when none is ready, and none becomes it any more.
 * `random` is uniform in [0, 1).
 */
export function restartPolicy(
  { deathsInRow, deathsBeforeReady, isAnyReady }: Death,
  random: number,
): Verdict {
  if (!isAnyReady && deathsBeforeReady >= mostDeathsBeforeReady) return { action: 'give-up' };
  const longestMs = isAnyReady ? longestDelayMs : longestDelayAloneMs;
  const delayMs = Math.min(longestMs, shortestDelayMs * 2 ** (deathsInRow - 1));
  return { action: 'restart', afterMs: delayMs * (1 - 0.2 * random) };
}
