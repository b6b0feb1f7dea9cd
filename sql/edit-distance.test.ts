import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { editDistance, mistakesAllowed } from './edit-distance.ts';

test('each letter that is missing, too many, another or exchanged with the next is one mistake', () => {
  for (const [from, to, distance] of [
    ['crown', 'crown', 0],
    ['crwon', 'crown', 1],
    ['crow', 'crown', 1],
    ['crownn', 'crown', 1],
    ['craun', 'crown', 2],
    ['ca', 'abc', 3],
    ['', 'abc', 3],
    ['東京', '京東', 1],
  ] as const)
    assert.equal(editDistance(from, to), distance, `${from} ${to}`);
});

test('it is the same both ways, and 0 only for the same word', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 8 }), fc.string({ maxLength: 8 }), (a, b) => {
      assert.equal(editDistance(a, b), editDistance(b, a));
      assert.equal(editDistance(a, b) === 0, a === b);
    }),
  );
});

test('short words may have no mistake, and none more than two', () => {
  assert.deepEqual([1, 2, 3, 5, 6, 20].map(mistakesAllowed), [0, 0, 1, 1, 2, 2]);
});
