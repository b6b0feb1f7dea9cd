/** When a server is itself again after the load was taken from it. */

/** A request for a cold page after the step down. */
export interface Arrival {
  /** From the step down to when it was due. */
  readonly afterMs: number;
  /** Until the page came; undefined: it did not. */
  readonly latencyMs: number | undefined;
}

export const windowMs = 250;
const calmWindows = 8;
const servedShare = 0.9;

/**
 * Time from the step down to the first window from which on two seconds are normal: of every window's requests nine in
 * ten were answered with their page within `normalMs`. Windows that the end cuts off do not count. Null: there is none.
 */
export function recoveryMs(arrivals: readonly Arrival[], normalMs: number, untilMs: number): number | null {
  const windows = Math.floor(untilMs / windowMs);
  const calm = Math.min(calmWindows, windows);
  let normalInARow = 0;
  for (let window = 0; window < windows; window++) {
    const inWindow = arrivals.filter(({ afterMs }) => Math.floor(afterMs / windowMs) === window);
    const served = inWindow.filter(({ latencyMs }) => latencyMs !== undefined && latencyMs <= normalMs);
    normalInARow = served.length >= servedShare * inWindow.length ? normalInARow + 1 : 0;
    if (normalInARow === calm) return (window + 1 - calm) * windowMs;
  }
  return null;
}
