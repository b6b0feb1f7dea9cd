import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settle } from './by-hand.ts';
import type { Demand, Loaded } from './entry.ts';
import { createGatherer } from './gather.ts';

/** A gatherer whose source and clock are the test's. */
function byHand() {
  const reads: {
    keys: readonly string[];
    demand: Demand;
    answer(): void;
    fail(error: Error): void;
  }[] = [];
  const windows: (() => void)[] = [];
  const loadedOf = (key: string): Loaded<string> => ({ value: `value of ${key}`, stamp: '1:1:' });
  const ask = <T>(keys: readonly string[], demand: Demand, answer: () => T) => {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    reads.push({ keys, demand, answer: () => resolve(answer()), fail: reject });
    return promise;
  };
  const gatherer = createGatherer<string>({
    loadOne: (key, demand) => ask([key], demand, () => loadedOf(key)),
    loadMany: (keys, demand) =>
      ask(keys, demand, () => new Map(keys.map((key) => [key, loadedOf(key)] as const))),
    windowMs: 2,
    delay: () => new Promise((resolve) => windows.push(resolve)),
  });
  return { ...gatherer, reads, windows, keysRead: () => reads.map(({ keys }) => keys.join()) };
}

const wanted: Demand = { isWaitedFor: () => true, isWanted: () => true };
const left: Demand = { isWaitedFor: () => true, isWanted: () => false };

test('a key that nobody expects is read alone, at once', async () => {
  const { load, keysRead, reads } = byHand();
  const loaded = load('a', wanted);
  assert.deepEqual(keysRead(), ['a']);
  reads[0]?.answer();
  assert.equal((await loaded).value, 'value of a');
});

test('keys that are expected together are read together when all have come', async () => {
  const { expect, load, keysRead, reads } = byHand();
  expect(['a', 'b', 'c']);
  const loads = [load('b', wanted), load('a', wanted)];
  assert.deepEqual(keysRead(), []);
  loads.push(load('c', wanted));
  assert.deepEqual(keysRead(), ['b,a,c']);
  reads[0]?.answer();
  assert.deepEqual(
    (await Promise.all(loads)).map(({ value }) => value),
    ['value of b', 'value of a', 'value of c'],
  );
});

test('who has been answered without the source is not waited for', () => {
  const { expect, load, keysRead } = byHand();
  const expectation = expect(['a', 'b', 'c']);
  void load('a', wanted);
  expectation.settled('b');
  assert.deepEqual(keysRead(), []);
  expectation.settled('c');
  assert.deepEqual(keysRead(), ['a'], 'and one alone is read as any other');
});

test('who is late is not waited for beyond the window, and is read when it comes', async () => {
  const { expect, load, keysRead, windows } = byHand();
  expect(['a', 'b', 'c']);
  void load('a', wanted);
  void load('b', wanted);
  windows[0]?.();
  await settle();
  assert.deepEqual(keysRead(), ['a,b']);
  void load('c', wanted);
  assert.deepEqual(keysRead(), ['a,b', 'c']);
});

test('a failure reaches each who waits', async () => {
  const { expect, load, reads } = byHand();
  expect(['a', 'b']);
  const loads = [load('a', wanted), load('b', wanted)];
  reads[0]?.fail(new Error('down'));
  for (const loaded of loads) await assert.rejects(loaded, /down/);
});

test('a statement is wanted as long as somebody waits for one of its keys', () => {
  const { expect, load, reads } = byHand();
  expect(['a', 'b', 'c', 'd']);
  void load('a', left);
  void load('b', wanted);
  void load('c', left);
  void load('d', left);
  assert.equal(reads[0]?.demand.isWanted(), true);
  expect(['e', 'f']);
  void load('e', left);
  void load('f', left);
  assert.equal(reads[1]?.demand.isWanted(), false);
});

test('two who expect the same key get it from one of them, and what has ended is forgotten', () => {
  const { expect, load, keysRead } = byHand();
  const first = expect(['a', 'b']);
  const second = expect(['b', 'c']);
  void load('c', wanted);
  assert.deepEqual(keysRead(), ['c'], 'nobody of its own is left to wait for');
  void load('a', wanted);
  first.end();
  assert.deepEqual(keysRead(), ['c', 'a'], 'nobody waits for an end that has been');
  second.end();
  void load('b', wanted);
  assert.deepEqual(keysRead(), ['c', 'a', 'b']);
});

test('a key that has changed meanwhile and is read twice is in the statement once', async () => {
  const { expect, load, keysRead, reads } = byHand();
  expect(['a', 'b']);
  const loads = [load('a', wanted), load('a', wanted), load('b', wanted)];
  assert.deepEqual(keysRead(), ['a,b']);
  reads[0]?.answer();
  assert.equal((await Promise.all(loads)).length, 3);
});
