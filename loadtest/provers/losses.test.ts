import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type FailedRequest, lossesOfPrimaries, lossesOfWorkers } from './losses.ts';

const failed = (sentAtMs: number, endedAtMs: number, localPort?: number): FailedRequest => ({
  error: 'ECONNRESET',
  sentAtMs,
  endedAtMs,
  localPort,
});

suite('what a worker takes with it', () => {
  const losses = [
    { atMs: 1000, goneAtMs: 1000, ports: new Set([1, 2]) },
    { atMs: 5000, goneAtMs: 14_000, ports: new Set([3]) },
  ];

  test('is what was under way on its connections, or sent before their end was noticed', () => {
    const own = [failed(990, 1004, 1), failed(1001, 1010, 2), failed(4990, 14_001, 3)];
    assert.deepEqual(lossesOfWorkers(own, losses), {
      lost: own,
      others: [],
      lastLostAfterMs: [10, 9001],
    });
  });

  test('is nothing that was lost on another connection, or on none', () => {
    const others = [failed(990, 1004, 3), failed(990, 1004)];
    assert.deepEqual(lossesOfWorkers(others, losses), { lost: [], others, lastLostAfterMs: [0, 0] });
  });

  test('is nothing that had failed before, or was sent when it was long gone', () => {
    const others = [failed(900, 999, 1), failed(2001, 2002, 1)];
    assert.deepEqual(lossesOfWorkers(others, losses).others, others);
  });
});

suite('what is lost with a primary', () => {
  const losses = [{ atMs: 1000, backAtMs: 2500, ports: new Set([1]) }];

  test('is what was sent until the next is ready, and what no worker had got yet', () => {
    const unserved = [failed(1000, 1001), failed(2500, 2501, 7)];
    const notHandedOver = [failed(999, 1002, 8)];
    assert.deepEqual(lossesOfPrimaries([...unserved, ...notHandedOver], losses), {
      unserved,
      notHandedOver,
      others: [],
    });
  });

  test('is nothing that a worker had, and nothing before or after', () => {
    const others = [failed(999, 1002, 1), failed(1200, 1300, 1), failed(2501, 2502), failed(900, 999, 8)];
    assert.deepEqual(lossesOfPrimaries(others, losses).others, others);
  });
});
