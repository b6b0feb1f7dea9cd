import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faultKinds } from './fault-plan.ts';
import { readOptions } from './options.ts';

test('a quarter of the time is without faults, and 10 s of it at least', () => {
  assert.equal(readOptions([])?.healthySeconds, 30);
  assert.equal(readOptions(['--seconds', '24'])?.healthySeconds, 10);
  assert.equal(readOptions(['--seconds', '24', '--healthy-seconds', '3'])?.healthySeconds, 3);
  assert.deepEqual(readOptions([])?.faults, faultKinds);
});

test('settings go to the servers as they are', () => {
  const options = readOptions(['--setting', 'POLL_MS=10000', '--setting', 'CACHE_CONTROL=a=b']);
  assert.deepEqual(options?.settings, { POLL_MS: '10000', CACHE_CONTROL: 'a=b' });
});

test('a wrong option is told in one sentence', () => {
  for (const [args, sentence] of [
    [['--seconds', 'many'], /^--seconds must be a whole number from 4 up; it is "many"\.$/],
    [['--seconds', '10'], /^--healthy-seconds must be less than --seconds 10; it is 10\.$/],
    [['--faults', 'flood'], /^--faults must be of worker-killed, .*; one is "flood"\.$/],
    [['--setting', 'poll'], /^--setting must be NAME=VALUE, .*; it is "poll"\.$/],
  ] as const)
    assert.throws(() => readOptions([...args]), { message: sentence });
});
