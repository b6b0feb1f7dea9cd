import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFailureLog } from './failure-log.ts';

const request = { method: 'GET', route: '/v1/products/{slug}', slug: 'a' } as const;

function createLog() {
  const lines: unknown[] = [];
  const clock = { nowMs: 0 };
  const write = (level: string) => (line: object) => void lines.push({ level, ...line });
  const log = createFailureLog({ error: write('error'), warn: write('warn') }, () => clock.nowMs);
  return { lines, clock, log };
}

test('each unexpected failure is a line, with what may be said of its request', () => {
  const { lines, log } = createLog();
  const errors = [new Error('1'), new Error('2')];
  for (const err of errors) log(err, false, { ...request, requestId: 'id' });
  assert.deepEqual(
    lines,
    errors.map((err) => ({ level: 'error', err, ...request, requestId: 'id' })),
  );
});

test('refusals are a line a second, which counts those that were none', () => {
  const { lines, clock, log } = createLog();
  const err = new Error('unavailable');
  const refuse = (times: number) => {
    for (let i = 0; i < times; i++) log(err, true, request);
  };
  refuse(3);
  clock.nowMs = 999;
  refuse(4);
  assert.deepEqual(lines, [{ level: 'warn', err, ...request, refused: 1 }]);
  clock.nowMs = 1000;
  refuse(2);
  assert.deepEqual(lines.slice(1), [{ level: 'warn', err, ...request, refused: 7 }]);
});
