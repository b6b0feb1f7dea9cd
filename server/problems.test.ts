import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LoadTimeoutError } from '../cache/fill.ts';
import { DatabaseUnavailable } from '../sql/errors.ts';
import { isUnavailable, problemResponse, rawProblemResponse, retryAfterSeconds } from './problems.ts';

test('a problem is a problem document of its status that nobody keeps', () => {
  const { status, headers, body } = problemResponse('unknown-product', 'No product has this slug.', [
    'X',
    'y',
  ]);
  assert.equal(status, 404);
  assert.deepEqual(JSON.parse(body), {
    type: '/problems/unknown-product',
    title: 'Unknown product',
    status: 404,
    detail: 'No product has this slug.',
  });
  const fields = Object.fromEntries(
    headers.flatMap((name, i) => (i % 2 === 0 ? [[name, headers[i + 1]]] : [])),
  );
  assert.deepEqual(fields, {
    'Content-Type': 'application/problem+json',
    'Content-Length': String(Buffer.byteLength(body)),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    'Access-Control-Allow-Origin': '*',
    'Access-Control-Expose-Headers': 'Cache-Status, Retry-After, X-Request-Id',
    X: 'y',
  });
});

test('a problem without a response object is a whole response that ends its connection', () => {
  const [head = '', body = ''] = rawProblemResponse('headers-too-large', 'Too much.').bytes.split('\r\n\r\n');
  assert.match(head, /^HTTP\/1\.1 431 Request header fields too large\r\n/);
  assert.match(head, /\r\nConnection: close$/);
  assert.match(head, new RegExp(`\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`));
  assert.equal(JSON.parse(body).status, 431);
});

test('a source that does not answer now is told from an error of ours', () => {
  assert.equal(isUnavailable(new DatabaseUnavailable('Postgres does not answer')), true);
  assert.equal(isUnavailable(new LoadTimeoutError('late')), true);
  assert.equal(isUnavailable(new TypeError('a bug')), false);
  assert.equal(isUnavailable({ code: 'database_unavailable' }), false);
  assert.equal(isUnavailable(undefined), false);
});

test('Retry-After is 1, 2 or 3 seconds, equally often', () => {
  assert.deepEqual([0, 0.33, 0.34, 0.66, 0.67, 0.999].map(retryAfterSeconds), ['1', '1', '2', '2', '3', '3']);
});
