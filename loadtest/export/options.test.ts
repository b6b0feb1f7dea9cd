import assert from 'node:assert/strict';
import { test } from 'node:test';
import { help, readOptions } from './options.ts';

test('each option has its default, and is in the help', () => {
  const { json, logs, url, ...defaults } = readOptions([]) ?? assert.fail();
  assert.deepEqual([json, logs, url], [undefined, undefined, undefined]);
  assert.deepEqual(defaults, {
    products: 10_000,
    seconds: 20,
    ratePerSecond: 200,
    coding: 'br',
    exports: 1,
    seed: 1,
    settings: {},
  });
  for (const option of [
    'products',
    'url',
    'seconds',
    'rate',
    'coding',
    'exports',
    'seed',
    'setting',
    'logs',
    'json',
    'help',
  ])
    assert.match(help, new RegExp(`^  --${option}\\b`, 'm'));
  assert.equal(readOptions(['--help']), undefined);
});

test('what is wrong with an option is said in a sentence', () => {
  assert.throws(() => readOptions(['--setting', 'STALENES_MS=100']), {
    message: '--setting must name a setting of the server; STALENES_MS is none.',
  });
  assert.throws(() => readOptions(['--coding', 'zip']), {
    message: '--coding must be one of identity, gzip, br; it is "zip".',
  });
  assert.throws(() => readOptions(['--products', '9']), {
    message: '--products must be a whole number from 100 up; it is "9".',
  });
});
