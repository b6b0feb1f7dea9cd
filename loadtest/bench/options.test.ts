import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readOptions } from './options.ts';

test('a wrong option is named in one sentence', () => {
  assert.throws(
    () => readOptions(['--rounds', '4']),
    /^Error: --rounds must be a number from 5 up; it is "4"\.$/,
  );
  assert.throws(
    () => readOptions(['--max-ratio', 'ten']),
    /^Error: --max-ratio must be a number from 0 up; it is "ten"\.$/,
  );
  assert.throws(
    () => readOptions(['--url', 'localhost']),
    /^Error: --url must be a URL; it is "localhost"\.$/,
  );
  assert.throws(() => readOptions(['--accept-encoding', 'zstd']), /identity, gzip or br/);
  assert.throws(() => readOptions(['--unknown']), /--unknown/);
});

test('without --max-ratio no ratio is too high', () => {
  assert.equal(readOptions([]).maxRatio, Number.POSITIVE_INFINITY);
  assert.equal(readOptions(['--max-ratio', '1.25']).maxRatio, 1.25);
});
