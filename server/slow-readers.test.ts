import assert from 'node:assert/strict';
import { test } from 'node:test';
import { slowReaderTimeoutMs, timeoutCheckMs } from './limits.ts';
import { createSlowReaders, type Writable } from './slow-readers.ts';

/** Looks each second whether a client is slow that is sent and takes so many bytes in each; returns when it is. */
function slowAfterMs(
  sends: (second: number) => number,
  takes: (second: number) => number,
): number | undefined {
  const socket = { bytesWritten: 0, writableLength: 0 };
  const slowReaders = createSlowReaders<Writable>();
  for (let second = 0; second < 1000; second++) {
    const sent = sends(second);
    socket.bytesWritten += sent;
    socket.writableLength = Math.max(0, socket.writableLength + sent - takes(second));
    if (slowReaders([socket], second * timeoutCheckMs).length > 0) return second * timeoutCheckMs;
  }
  return undefined;
}

const page = 14_000;
const once = (second: number) => (second === 0 ? page : 0);

test('a client that takes nothing is slow when the time is over', () => {
  assert.equal(
    slowAfterMs(once, () => 0),
    slowReaderTimeoutMs,
  );
});

test('so is one that takes a little every second', () => {
  assert.equal(
    slowAfterMs(once, () => 100),
    slowReaderTimeoutMs,
  );
});

test('and one that takes little of what does not end', () => {
  const afterMs = slowAfterMs(
    () => page,
    () => 100,
  );
  assert.equal(afterMs, slowReaderTimeoutMs);
});

test('one that takes a page in time is not, however often it asks', () => {
  assert.equal(
    slowAfterMs(once, () => 500),
    undefined,
  );
  assert.equal(
    slowAfterMs(
      (second) => (second % 29 === 0 ? page : 0),
      () => 500,
    ),
    undefined,
  );
});

test('one that always has something to take is not while it takes it', () => {
  assert.equal(
    slowAfterMs(
      (second) => (second === 0 ? 4 * page : page),
      () => page,
    ),
    undefined,
  );
});

test('the time begins anew for what is sent later', () => {
  assert.equal(
    slowAfterMs(
      (second) => (second === 0 || second === 500 ? page : 0),
      (second) => (second < 500 ? 500 : 0),
    ),
    500_000 + slowReaderTimeoutMs,
  );
});
