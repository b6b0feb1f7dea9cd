import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cumulativeWeights, draw } from './zipf.ts';

test('each rank is drawn in proportion to rank to the power of minus the exponent', () => {
  for (const exponent of [0, 0.8, 1.1]) {
    const cumulative = cumulativeWeights(100, exponent);
    const draws = 1_000_000;
    const counts = new Array<number>(100).fill(0);
    // Every possible draw in even steps, so that nothing is left to chance.
    for (let i = 0; i < draws; i++) {
      const index = draw(cumulative, i / draws);
      counts[index] = (counts[index] ?? 0) + 1;
    }
    const total = cumulative[99] ?? 0;
    counts.forEach((count, index) => {
      const expected = (draws * (index + 1) ** -exponent) / total;
      assert.ok(
        Math.abs(count - expected) < 2,
        `exponent ${exponent}, rank ${index + 1}: ${count}, not ${expected}`,
      );
    });
  }
});

test('a draw is the first rank whose cumulative weight exceeds the wanted share', () => {
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1000 }), random, (count, share) => {
      const cumulative = cumulativeWeights(count, 0.8);
      const wanted = share * (cumulative.at(-1) ?? 0);
      assert.equal(
        draw(cumulative, share),
        cumulative.findIndex((sum) => sum > wanted),
      );
    }),
  );
});
