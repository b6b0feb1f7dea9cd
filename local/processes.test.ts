import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { end, identify, isRunning } from './processes.js';

async function startStubborn(t: TestContext) {
  const script = `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log('ready');`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  const identity = identify(child.pid);
  assert.ok(identity);
  return { child, identity };
}

test('a process that ignores a signal gets the next one', async (t) => {
  const { child, identity } = await startStubborn(t);
  const exited = once(child, 'exit');
  const gone = await end(identity, [
    { signal: 'SIGTERM', waitMs: 50 },
    { signal: 'SIGKILL', waitMs: 10_000 },
  ]);
  assert.equal(gone, true);
  assert.deepEqual(await exited, [null, 'SIGKILL']);
  assert.equal(identify(identity.pid), undefined);
});

test('a process that has the id of one that ended is left alone', async (t) => {
  const { identity } = await startStubborn(t);
  const ended = { ...identity, began: 'another moment' };
  assert.equal(isRunning(ended), false);
  assert.equal(await end(ended, [{ signal: 'SIGKILL', waitMs: 0 }]), true);
  assert.equal(isRunning(identity), true);
});
