import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { findRedis } from '../../local/redis.ts';
import { findK6, k6Missing } from '../k6.ts';
import { readResult } from '../report/report.ts';
import { runCommand } from '../testing.ts';

const skip = findK6()
  ? findRedis()
    ? false
    : 'neither redis-server nor valkey-server is on the PATH'
  : k6Missing;
const short = ['--products', '60', '--duration', '2s', '--rate', '5'];

async function runLab(t: TestContext, ...args: string[]) {
  const results = mkdtempSync(join(tmpdir(), 'frontshelf-lab-test-'));
  t.after(() => rmSync(results, { recursive: true }));
  const ended = await runCommand('./main.ts', [...short, '--results', results, ...args]);
  const [folder] = readdirSync(results);
  return { ...ended, folder: folder === undefined ? undefined : join(results, folder) };
}

test('a target that answers with another product, or with an error, is reported as broken and not as fast', {
  skip,
}, async (t) => {
  const targets = 'express-monolith,broken-wrong-product,broken-500';
  const { exitCode, stderr, folder } = await runLab(t, '--scenario', 'page-view', '--target', targets);
  assert.equal(exitCode, 1);
  assert.match(stderr, /broken-wrong-product is broken: /);
  assert.match(stderr, /broken-500 is broken: /);
  assert.doesNotMatch(stderr, /express-monolith is broken/);
  assert.ok(folder !== undefined && existsSync(join(folder, 'report.html')));
  const { runs } = readResult(folder);
  const [monolith] = runs.filter(({ target }) => target === 'express-monolith');
  assert.deepEqual(monolith?.wrongPages, []);
  assert.equal(monolith?.failedRequests, 0);
  assert.equal(monolith?.requests, 15 * (monolith?.pageViews ?? 0));
  assert.ok((monolith?.serverCpuSeconds ?? 0) > 0 && (monolith?.sqlStatements ?? 0) >= monolith.requests);
  assert.match(readFileSync(join(folder, 'report.html'), 'utf8'), /broken-500/);
});

test('every architecture answers rightly while pages are edited, and what the server counted is what was asked', {
  skip,
}, async (t) => {
  const { exitCode, stdout, stderr, folder } = await runLab(t, '--scenario', 'edits', '--target', 'all');
  assert.equal(exitCode, 0, stdout + stderr);
  assert.ok(folder !== undefined);
  const { runs } = readResult(folder);
  assert.equal(runs.length, 5);
  for (const run of runs) {
    assert.deepEqual(run.wrongPages, [], run.target);
    assert.equal(run.wrongAnswers + run.failedRequests, 0, run.target);
    assert.ok((run.extra.editsPerSecond ?? 0) > 10, run.target);
  }
  const frontshelf = runs.find(({ target }) => target === 'frontshelf');
  assert.equal(frontshelf?.countedByServer, frontshelf?.requests);
  for (const { api, target, sqlStatements, extra } of runs) {
    assert.ok(sqlStatements > 0, target);
    // Pages are edited, so some are read anew.
    if (api === 'page') assert.ok((extra.pageStatements ?? 0) > 0, target);
  }
});

test('what cannot be measured is said in one sentence', async (t) => {
  const { exitCode, stderr, folder } = await runLab(t, '--scenario', 'page-view', '--target', 'expres');
  assert.equal(exitCode, 1);
  assert.match(stderr, /^--target must be one or more of: express-distributed, .*; "expres" is none\.\n$/);
  assert.equal(folder, undefined);
});
