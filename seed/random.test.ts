import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { integer, pick, randomStream, sample } from './random.ts';

const drawTen = (seed: number, name: string) => {
  const random = randomStream(seed, name);
  return Array.from({ length: 10 }, random);
};

test('the same seed and name give the same numbers, and any other seed or name gives others', () => {
  const seeds = fc.integer({ min: 0, max: 2 ** 31 - 1 });
  fc.assert(
    fc.property(seeds, seeds, fc.string(), fc.string(), (seed, otherSeed, name, otherName) => {
      fc.pre(seed !== otherSeed && name !== otherName);
      assert.deepEqual(drawTen(seed, name), drawTen(seed, name));
      assert.notDeepEqual(drawTen(seed, name), drawTen(otherSeed, name));
      assert.notDeepEqual(drawTen(seed, name), drawTen(seed, otherName));
    }),
  );
});

test('streams with similar names do not resemble each other', () => {
  const [a, b] = [randomStream(1, 'review 1'), randomStream(1, 'review 2')];
  const pairs = Array.from({ length: 10_000 }, () => [a(), b()] as const);
  const covariance = pairs.reduce((sum, [x, y]) => sum + (x - 0.5) * (y - 0.5), 0) / pairs.length;
  assert.ok(Math.abs(covariance * 12) < 0.05, String(covariance));
});

test('numbers are spread evenly', () => {
  const random = randomStream(1, 'even');
  const counts = new Array<number>(10).fill(0);
  for (let i = 0; i < 100_000; i++) {
    const slot = integer(random, 0, 9);
    counts[slot] = (counts[slot] ?? 0) + 1;
  }
  for (const count of counts) assert.ok(Math.abs(count - 10_000) < 400, String(counts));
});

test('a sample has no item twice and is never larger than what there is', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer()), fc.nat(20), (items, count) => {
      const drawn = sample(randomStream(1, 'sample'), items, count);
      assert.equal(drawn.length, Math.min(count, items.length));
      assert.equal(new Set(drawn).size, drawn.length);
      assert.ok(drawn.every((item) => items.includes(item)));
    }),
  );
});

test('picking from nothing is an error', () => {
  assert.throws(() => pick(Math.random, []), RangeError);
});
