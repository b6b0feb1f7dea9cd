import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { permutation } from './permutation.ts';

test('every number of the range appears exactly once, for any size and seed', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 0, max: 2 ** 31 - 1 }), (size, seed) => {
      const numbers = Array.from({ length: size }, (_, index) => permutation(size, seed)(index));
      assert.equal(new Set(numbers).size, size);
      assert.ok(numbers.every((number) => number >= 0 && number < size));
    }),
    { numRuns: 50 },
  );
});

test('neighbours are scattered', () => {
  const scatter = permutation(10_000, 1);
  const distances = Array.from({ length: 9999 }, (_, index) => Math.abs(scatter(index + 1) - scatter(index)));
  const mean = distances.reduce((sum, distance) => sum + distance) / distances.length;
  // Two random numbers below n are n / 3 apart on average.
  assert.ok(Math.abs(mean - 10_000 / 3) < 200, String(mean));
});
