import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBreaker } from './breaker.ts';
import { type Pause, settle } from './by-hand.ts';

/** A breaker whose every pause and every probe ends when the test says so. */
function breakerByHand() {
  const pauses: Pause[] = [];
  const probes: { resolve(): void; reject(error: Error): void }[] = [];
  const breaker = createBreaker({
    delay: (ms) => new Promise((resolve) => pauses.push({ ms, resolve })),
    probe: () => new Promise<void>((resolve, reject) => probes.push({ resolve, reject })),
  });
  const fail = (times: number) => {
    for (let i = 0; i < times; i++) breaker.called(false);
  };
  /** Lets the last pause pass, and the probe after it end. */
  const probed = async (succeeds: boolean) => {
    pauses.at(-1)?.resolve();
    await settle();
    if (succeeds) probes.at(-1)?.resolve();
    else probes.at(-1)?.reject(new Error('no answer'));
    await settle();
  };
  return { breaker, pauses, probes, fail, probed };
}

test('three failures in a row open it, and fewer do not', () => {
  const { breaker, fail } = breakerByHand();
  fail(2);
  assert.deepEqual([breaker.state, breaker.allows], ['closed', true]);
  fail(1);
  assert.deepEqual([breaker.state, breaker.allows], ['open', false]);
});

test('a success in between counts from the beginning', () => {
  const { breaker, fail } = breakerByHand();
  fail(2);
  breaker.called(true);
  fail(2);
  assert.equal(breaker.allows, true);
  fail(1);
  assert.equal(breaker.allows, false);
});

test('while it is open nobody is let through, probes are made beside the requests, and none before its pause', async () => {
  const { breaker, fail, pauses, probes } = breakerByHand();
  fail(3);
  for (let i = 0; i < 100; i++) assert.equal(breaker.allows, false);
  await settle();
  assert.deepEqual([pauses.length, probes.length], [1, 0]);
  pauses[0]?.resolve();
  await settle();
  assert.equal(probes.length, 1);
  assert.deepEqual([breaker.state, breaker.allows], ['half-open', false], 'also while it is probed');
});

test('it is probed after 100 ms, and then half as often each time, down to once a second', async () => {
  const { breaker, fail, pauses, probed } = breakerByHand();
  fail(3);
  for (let i = 0; i < 6; i++) {
    await probed(false);
    assert.equal(breaker.state, 'open');
  }
  assert.deepEqual(
    pauses.map(({ ms }) => ms),
    [100, 200, 400, 800, 1000, 1000, 1000],
  );
});

test('the first probe that succeeds closes it, and no more are made', async () => {
  const { breaker, fail, pauses, probes, probed } = breakerByHand();
  fail(3);
  await probed(false);
  await probed(true);
  assert.deepEqual([breaker.state, breaker.allows], ['closed', true]);
  assert.deepEqual([pauses.length, probes.length], [2, 2]);
});

test('closed again, it takes three failures anew, and begins with short pauses', async () => {
  const { breaker, fail, pauses, probed } = breakerByHand();
  fail(3);
  await probed(false);
  await probed(true);
  fail(2);
  assert.equal(breaker.allows, true);
  fail(1);
  assert.equal(breaker.allows, false);
  assert.equal(pauses.at(-1)?.ms, 100);
});

test('calls that were under way when it opened neither open it twice nor close it', async () => {
  const { breaker, fail, pauses, probed } = breakerByHand();
  fail(10);
  breaker.called(true);
  fail(10);
  await settle();
  assert.equal(breaker.allows, false, 'what was sent before says little; the probe decides');
  assert.equal(pauses.length, 1);
  await probed(true);
  assert.equal(breaker.allows, true);
  fail(2);
  assert.equal(breaker.allows, true);
});
