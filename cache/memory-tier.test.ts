import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryTier } from './memory-tier.ts';

interface Document {
  bytes: number;
}

const codec = {
  sizeBytes: ({ bytes }: Document) => bytes,
  encode: () => '',
  decode: () => undefined,
};

/** Keys are one character, so an entry of 2047 bytes weighs 2048. */
function tierOf(maxBytes: number) {
  const tier = createMemoryTier<Document>(maxBytes, codec);
  const put = (key: string, bytes = 2047): Document => {
    const value = { bytes };
    tier.set(key, { value, stamp: '', costMs: 0, freshUntilMs: 0, servableUntilMs: 0, refreshFromMs: 0 });
    return value;
  };
  const has = (...keys: string[]) => keys.filter((key) => tier.get(key) !== undefined).join('');
  return { tier, put, has };
}

test('memory holds as many bytes as it may, keys included, and not one more', () => {
  const { tier, put, has } = tierOf(3 * 2048);
  for (const key of 'abc') put(key);
  assert.equal(tier.sizeBytes, 3 * 2048);
  put('d', 1);
  assert.equal(tier.sizeBytes, 2 * 2048 + 2);
  assert.equal(has('a', 'b', 'c', 'd'), 'bcd');
});

test('what was used least recently goes first', () => {
  const { put, has } = tierOf(3 * 2048);
  for (const key of 'abc') put(key);
  has('a');
  put('d');
  assert.equal(has('a', 'b', 'c', 'd'), 'acd');
});

test('an entry that has grown is weighed anew and pushes others out', () => {
  const { tier, put, has } = tierOf(3 * 2048);
  for (const key of 'ab') put(key);
  const grown = put('c');
  grown.bytes = 4095;
  tier.resized('c', grown);
  assert.equal(tier.sizeBytes, 3 * 2048);
  assert.equal(has('a', 'b', 'c'), 'bc');
});

test('growth of a value that was replaced or evicted meanwhile counts nothing', () => {
  const { tier, put } = tierOf(3 * 2048);
  const old = put('a');
  put('a', 99);
  old.bytes = 4000;
  tier.resized('a', old);
  tier.resized('never there', old);
  assert.equal(tier.sizeBytes, 100);
  assert.equal(tier.entries, 1);
});

test('a value larger than the tier is not kept, takes its older self with it, and leaves the others', () => {
  const { tier, put, has } = tierOf(3 * 2048);
  for (const key of 'ab') put(key);
  put('a', 3 * 2048);
  assert.equal(has('a', 'b'), 'b');
  assert.equal(tier.sizeBytes, 2048);
});

test('a value that outgrows the tier is dropped', () => {
  const { tier, put } = tierOf(3 * 2048);
  const grown = put('a');
  grown.bytes = 3 * 2048;
  tier.resized('a', grown);
  assert.equal(tier.entries, 0);
  assert.equal(tier.sizeBytes, 0);
});

test('a deleted entry gives its bytes back', () => {
  const { tier, put } = tierOf(3 * 2048);
  put('a');
  tier.delete('a');
  assert.equal(tier.sizeBytes, 0);
});

test('a tier of 0 bytes is off', () => {
  const { tier, put, has } = tierOf(0);
  tier.resized('a', put('a'));
  assert.equal(has('a'), '');
  assert.deepEqual([tier.entries, tier.sizeBytes], [0, 0]);
});
