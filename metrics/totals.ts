import { totalSlots } from './recorder.ts';

/**
 * The sum over all workers there have ever been. A worker's death moves its last totals to those of the
 * retired, so that no total ever goes down.
 */
export interface Totals {
  /** Takes a worker's totals in place of its earlier ones. `incarnation` is unique to one process. */
  update(incarnation: number, totals: readonly number[]): void;
  retire(incarnation: number): void;
  sum(): Float64Array;
}

export function createTotals(): Totals {
  const retired = new Float64Array(totalSlots);
  const living = new Map<number, readonly number[]>();

  function addTo(sum: Float64Array, totals: readonly number[]): void {
    for (let slot = 0; slot < totalSlots; slot++) sum[slot] = (sum[slot] ?? 0) + (totals[slot] ?? 0);
  }

  return {
    update: (incarnation, totals) => void living.set(incarnation, totals),
    retire(incarnation) {
      addTo(retired, living.get(incarnation) ?? []);
      living.delete(incarnation);
    },
    sum() {
      const sum = Float64Array.from(retired);
      for (const totals of living.values()) addTo(sum, totals);
      return sum;
    },
  };
}
