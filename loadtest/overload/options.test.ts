import assert from 'node:assert/strict';
import { test } from 'node:test';
import { help, readOptions } from './options.ts';

test('each option has its default, and is in the help', () => {
  const options = readOptions([]);
  assert.deepEqual(
    [options?.seconds, options?.products, options?.readDelayMs, options?.seed, options?.settings],
    [30, 30_000, 40, 1, {}],
  );
  for (const option of [
    'seconds',
    'products',
    'read-ms',
    'seed',
    'setting',
    'results',
    'chart',
    'render',
    'logs',
    'help',
  ])
    assert.match(help, new RegExp(`^  --${option}\\b`, 'm'));
  assert.equal(readOptions(['--help']), undefined);
});

test('settings are for the server, by their names', () => {
  const options = readOptions(['--setting', 'DATABASE_POOL_MAX=4', '--setting', 'LOG_LEVEL=debug']);
  assert.deepEqual(options?.settings, { DATABASE_POOL_MAX: '4', LOG_LEVEL: 'debug' });
});

test('what is wrong with an option is said in a sentence', () => {
  assert.throws(() => readOptions(['--seconds', '0']), {
    message: '--seconds must be a whole number from 1 up; it is "0".',
  });
  assert.throws(() => readOptions(['--products', '100']), {
    message: '--products must be a whole number from 2000 up; it is "100".',
  });
  assert.throws(() => readOptions(['--setting', 'pool=4']), {
    message: '--setting must be NAME=VALUE, such as STALENESS_MS=250; it is "pool=4".',
  });
  assert.throws(() => readOptions(['--second', '3']), /--second/);
});
