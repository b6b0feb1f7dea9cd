import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spread } from './statistics.ts';

test('the median of an odd count is the middle value, whatever the order', () => {
  assert.deepEqual(spread([9, 1, 10]), { median: 9, min: 1, max: 10, interval95: [1, 10] });
});

test('the median of an even count is the mean of the middle two', () => {
  assert.deepEqual(spread([4, 1, 100, 2]), { median: 3, min: 1, max: 100, interval95: [1, 100] });
});

test('the more values, the closer the interval of the median: of a hundred the 40th to the 61st', () => {
  const { interval95 } = spread(Array.from({ length: 100 }, (_, i) => i + 1));
  assert.deepEqual(interval95, [40, 61]);
});

test('no values have no spread', () => {
  assert.throws(() => spread([]), /at least one value/);
});
