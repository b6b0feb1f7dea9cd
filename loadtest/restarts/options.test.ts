import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readOptions, scenarioNames } from './options.ts';

test('without options everything is tried, with ten restarts under a hundred thousand requests', () => {
  const options = readOptions([]);
  assert.deepEqual(options?.only, scenarioNames);
  assert.equal(options?.restarts, 10);
  assert.equal(options?.requests, 100_000);
  assert.equal(readOptions(['--help']), undefined);
});

test('a wrong option is told in one sentence', () => {
  for (const [args, sentence] of [
    [['--rate', 'high'], /^--rate must be a whole number from 1 up; it is "high"\.$/],
    [['--only', 'earthquake'], /^--only must be of rolling, .*; one is "earthquake"\.$/],
    [['--setting', 'workers'], /^--setting must be NAME=VALUE, .*; it is "workers"\.$/],
  ] as const)
    assert.throws(() => readOptions([...args]), { message: sentence });
});
