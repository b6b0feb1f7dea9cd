import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createNegativeTier } from './negative-tier.ts';

test('a key is absent up to its time, or until it is deleted', () => {
  const tier = createNegativeTier();
  tier.add('k', { stamp: '', freshUntilMs: 10 });
  assert.deepEqual([tier.has('k', 9), tier.has('k', 10), tier.has('other', 9)], [true, false, false]);
  tier.delete('k');
  assert.equal(tier.has('k', 9), false);
});

test('a flood keeps the newest 10,000 keys', () => {
  const tier = createNegativeTier();
  for (let i = 0; i < 100_000; i++) tier.add(String(i), { stamp: '', freshUntilMs: 10 });
  assert.equal(tier.has('89999', 0), false);
  assert.equal(tier.has('90000', 0), true);
  assert.equal(tier.has('99999', 0), true);
});
