/** A stream of numbers in [0, 1). */
export type Random = () => number;

/**
 * Returns the stream that belongs to a seed and a name, the same on every machine. Each table draws from a
 * stream of its own per thousand products, so its bytes do not depend on what else is generated, or when.
 *
 * The generator is sfc32 by Chris Doty-Humphrey, from PractRand (https://pracrand.sourceforge.net), which
 * passes that suite; its state is filled by the FNV-1a hash of the name, and the first 12 numbers, in which
 * similar names would still show, are dropped.
 */
export function randomStream(seed: number, name: string): Random {
  let a = seed | 0;
  let b = fnv1a(name, 0x811c9dc5);
  let c = fnv1a(name, b ^ a);
  let counter = 1;
  const random = () => {
    const t = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t;
    return (t >>> 0) / 2 ** 32;
  };
  for (let i = 0; i < 12; i++) random();
  return random;
}

function fnv1a(text: string, start: number): number {
  let hash = start;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash | 0;
}

/** A whole number from `min` to `max`, both included. */
export const integer = (random: Random, min: number, max: number) =>
  min + Math.floor(random() * (max - min + 1));

export const chance = (random: Random, probability: number) => random() < probability;

/** Throws when there is nothing to pick from. */
export function pick<T>(random: Random, items: readonly T[]): T {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new RangeError('There is nothing to pick from.');
  return item;
}

/** Up to `count` different items, in the order they were drawn. */
export function sample<T>(random: Random, items: readonly T[], count: number): T[] {
  const left = [...items];
  const drawn: T[] = [];
  while (drawn.length < count && left.length > 0) {
    drawn.push(...left.splice(Math.floor(random() * left.length), 1));
  }
  return drawn;
}
