import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { eventually } from '../../cache/eventually.ts';
import { freePort } from '../../local/ports.ts';
import { identify } from '../../local/processes.js';
import { startTarget } from './start.ts';
import type { Target } from './target.ts';

const folder = mkdtempSync(join(tmpdir(), 'frontshelf-targets-'));
after(() => rmSync(folder, { recursive: true }));

const ports = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
const surroundings = {
  databaseUrl: '',
  redisUrl: '',
  workers: 1,
  stalenessMs: null,
  port: () => ports.shift() ?? assert.fail('too few ports'),
};

/** A target of programs with these sources. */
const targetOf = (...sources: string[]): Target => ({
  name: 'test',
  summary: 'A target of a test.',
  api: 'page',
  programs: ({ port }) =>
    sources.map((source, i) => {
      const file = join(folder, `program-${i}.ts`);
      writeFileSync(file, source);
      const chosen = port();
      return { file, env: { PORT: String(chosen) }, port: chosen, readyPath: '/ready' };
    }),
});

/** Answers with its environment, and is not ready at the first request. */
const serving = (onSigterm: string) => `
import { createServer } from 'node:http';
let asked = 0;
const server = createServer((_, response) => {
  response.statusCode = asked++ === 0 ? 503 : 200;
  response.end(JSON.stringify(process.env));
}).listen(Number(process.env.PORT), '127.0.0.1');
process.on('SIGTERM', () => { ${onSigterm} });
`;

const environmentAt = async (origin: string): Promise<Readonly<Record<string, string>>> =>
  JSON.parse(await (await fetch(origin)).text());

const isThere = (pid: number) => identify(pid) !== undefined;

test('a target has started when all its programs are ready, and has stopped when all are gone', async () => {
  const started = await startTarget(
    targetOf(serving('server.close()'), serving('server.close()')),
    surroundings,
    {
      wrap: (command) => ['/usr/bin/env', 'WRAPPED=yes', ...command],
    },
  );
  assert.deepEqual(await environmentAt(started.origin), {
    PATH: process.env.PATH,
    PORT: new URL(started.origin).port,
    WRAPPED: 'yes',
  });
  assert.equal(started.pids.length, 2);
  assert.ok(started.pids.every(isThere));
  await started.stop();
  assert.ok(!started.pids.some(isThere));
});

test('a program that ends before it is ready is reported with its last words, and the others are ended', async () => {
  ports.push(await freePort(), await freePort());
  await assert.rejects(
    startTarget(targetOf(serving('server.close()'), "throw new Error('no database')"), surroundings),
    /program-1\.ts ended with 1: .*no database/s,
  );
});

test('a program that cannot be started, or is not ready in time, is reported', async () => {
  ports.push(await freePort(), await freePort());
  await assert.rejects(
    startTarget(targetOf(serving('')), surroundings, { wrap: () => ['/nowhere/taskset'] }),
    /program-0\.ts cannot be started: .*ENOENT/,
  );
  await assert.rejects(
    startTarget(targetOf('setInterval(() => {}, 1000)'), surroundings, { readyWithinMs: 200 }),
    /program-0\.ts does not answer 200 at http:/,
  );
});

test('a stop tells of a program that does not end in order, and ends it and what it started', async () => {
  ports.push(await freePort(), await freePort());
  const failing = await startTarget(targetOf(serving('process.exit(3)')), surroundings);
  await assert.rejects(failing.stop(), /program-0\.ts ended with 3/);

  const child = `
import { spawn } from 'node:child_process';
const { pid } = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' });
process.env.CHILD = String(pid);`;
  const stubborn = await startTarget(targetOf(serving('') + child), surroundings, { endWithinMs: 100 });
  const { CHILD } = await environmentAt(stubborn.origin);
  assert.ok(isThere(Number(CHILD)));
  await assert.rejects(stubborn.stop(), /program-0\.ts was killed: it did not end on SIGTERM\./);
  assert.ok(!stubborn.pids.some(isThere));
  await eventually('what it started is gone', 2000, () => !isThere(Number(CHILD)));
});
