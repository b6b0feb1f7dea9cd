/**
 * How far behind the event loop is, in steps that each give something up. The signal is the least lateness of a timer in a tenth
 * of a second: a collection of garbage makes one firing late, a loop with too much to do all of them.
 *
 * - 0: nothing is given up.
 * - 1: what nobody waits for, and by halves what is read from the source at once.
 * - 2: whatever the source alone has.
 * - 3: connections, and readiness.
 */
export type PressureLevel = 0 | 1 | 2 | 3;

export interface Pressure {
  readonly level: PressureLevel;
  /** Share of its capacity that the source should be used with: halved in a window that is late, or else a little more (AIMD). */
  readonly share: number;
  /** What the last window's signal was. */
  readonly lateMs: number;
  /** To be called by a timer of `timerMs` with how late it was, in milliseconds. */
  timerFired(lateMs: number): void;
}

export const timerMs = 20;

const windowMs = 100;
/**
 * From more than so many milliseconds on a level begins, at once. A machine that others work on too makes every timer late by
 * tens of milliseconds, and a page that is late by a quarter of a second is worth more than a refusal.
 */
const beginsAtMs = [50, 250, 1000] as const;
/** It ends after so many windows in a row in which the loop was late by less than half of that. */
const calmWindowsToEnd = 5;
const leastShare = 1 / 4;
const shareStep = 1 / 16;

export function createPressure(): Pressure {
  let level: PressureLevel = 0;
  let share = 1;
  let calmWindows = 0;
  let elapsedMs = 0;
  let leastLateMs = Number.POSITIVE_INFINITY;
  let windowLateMs = 0;

  function windowEnded(lateMs: number): void {
    windowLateMs = lateMs;
    const reached = levelAt(lateMs);
    share = reached > 0 ? Math.max(leastShare, share / 2) : Math.min(1, share + shareStep);
    if (reached >= level) {
      level = reached;
      calmWindows = 0;
      return;
    }
    const isCalm = level > 0 && lateMs < (beginsAtMs[level - 1] ?? 0) / 2;
    calmWindows = isCalm ? calmWindows + 1 : 0;
    if (calmWindows < calmWindowsToEnd) return;
    level = below(level);
    calmWindows = 0;
  }

  return {
    get level() {
      return level;
    },
    get share() {
      return share;
    },
    get lateMs() {
      return windowLateMs;
    },
    timerFired(lateMs) {
      elapsedMs += timerMs + lateMs;
      leastLateMs = Math.min(leastLateMs, lateMs);
      if (elapsedMs < windowMs) return;
      windowEnded(leastLateMs);
      elapsedMs = 0;
      leastLateMs = Number.POSITIVE_INFINITY;
    },
  };
}

function levelAt(lateMs: number): PressureLevel {
  const [first, second, third] = beginsAtMs;
  return lateMs > third ? 3 : lateMs > second ? 2 : lateMs > first ? 1 : 0;
}

const below = (level: PressureLevel): PressureLevel => (level === 3 ? 2 : level === 2 ? 1 : 0);
