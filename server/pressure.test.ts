import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPressure, type Pressure } from './pressure.ts';

/** Windows in each of which the timer fires until a tenth of a second is over, late by so much. */
function windows(pressure: Pressure, count: number, lateMs: number): void {
  for (let i = 0; i < count; i++)
    for (let elapsedMs = 0; elapsedMs < 100; elapsedMs += 20 + lateMs) pressure.timerFired(lateMs);
}

test('a loop that is late all the time is under pressure within a window, by how late it is', () => {
  for (const [lateMs, level] of [
    [0, 0],
    [50, 0],
    [51, 1],
    [250, 1],
    [251, 2],
    [1000, 2],
    [1001, 3],
    [5000, 3],
  ] as const) {
    const pressure = createPressure();
    windows(pressure, 1, lateMs);
    assert.equal(pressure.level, level, `${lateMs} ms`);
  }
});

test('one late firing among others, as after a collection of garbage, is no pressure', () => {
  const pressure = createPressure();
  for (const lateMs of [0, 90, 0, 65, 1, 0, 95, 0, 0, 0]) pressure.timerFired(lateMs);
  assert.deepEqual([pressure.level, pressure.share], [0, 1]);
});

test('a level ends after five windows in a row below half of what began it, and then the next begins to', () => {
  const pressure = createPressure();
  windows(pressure, 1, 1500);
  windows(pressure, 4, 5);
  assert.equal(pressure.level, 3);
  windows(pressure, 1, 501);
  windows(pressure, 4, 5);
  assert.equal(pressure.level, 3, 'it has to begin counting anew');
  windows(pressure, 1, 5);
  assert.equal(pressure.level, 2);
  windows(pressure, 5, 5);
  assert.equal(pressure.level, 1);
  windows(pressure, 5, 5);
  assert.equal(pressure.level, 0);
});

test('between half and the whole of what began a level it stays', () => {
  const pressure = createPressure();
  windows(pressure, 1, 60);
  windows(pressure, 100, 30);
  assert.equal(pressure.level, 1);
});

test('the share is halved in each late window, down to a quarter, and grows by a sixteenth in each other', () => {
  const pressure = createPressure();
  windows(pressure, 1, 60);
  assert.equal(pressure.share, 1 / 2);
  windows(pressure, 20, 60);
  assert.deepEqual([pressure.share, pressure.lateMs], [1 / 4, 60]);
  windows(pressure, 4, 0);
  assert.equal(pressure.share, 1 / 2);
  windows(pressure, 100, 0);
  assert.deepEqual([pressure.share, pressure.lateMs], [1, 0]);
});
