/** A stream of numbers in [0, 1). */
export type Random = () => number;

/** The stream that belongs to a seed, the same on every machine: mulberry32 by Tommy Ettinger. */
export function seededRandom(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const between = (random: Random, min: number, max: number) => min + random() * (max - min);

/** Throws when there is nothing to pick from. */
export function pick<T>(random: Random, items: readonly T[]): T {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new RangeError('There is nothing to pick from.');
  return item;
}

/** Deals the cards in random order, for ever: all of them once before any of them again. */
export function* dealt<T>(random: Random, cards: readonly T[]): Generator<T, never> {
  for (;;) {
    const left = [...cards];
    while (left.length > 0) yield* left.splice(Math.floor(random() * left.length), 1);
  }
}
