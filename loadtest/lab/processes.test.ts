import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { cpuSecondsOf, cpuSecondsOfEnded, memoryBytesOf } from './processes.ts';

const skip = process.platform === 'linux' ? false : 'it reads /proc';
const spin = (ms: number) =>
  `const end = process.cpuUsage().user + ${ms}e3; while (process.cpuUsage().user < end);`;

test('the CPU of a process counts with that of its children, those included that have ended', {
  skip,
}, async (t) => {
  const child = spawn(process.execPath, [
    '-e',
    `${spin(200)}
    require('node:child_process').spawnSync(process.execPath, ['-e', ${JSON.stringify(spin(300))}]);
    require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(`${spin(400)} console.log('spun'); process.stdin.resume();`)}], { stdio: ['pipe', 'inherit', 'inherit'] });`,
  ]);
  t.after(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  const used = cpuSecondsOf([child.pid ?? 0]);
  assert.ok(used >= 0.88, `${used} s`);
  assert.equal(cpuSecondsOf([]), 0);
});

test('what has ended is counted by itself', { skip }, () => {
  const before = cpuSecondsOfEnded();
  spawnSync(process.execPath, ['-e', spin(300)]);
  assert.ok(cpuSecondsOfEnded() - before >= 0.29);
});

test('memory is that which a process holds', { skip }, async (t) => {
  const child = spawn(process.execPath, [
    '-e',
    `const held = Buffer.alloc(200e6, 1); console.log('held'); setInterval(() => held, 1000)`,
  ]);
  t.after(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  const bytes = memoryBytesOf([child.pid ?? 0]);
  assert.ok(bytes > 200e6 && bytes < 500e6, `${bytes} bytes`);
  assert.equal(memoryBytesOf([]), 0);
});
