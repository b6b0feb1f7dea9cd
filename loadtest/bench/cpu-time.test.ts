import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { cpuTimeNs } from './cpu-time.ts';

const skip = existsSync('/proc/self/schedstat') ? false : 'this system has no /proc/self/schedstat';

test("a process's CPU time is that of all its threads, as the kernel reports it", { skip }, async () => {
  const burn = 'const end = performance.now() + 200; while (performance.now() < end);';
  const usedBefore = process.cpuUsage();
  const before = cpuTimeNs([process.pid]);
  // The thread stays alive until its time has been read.
  const worker = new Worker(
    `${burn} require('node:worker_threads').parentPort.postMessage('done'); setInterval(() => {}, 1e6);`,
    {
      eval: true,
    },
  );
  await new Promise((resolve) => worker.once('message', resolve));
  const counted = cpuTimeNs([process.pid]) - before;
  const used = process.cpuUsage(usedBefore);
  await worker.terminate();

  const reported = (used.user + used.system) * 1000;
  assert.ok(reported > 0);
  assert.ok(
    Math.abs(counted / reported - 1) < 0.2,
    `counted ${counted} ns, the kernel reports ${reported} ns`,
  );
});

test('a process that is gone is an error, not zero', { skip }, () => {
  assert.throws(() => cpuTimeNs([2 ** 30]), { code: 'ENOENT' });
});
