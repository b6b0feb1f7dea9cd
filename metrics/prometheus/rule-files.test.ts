import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hastened, hastenedExpression } from './rule-files.ts';

test('a hastened rule looks at a second for each minute, and keeps the names and labels that tell of minutes', () => {
  assert.equal(
    hastenedExpression('a:b:rate5m{c="5m"} offset 15m > 5 and rate(d[10m]) > 0.5'),
    'a:b:rate5m{c="5m"} offset 15s > 5 and rate(d[10s]) > 0.5',
  );
});

test('a window is never too short for a rate, and never longer than a test may take', () => {
  assert.equal(
    hastenedExpression('rate(a[1m]) + rate(a[5m]) + rate(a[30d] offset 1d)'),
    'rate(a[5s]) + rate(a[5s]) + rate(a[20s] offset 20s)',
  );
});

test('groups lose their interval, and alerts wait less', () => {
  const rule = { alert: 'A', expr: 'up == 0', for: '15m', labels: {}, annotations: {} };
  assert.deepEqual(hastened({ groups: [{ name: 'g', interval: '1m', rules: [rule] }] }), {
    groups: [{ name: 'g', rules: [{ ...rule, for: '15s' }] }],
  });
});
