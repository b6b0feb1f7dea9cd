import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeHealth } from './worker-health.ts';

const well = { silentSeconds: 0, isLoading: false, secondsTooLarge: 0 };

test('a worker is hung after seven seconds of silence', () => {
  assert.equal(judgeHealth({ ...well, silentSeconds: 6 }), 'well');
  assert.equal(judgeHealth({ ...well, silentSeconds: 7 }), 'hung');
});

test('one that is still loading has 30 s', () => {
  assert.equal(judgeHealth({ ...well, isLoading: true, silentSeconds: 29 }), 'well');
  assert.equal(judgeHealth({ ...well, isLoading: true, silentSeconds: 30 }), 'hung');
});

test('one that was too large for ten seconds is to be replaced, but killed if it is hung too', () => {
  assert.equal(judgeHealth({ ...well, secondsTooLarge: 9 }), 'well');
  assert.equal(judgeHealth({ ...well, secondsTooLarge: 10 }), 'large');
  assert.equal(judgeHealth({ silentSeconds: 7, isLoading: false, secondsTooLarge: 10 }), 'hung');
});
