import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { negotiateCoding } from './content-coding.ts';

const large = 10_000;
const small = 100;

for (const [claim, coding, fields] of [
  [
    'a client that takes brotli gets it, wherever it stands in the list',
    'br',
    ['br', 'gzip, br', 'gzip, deflate, br, zstd', 'br;q=0.1, gzip;q=0.1', 'BR', 'gzip;q=0.5, br;q=1.0'],
  ],
  ['a smaller answer is worth more than the order of what is acceptable', 'br', ['gzip;q=1.0, br;q=0.5']],
  [
    'a client that takes gzip alone gets gzip',
    'gzip',
    ['gzip', 'GZIP', 'deflate, gzip;q=0.001', 'br;q=0, gzip'],
  ],
  ['an asterisk stands for every coding not named', 'br', ['*', 'gzip, *', 'identity;q=0, *']],
  [
    'a quality of 0 forbids, though an asterisk allows the rest',
    'gzip',
    ['br;q=0, *', 'br;q=0.000, *;q=0.1'],
  ],
  [
    'a client that wants no coding gets none',
    'identity',
    [
      '',
      'identity',
      'deflate',
      '*;q=0',
      'br;q=0',
      'br;q=0, gzip;q=0',
      'identity, br;q=0.5',
      'identity;q=1, *;q=0',
    ],
  ],
  [
    'nothing acceptable is answered without a coding rather than refused',
    'identity',
    ['identity;q=0', 'zstd, *;q=0'],
  ],
  [
    'a coding is acceptable while identity is not',
    'gzip',
    ['gzip, identity;q=0', 'identity;q=0, gzip;q=0.2'],
  ],
  ['what is not a list of codings asks for none', 'identity', [';;;', ',', 'b r', '"br"', 'gzipx', 'q=1']],
] as const)
  test(claim, () => {
    for (const field of fields) assert.equal(negotiateCoding(field, large), coding, field);
  });

test('a body that fits into a packet is sent as it is, unless the client forbids that', () => {
  for (const field of ['br', 'gzip, br', '*', 'br;q=1.0, identity;q=0.1'])
    assert.equal(negotiateCoding(field, small), 'identity', field);
  for (const field of ['br, identity;q=0', 'br, *;q=0', 'identity;q=0, *'])
    assert.equal(negotiateCoding(field, small), 'br', field);
});

test('whatever the field, there is a coding, and the same when it is remembered', () => {
  fc.assert(
    fc.property(fc.string(), (field) => {
      const coding = negotiateCoding(field, large);
      assert.ok(['br', 'gzip', 'identity'].includes(coding));
      assert.equal(negotiateCoding(field, large), coding);
    }),
  );
});

test('more different fields than are remembered change no answer', () => {
  for (let i = 0; i < 1000; i++) assert.equal(negotiateCoding(`gzip;q=0.5, x-${i}`, large), 'gzip');
  assert.equal(negotiateCoding('br', large), 'br');
});
