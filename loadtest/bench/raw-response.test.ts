import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { expectSame, headerValue, isExpected, parseResponse } from './raw-response.ts';

const head =
  'HTTP/1.1 200 OK\r\nETag: "a: b"\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\nContent-Length: 5\r\n\r\n';
const response = `${head}hello`;

/** The same response, received in two chunks. */
const arrives = (bytes: string, cut: number) => {
  const expected = expectSame(response);
  const first = Buffer.from(bytes.slice(0, cut), 'latin1');
  const rest = Buffer.from(bytes.slice(cut), 'latin1');
  return (
    isExpected(expected, 0, first, first.length) && isExpected(expected, first.length, rest, rest.length)
  );
};

test('headers keep their names, values and order', () => {
  const parsed = parseResponse(response);
  assert.equal(parsed?.status, 200);
  assert.equal(parsed?.body, 'hello');
  assert.deepEqual(parsed?.headers.slice(0, 3), ['ETag', '"a: b"', 'Date']);
  assert.equal(headerValue(parsed?.headers ?? [], 'etag'), '"a: b"');
});

test('an unfinished response is undefined, an overlong one an error', () => {
  for (let length = 0; length < response.length; length++)
    assert.equal(parseResponse(response.slice(0, length)), undefined);
  assert.throws(() => parseResponse(`${response}!`), /body of 5 bytes, got 6/);
});

test('a response without a Content-Length is an error', () => {
  assert.throws(() => parseResponse('HTTP/1.1 200 OK\r\nVary: *\r\n\r\n'), /Content-Length/);
});

test('the same response is expected wherever it is cut and whatever its Date says', () => {
  const later = response.replace('01 Jan', '31 Dec');
  for (let cut = 0; cut <= response.length; cut++) {
    assert.ok(arrives(response, cut), `cut at ${cut}`);
    assert.ok(arrives(later, cut), `later, cut at ${cut}`);
  }
});

test('one byte changed outside the Date is noticed, wherever the response is cut', () => {
  const { dateStart, dateEnd } = expectSame(response);
  fc.assert(
    fc.property(
      fc.nat(response.length - 1).filter((at) => at < dateStart || at >= dateEnd),
      fc.nat(response.length),
      (at, cut) => !arrives(`${response.slice(0, at)}\0${response.slice(at + 1)}`, cut),
    ),
  );
});

test('more bytes than the response has are noticed', () => {
  assert.ok(!arrives(`${response}!`, 3));
});
