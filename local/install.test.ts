import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';

/** A project with one package and one for another platform, and a stand-in for npm that counts its runs. */
let project: string;
const lockFile = (integrity: string) =>
  `{ "packages": { "": { "name": "project" },
    "node_modules/theirs": { "integrity": "${integrity}", "optional": true, "os": ["another"] },
    "node_modules/ours": { "integrity": "${integrity}" } } }`;

const installing = `mkdir -p node_modules/.bin && ln -sf '${process.execPath}' node_modules/.bin/node &&
  grep -v theirs package-lock.json > node_modules/.package-lock.json`;

beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'frontshelf-install-'));
  mkdirSync(join(project, 'local'));
  for (const name of readdirSync(import.meta.dirname).filter((name) => name.endsWith('.js')))
    cpSync(join(import.meta.dirname, name), join(project, 'local', name));
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(project, 'package-lock.json'), lockFile('first'));
  writeNpm(installing);
});
afterEach(() => rmSync(project, { recursive: true }));

function writeNpm(script: string): void {
  mkdirSync(join(project, 'bin'), { recursive: true });
  writeFileSync(join(project, 'bin', 'npm'), `#!/bin/sh\necho "$1" >> runs\n${script}\n`, { mode: 0o755 });
}

const npmRuns = () =>
  readdirSync(project).includes('runs') ? readFileSync(join(project, 'runs'), 'utf8') : '';

function install(): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const env = { PATH: `${join(project, 'bin')}:/usr/bin:/bin` };
    const child = execFile(
      process.execPath,
      ['local/install.js'],
      { cwd: project, env },
      (_, stdout, stderr) => resolve({ code: child.exitCode ?? -1, output: stdout + stderr }),
    );
  });
}

test('packages are installed once, and again when the lock file changes', async () => {
  const first = await install();
  assert.equal(first.code, 0, first.output);
  assert.match(first.output, /^Installing the packages/);
  assert.deepEqual(await install(), { code: 0, output: '' });
  assert.equal(npmRuns(), 'ci\n');
  writeFileSync(join(project, 'package-lock.json'), lockFile('second'));
  assert.equal((await install()).code, 0);
  assert.equal(npmRuns(), 'ci\nci\n');
});

test('an install that was interrupted is done again', async () => {
  await install();
  rmSync(join(project, 'node_modules', '.package-lock.json'));
  assert.equal((await install()).code, 0);
  assert.equal(npmRuns(), 'ci\nci\n');
});

test('of two at once, one installs and the other waits for it', async () => {
  writeNpm(`sleep 0.5; ${installing}`);
  const outputs = (await Promise.all([install(), install()])).map(({ code, output }) => `${code} ${output}`);
  assert.equal(npmRuns(), 'ci\n');
  assert.match(
    outputs.toSorted()[0] ?? '',
    /^0 Another terminal is installing the packages; waiting for it\.$/m,
  );
});

test('an npm that fails is a sentence and an exit code', async () => {
  writeNpm('exit 3');
  assert.deepEqual(await install(), {
    code: 1,
    output:
      'Installing the packages, 430 MB on disk; this is needed once.\nnpm could not install the packages; it says why above.\n',
  });
});
