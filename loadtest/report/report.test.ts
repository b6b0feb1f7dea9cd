import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Result } from '../lab/result.ts';
import { page } from './page.ts';
import { flaws, published } from './published.ts';
import { readResult, resultJson, writeReport } from './report.ts';
import { fullResult, percentiles, resultOf, run } from './testing.ts';

/** What a reader sees of the page; not its code. */
const textOf = (result: Result) =>
  page(result)
    .replaceAll(/<(script|style)[^>]*>.*?<\/\1>/gs, '')
    .replaceAll(/<[^>]+>/g, ' ')
    .replaceAll(/&#39;/g, "'");

test('a result that was written is read again, and its report stands beside it', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'report-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const result = resultOf([run({ seconds: 10.5, slices: fullResult().runs[0]?.slices ?? [] })]);
  writeReport(result, folder);
  assert.deepEqual(readResult(folder).runs[0]?.seconds, 10.5);
  assert.equal(resultJson(readResult(folder)), resultJson(result));
  assert.match(readFileSync(join(folder, 'report.html'), 'utf8'), /^<!doctype html>/);
});

test('what is no result is refused by the name of its file', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'report-'));
  t.after(() => rmSync(folder, { recursive: true }));
  assert.throws(() => readResult(folder), /result\.json must be a result of the lab/);
  writeFileSync(join(folder, 'result.json'), '{"runs": 1}');
  assert.throws(() => readResult(folder), /result\.json must be a result of the lab, with "scenario"/);
});

test('the JSON of five targets at two sizes in three rounds is far below 1 MB', () => {
  assert.ok(Buffer.byteLength(resultJson(fullResult())) < 300_000);
});

test('of too many rounds the first keep their curves, all keep their figures, and the conditions say so', () => {
  const { runs, ...rest } = fullResult();
  const many = Array.from({ length: 28 }, (_, index) =>
    runs.map((one) => ({ ...one, round: index + 1 })),
  ).flat();
  const json = resultJson({ ...rest, runs: many });
  assert.ok(Buffer.byteLength(json) <= 1e6);
  const kept: Result = JSON.parse(json);
  assert.equal(kept.runs.length, many.length);
  assert.ok(kept.runs[0]?.slices.length === 24 && kept.runs.at(-1)?.slices.length === 0);
  assert.match(String(kept.conditions.curves), /^only of rounds up to \d+:/);
});

test('the page has every target, every figure, the question and the conditions', () => {
  const one = run({
    requests: 30_000,
    pageViews: 2000,
    seconds: 16,
    failedRequests: 150,
    responseMs: { avg: 11.1, med: 12.2, p95: 13.3, p99: 14.4, max: 15 },
    pageViewMs: { ...percentiles(1), avg: 16.6, p99: 17.7 },
    serverCpuSeconds: 18.8 * 2,
    postgresCpuSeconds: 19.9 * 2,
    redisCpuSeconds: 21.1 * 2,
    sqlStatements: 22.2 * 2000,
    redisCommands: 23.3 * 2000,
    serverPeakMemoryBytes: 24.4 * 2 ** 20,
    generatorCpuSeconds: 4.08,
  });
  const text = textOf(resultOf([one, run({ target: 'other' })]));
  for (const part of [
    'frontshelf',
    'other',
    'What does a page view cost?',
    'abc123',
    ...['11.1', '12.2', '13.3', '14.4', '16.6', '17.7', '18.8', '19.9', '21.1', '22.2', '23.3', '24.4'],
    ...['1,875', '125', '0.5', '25.5', 'valid'],
  ])
    assert.ok(text.includes(` ${part}`), `${part} is in the page`);
});

test('the page shows no time of a broken target, and those of a void one in parentheses', () => {
  const text = textOf(
    resultOf([
      run(),
      run({ target: 'broken-one', wrongPages: ['the page of a differs'], responseMs: percentiles(7.77) }),
      run({ target: 'void-one', droppedIterations: 1, responseMs: percentiles(8.88) }),
    ]),
  );
  assert.ok(text.includes('the page of a differs'));
  assert.ok(!text.includes('7.77'));
  assert.equal(text.split('8.88').length, text.split('(8.88)').length);
  assert.ok(text.includes('(8.88)'));
});

test('nothing of a result is markup, in the text or in the data of the charts', () => {
  const evil = '</script><script>alert("x")</script><!--';
  const source = page(
    resultOf([run({ target: evil, wrongPages: [evil] }), run({ target: `${evil}2`, extra: { [evil]: 1 } })], {
      question: evil,
      settings: { [evil]: evil },
    }),
  );
  assert.ok(!source.includes('<script>alert'));
  assert.ok(!source.includes('<!--'));
  assert.equal(source.match(/<script[ >]/g)?.length, 3, 'the data, the library and the drawing');
  assert.equal(source.match(/<\/script>/g)?.length, 3);
  const data = /<script type="application\/json" id="charts">(.*?)<\/script>/s.exec(source)?.[1];
  assert.ok(data !== undefined && JSON.stringify(JSON.parse(data)).includes('alert'));
});

test('the page asks nothing of any other place, by its markup and by its policy', () => {
  const source = page(fullResult({ name: 'old-profile' }));
  const asks = /(?:src|href)\s*=\s*["']?(?:https?:)?\/\/|\burl\(|@import|sourceMappingURL/gi;
  assert.deepEqual(
    [...source.matchAll(asks)].map(([found]) => found),
    [],
  );
  assert.ok(source.includes(`Content-Security-Policy" content="default-src 'none';`));
});

test('the licence of the chart library is in the page', () => {
  assert.match(page(fullResult()), /Chart\.js v[\d.]+\n[^<]*Released under the MIT License/);
});

test('the figures of the first store stand beside ours in old-profile only, as theirs and with their flaws', () => {
  const text = textOf(fullResult({ name: 'old-profile' }));
  for (const { base, scaled } of published)
    for (const figure of [...Object.values(base), ...Object.values(scaled)])
      assert.ok(text.includes(` ${figure} `), `${figure} is in the page`);
  assert.match(text, /theirs, as published/);
  for (const flaw of flaws) assert.ok(text.includes(flaw.split('`')[0] ?? flaw), flaw);
  assert.doesNotMatch(textOf(fullResult()), /theirs/);
});

test('edits are told with the page views that Postgres was asked for', () => {
  const text = textOf(
    resultOf([run({ extra: { pageStatements: 37, editsPerSecond: 49.7 } })], { name: 'edits' }),
  );
  assert.match(text, /pages read from Postgres/);
  assert.match(text, / 3\.7 /);
  assert.match(text, / 49\.7 /);
});
