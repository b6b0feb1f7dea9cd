import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { findK6, k6Missing, k6Module } from './k6.ts';

test('k6 is found on PATH, else where go install puts it, else not at all', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'frontshelf-k6-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const install = (...path: string[]) => {
    const bin = join(folder, ...path);
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, 'k6'), '');
    chmodSync(join(bin, 'k6'), 0o755);
    return bin;
  };
  assert.equal(findK6({ PATH: '/nowhere', HOME: folder }), undefined);
  const inHome = install('go', 'bin');
  assert.equal(findK6({ PATH: '/nowhere', HOME: folder }), join(inHome, 'k6'));
  const inGopath = install('gopath', 'bin');
  assert.equal(findK6({ PATH: '', GOPATH: join(folder, 'gopath'), HOME: folder }), join(inGopath, 'k6'));
  const onPath = install('path');
  assert.equal(findK6({ PATH: `/nowhere:${onPath}`, HOME: folder }), join(onPath, 'k6'));
  chmodSync(join(onPath, 'k6'), 0o644);
  assert.equal(
    findK6({ PATH: onPath, HOME: folder }),
    join(inHome, 'k6'),
    'what cannot be run is passed over',
  );
});

test('the k6 that a reader is told to install is the one the tests are run with', () => {
  const run = readFileSync(new URL('../.ci/run', import.meta.url), 'utf8');
  assert.ok(run.includes(`k6_module=${k6Module}\n`));
  assert.ok(k6Missing.includes(k6Module));
});
