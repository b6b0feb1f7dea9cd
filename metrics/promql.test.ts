import assert from 'node:assert/strict';
import { test } from 'node:test';
import { selections } from './promql.ts';

test('every metric of an expression is found, with its matchers and its range', () => {
  assert.deepEqual(
    selections('sum by (a) (rate(b_total{c="d",e=~"f|g"}[5m])) / on (h) group_left () (i > 0) or vector(0)'),
    [
      { metric: 'b_total', matchers: ['c="d"', 'e=~"f|g"'], range: { duration: '5m', function: 'rate' } },
      { metric: 'i', matchers: [] },
    ],
  );
});

test('a recording rule is a metric, a function and a label are not', () => {
  assert.deepEqual(
    selections('histogram_quantile(0.9, sum by (le) (job:x:rate5m))').map(({ metric }) => metric),
    ['job:x:rate5m'],
  );
});

test('what is not PromQL is refused', () => {
  for (const expression of ['sum(', 'rate(a[5m)', 'a b', ''])
    assert.throws(() => selections(expression), SyntaxError, expression);
});
