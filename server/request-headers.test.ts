import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasOneHost, readHeaders } from './request-headers.ts';

const host = (...values: string[]) => readHeaders(values.flatMap((value) => ['Host', value]));

test('field names are read in any case', () => {
  const expected = {
    hosts: 1,
    host: 'a',
    acceptEncoding: 'br',
    ifNoneMatch: '"x"',
    requestId: 'id',
    hasContent: true,
    hasUpgrade: true,
  };
  const fields = ['host', 'a', 'accept-encoding', 'br', 'if-none-match', '"x"'];
  fields.push('content-length', '1', 'upgrade', 'x', 'x-request-id', 'id');
  const shouted = fields.map((text, i) => (i % 2 === 0 ? text.toUpperCase() : text));
  assert.deepEqual(readHeaders(fields), expected);
  assert.deepEqual(readHeaders(shouted), expected);
});

test('fields of the same length as those that count change nothing', () => {
  const fields = [
    'Date',
    'x',
    'content-type',
    'x',
    'x-none-match-',
    '*',
    'content-lenght',
    '5',
    'accept-language',
    'de',
  ];
  assert.deepEqual(readHeaders([...fields, 'x-ransfer-encodin', 'y']), readHeaders([]));
});

test('a list that came in several fields is one list', () => {
  const headers = readHeaders([
    'Accept-Encoding',
    'gzip',
    'Accept-Encoding',
    'br',
    'If-None-Match',
    '"a"',
    'If-None-Match',
    '"b"',
  ]);
  assert.equal(headers.acceptEncoding, 'gzip, br');
  assert.equal(headers.ifNoneMatch, '"a", "b"');
});

test('a body is announced by a length other than 0 or by any transfer coding', () => {
  for (const fields of [
    ['Content-Length', '1'],
    ['Content-Length', '00'],
    ['Transfer-Encoding', 'chunked'],
    ['Transfer-Encoding', 'identity'],
  ])
    assert.equal(readHeaders(fields).hasContent, true, fields.join(': '));
  assert.equal(readHeaders(['Content-Length', '0']).hasContent, false);
  assert.equal(readHeaders(['Content-Type', 'text/plain']).hasContent, false);
});

test('one host name or address, with or without a port, is a Host', () => {
  for (const value of [
    'a',
    'shop.example',
    'shop.example:8080',
    '127.0.0.1:3000',
    '[::1]',
    '[::1]:3000',
    'a_b',
    'x~y',
  ])
    assert.equal(hasOneHost(host(value), '1.1'), true, value);
});

test('no Host, two, an empty one or one that no URL could hold are refused', () => {
  assert.equal(hasOneHost(host('a', 'a'), '1.1'), false);
  for (const value of [
    '',
    'a b',
    'a/b',
    'a@b',
    'http://a',
    'a:',
    'a:port',
    'a:123456',
    '[::1',
    '::1',
    '<a>',
    'a,b',
    'a?b',
    'a#b',
  ])
    assert.equal(hasOneHost(host(value), '1.1'), false, value);
  assert.equal(hasOneHost(host(), '1.1'), false);
});

test('HTTP/1.0 needs no Host, but a bad one is bad there too', () => {
  assert.equal(hasOneHost(host(), '1.0'), true);
  assert.equal(hasOneHost(host('a', 'b'), '1.0'), false);
  assert.equal(hasOneHost(host(''), '1.0'), false);
});
