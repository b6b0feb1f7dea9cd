/**
 * Returns a permutation of the numbers 0 to size − 1 that looks random, in constant memory: a Feistel network
 * of four rounds over the next even number of bits, walked along its cycle until it lands inside the range.
 */
export function permutation(size: number, seed: number): (index: number) => number {
  const halfBits = Math.max(1, Math.ceil(Math.log2(size) / 2));
  const mask = 2 ** halfBits - 1;
  const encrypt = (value: number) => {
    let left = value >>> halfBits;
    let right = value & mask;
    for (let round = 0; round < 4; round++) {
      [left, right] = [right, left ^ (scramble(right, seed + round) & mask)];
    }
    return left * 2 ** halfBits + right;
  };
  return (index) => {
    let value = encrypt(index);
    while (value >= size) value = encrypt(value);
    return value;
  };
}

/** The finaliser of MurmurHash3, by Austin Appleby. */
function scramble(value: number, key: number): number {
  let hash = value ^ Math.imul(key + 1, 0x9e3779b9);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
