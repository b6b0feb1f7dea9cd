import { workerCounters } from './catalogue.ts';
import { slotOf, totalSlots } from './recorder.ts';

/**
 * The sum over all workers there have ever been. A worker's death moves its last totals to those of the
 * retired, so that no total ever goes down.
 */
export interface Totals {
  /** Takes a worker's totals in place of its earlier ones. `incarnation` is unique to one process. */
  update(place: number, incarnation: number, totals: readonly number[]): void;
  /** Nothing more will come from this process. */
  retire(incarnation: number): void;
  /** One total per slot of the recorder. */
  sum(): Float64Array;
  /** The same over the workers that have had one place; only the slots of `workerCounters` count. */
  sumOfPlace(place: number): Float64Array;
}

// Theirs are the last slots, so what is kept for each place is short.
const firstOfWorkers = Math.min(
  ...workerCounters.flatMap((definition) =>
    definition.labelSets.map((labels) => slotOf(definition, labels) ?? 0),
  ),
);

export function createTotals(): Totals {
  const retired = new Float64Array(totalSlots);
  const retiredByPlace = new Map<number, Float64Array>();
  const living = new Map<number, { readonly place: number; readonly totals: readonly number[] }>();

  function addTo(sum: Float64Array, totals: ArrayLike<number>, from = 0): void {
    for (let slot = from; slot < totalSlots; slot++) sum[slot] = (sum[slot] ?? 0) + (totals[slot] ?? 0);
  }

  return {
    update: (place, incarnation, totals) => void living.set(incarnation, { place, totals }),
    retire(incarnation) {
      const last = living.get(incarnation);
      if (last === undefined) return;
      living.delete(incarnation);
      addTo(retired, last.totals);
      const ofPlace = retiredByPlace.get(last.place) ?? new Float64Array(totalSlots);
      addTo(ofPlace, last.totals, firstOfWorkers);
      retiredByPlace.set(last.place, ofPlace);
    },
    sum() {
      const sum = Float64Array.from(retired);
      for (const { totals } of living.values()) addTo(sum, totals);
      return sum;
    },
    sumOfPlace(place) {
      const sum = Float64Array.from(retiredByPlace.get(place) ?? new Float64Array(totalSlots));
      for (const worker of living.values())
        if (worker.place === place) addTo(sum, worker.totals, firstOfWorkers);
      return sum;
    },
  };
}
