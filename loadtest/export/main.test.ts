import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCommand } from '../testing.ts';
import type { Result } from './measure.ts';
import { findingsOf, voidReason } from './report.ts';

test('a short run exports the catalogue whole while pages come, says so, and leaves nothing but its result', {
  skip: !existsSync('/proc/net/tcp') && 'this system has no /proc',
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'frontshelf-export-test-'));
  // For the user that services run as when the tests are root's.
  chmodSync(folder, 0o755);
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'result.json');
  const { exitCode, stdout, stderr } = await runCommand(
    './export/main.ts',
    ['--products', '1000', '--seconds', '1', '--rate', '50', '--coding', 'gzip', '--json', file],
    { ...process.env, TMPDIR: folder },
  );
  const output = stdout + stderr;
  assert.deepEqual(readdirSync(folder), ['result.json'], output);
  const result: Result = JSON.parse(readFileSync(file, 'utf8'));
  assert.equal(result.games, 400);
  for (const { fault, documents, bytes, wireBytes } of result.taken) {
    assert.deepEqual([fault, documents], [undefined, 400]);
    assert.ok(wireBytes < bytes / 2);
  }
  assert.ok(result.before.ms && result.during.ms && result.after.ms);
  assert.match(stdout, /^kept {4}an export has each of the 400 games once, in order of ids: /m);
  const isKept = voidReason(result) === undefined && findingsOf(result).every(({ isKept }) => isKept);
  assert.equal(exitCode, isKept ? 0 : 1, output);
});
