import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Hits, Result } from './measure.ts';
import { findingsOf, reportText, voidReason } from './report.ts';

const mebibyte = 2 ** 20;
const latencies = (p99: number) => ({ count: 1000, p50: p99 / 4, p99, max: 3 * p99 });
const hits = (p99: number, more: Partial<Hits> = {}): Hits => ({
  ms: latencies(p99),
  lateMs: latencies(1),
  others: [],
  workerCores: 0.1,
  ...more,
});
const taken = { documents: 400, bytes: 5_000_000, wireBytes: 500_000, seconds: 0.5, fault: undefined };
const good: Result = {
  conditions: { coding: 'br' },
  games: 400,
  taken: [taken, taken],
  seconds: 1,
  resident: { before: 150 * mebibyte, least: 150 * mebibyte, most: 250 * mebibyte },
  before: hits(4),
  during: hits(8),
  after: hits(3),
};

const broken = (result: Result) =>
  findingsOf(result).flatMap(({ promise, isKept }) => (isKept ? [] : [promise]));

test('a run at its bounds keeps every promise, and its rates are over all exports', () => {
  assert.deepEqual(broken(good), []);
  assert.equal(voidReason(good), undefined);
  assert.match(
    reportText(good),
    /^800 documents in 1\.0 s: 800 documents\/s, 10\.0 MB\/s of JSON, 1\.0 MB\/s as sent \(br\)$/m,
  );
});

test('an export that is not whole, or not of whole documents, breaks its promise', () => {
  const promise = ['an export has each of the 400 games once, in order of ids'];
  assert.deepEqual(broken({ ...good, taken: [taken, { ...taken, documents: 399 }] }), promise);
  assert.deepEqual(broken({ ...good, taken: [{ ...taken, fault: 'aborted' }] }), promise);
});

test('memory that moves by more than the bound to either side is not flat', () => {
  const resident = { ...good.resident, most: 251 * mebibyte };
  assert.deepEqual(broken({ ...good, resident }), ["the worker's resident memory stays within ± 50 MiB"]);
});

test('pages are disturbed when their p99 is more than twice of what it is at other times, or when none came', () => {
  const promise = ['pages from memory come within 2 times the p99 that they have without an export'];
  assert.deepEqual(broken({ ...good, during: hits(8.1) }), promise);
  assert.deepEqual(broken({ ...good, during: hits(1, { ms: null }) }), promise);
});

test('a page that did not come from memory is told of', () => {
  const during = hits(8, { others: ['503 ', 'timeout '] });
  assert.deepEqual(broken({ ...good, during }), ['every page that was asked for came from memory']);
});

test('a run whose generator was late at any time is void', () => {
  const late = hits(3, { lateMs: latencies(11) });
  for (const result of [
    { ...good, before: late },
    { ...good, during: late },
    { ...good, after: late },
  ])
    assert.match(
      reportText(result),
      /^VOID {4}The load generator was late: p99 11 ms, 10 ms are allowed\.$/m,
    );
});
