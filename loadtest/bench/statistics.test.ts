import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spread } from './statistics.ts';

test('the median of an odd count is the middle value, whatever the order', () => {
  assert.deepEqual(spread([9, 1, 10]), { median: 9, min: 1, max: 10 });
});

test('the median of an even count is the mean of the middle two', () => {
  assert.deepEqual(spread([4, 1, 100, 2]), { median: 3, min: 1, max: 100 });
});

test('no values have no spread', () => {
  assert.throws(() => spread([]), /at least one value/);
});
