import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareHoldings } from './baseline.ts';

const before = { descriptors: 100, memoryBytes: 200 * 2 ** 20, postgresConnections: 10 };
const isKept = (after: typeof before) => compareHoldings(before, after).map((finding) => finding.isKept);

test('what is held may be less than before, or a twentieth more', () => {
  assert.deepEqual(isKept(before), [true, true, true]);
  assert.deepEqual(isKept({ descriptors: 105, memoryBytes: 1, postgresConnections: 9 }), [true, true, true]);
});

test('anything beyond that is a leak', () => {
  assert.deepEqual(isKept({ ...before, descriptors: 106 }), [false, true, true]);
  assert.deepEqual(isKept({ ...before, memoryBytes: 211 * 2 ** 20 }), [true, false, true]);
  assert.deepEqual(isKept({ ...before, postgresConnections: 11 }), [true, true, false]);
});
