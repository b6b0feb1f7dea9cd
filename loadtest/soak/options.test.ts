import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faultKinds } from './fault-plan.ts';
import { readOptions } from './options.ts';

test('without options everything breaks for ten minutes', () => {
  const options = readOptions([]);
  assert.equal(options?.minutes, 10);
  assert.deepEqual(options?.faults, faultKinds);
  assert.equal(readOptions(['-h']), undefined);
});

test('a wrong option is told in one sentence', () => {
  for (const [args, sentence] of [
    [['--minutes', '0.5'], /^--minutes must be a whole number from 1 up; it is "0\.5"\.$/],
    [['--faults', 'flood'], /^--faults must be of redis-killed, .*; one is "flood"\.$/],
  ] as const)
    assert.throws(() => readOptions([...args]), { message: sentence });
});
