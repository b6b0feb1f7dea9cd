import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { end, identify, isRunning } from './processes.js';

async function startStubborn() {
  const script = `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log('ready');`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  const identity = identify(child.pid);
  assert.ok(identity);
  return { child, identity };
}

test('a process that ignores a signal gets the next one', async () => {
  const { child, identity } = await startStubborn();
  const exited = once(child, 'exit');
  const gone = await end(identity, [
    { signal: 'SIGTERM', waitMs: 50 },
    { signal: 'SIGKILL', waitMs: 10_000 },
  ]);
  assert.equal(gone, true);
  assert.deepEqual(await exited, [null, 'SIGKILL']);
  assert.equal(identify(identity.pid), undefined);
});

test('a process that has the id of one that ended is left alone', async () => {
  const { child, identity } = await startStubborn();
  const ended = { ...identity, began: 'another moment' };
  assert.equal(isRunning(ended), false);
  assert.equal(await end(ended, [{ signal: 'SIGKILL', waitMs: 0 }]), true);
  assert.equal(isRunning(identity), true);
  child.kill('SIGKILL');
});
