import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { findK6, installedK6, k6Missing, k6Module } from './k6.ts';
import { findOrInstallK6, k6Image } from './k6-install.ts';

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
  assert.equal(findK6({ PATH: '/nowhere', HOME: folder }, '/nowhere'), undefined);
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

test('where k6 is missing, Docker gives it out of its image', {
  skip: process.platform !== 'linux' && 'its image is for Linux',
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'frontshelf-k6-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const env = { PATH: `${folder}:/bin:/usr/bin`, HOME: folder };
  const installed = join(folder, 'cache', 'k6');
  const said: string[] = [];
  const program = (name: string, text: string) => {
    writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(folder, name), 0o755);
  };
  program('go', 'exit 127');
  program(
    'docker',
    `echo "$@" >> ${folder}/asked
case $1 in
  create) echo container-1 ;;
  cp) echo 'echo k6' > "$3"; chmod +x "$3" ;;
esac`,
  );
  assert.equal(await findOrInstallK6((sentence) => said.push(sentence), { env, installed }), installed);
  assert.deepEqual(said, [`Taking k6 out of the image ${k6Image}.`]);
  assert.match(readFileSync(join(folder, 'asked'), 'utf8'), /^rm container-1$/m);
  assert.equal(execFileSync(installed, { encoding: 'utf8' }), 'k6\n');
  assert.equal(await findOrInstallK6(assert.fail, { env, installed }), installed, 'once is enough');
});

test('where k6 cannot be had, one sentence says how to get it, and then what was tried', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'frontshelf-k6-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'go'), '#!/bin/sh\n[ "$1" = version ] || { echo no network >&2; exit 1; }\n');
  chmodSync(join(folder, 'go'), 0o755);
  const env = { PATH: folder, HOME: folder };
  await assert.rejects(
    findOrInstallK6(() => {}, { env, installed: join(folder, 'k6') }),
    { message: `${k6Missing}\ngo: no network` },
  );
});

test('the image and the module are of one version', () => {
  assert.equal(k6Image.split(':')[1], k6Module.split('@v')[1]);
  assert.ok(installedK6.includes(`k6-${k6Image.split(':')[1]}/`));
  assert.ok(k6Missing.includes(k6Module));
  assert.match(
    readFileSync(new URL('Dockerfile', import.meta.url), 'utf8'),
    new RegExp(`^FROM ${k6Image} AS k6$`, 'm'),
  );
});
