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
    [20, 0],
    [21, 1],
    [50, 1],
    [51, 2],
    [200, 2],
    [201, 3],
    [5000, 3],
  ] as const) {
    const pressure = createPressure();
    windows(pressure, 1, lateMs);
    assert.equal(pressure.level, level, `${lateMs} ms`);
  }
});

test('one late firing among others, as after a collection of garbage, is no pressure', () => {
  const pressure = createPressure();
  for (const lateMs of [0, 60, 0, 45, 1, 0, 70, 0, 0, 0]) pressure.timerFired(lateMs);
  assert.deepEqual([pressure.level, pressure.share], [0, 1]);
});

test('a level ends after five windows in a row below half of what began it, and then the next begins to', () => {
  const pressure = createPressure();
  windows(pressure, 1, 300);
  windows(pressure, 4, 5);
  assert.equal(pressure.level, 3);
  windows(pressure, 1, 101);
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
  windows(pressure, 1, 30);
  windows(pressure, 100, 15);
  assert.equal(pressure.level, 1);
});

test('the share is halved in each late window and grows by a sixteenth in each other', () => {
  const pressure = createPressure();
  windows(pressure, 3, 30);
  assert.equal(pressure.share, 1 / 8);
  windows(pressure, 20, 30);
  assert.equal(pressure.share, 1 / 16);
  windows(pressure, 4, 0);
  assert.equal(pressure.share, 5 / 16);
  windows(pressure, 100, 0);
  assert.equal(pressure.share, 1);
});
