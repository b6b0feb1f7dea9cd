import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Client } from 'pg';
import { startPostgres } from './postgres.ts';
import { isRunning } from './processes.js';

const folder = mkdtempSync(join(tmpdir(), 'frontshelf-postgres-'));
before(() => chmodSync(folder, 0o755));
after(() => rmSync(folder, { recursive: true, force: true }));
const options = { dataDir: join(folder, 'data'), password: 'of its own' };

async function ask(url: string, sql: string): Promise<unknown> {
  const client = new Client(url);
  client.on('error', () => {});
  await client.connect();
  try {
    const result = await client.query({ text: sql, rowMode: 'array' });
    return result.rows[0]?.[0];
  } finally {
    await client.end();
  }
}

test('a Postgres that was killed is found again at the same address with what was committed', async (t) => {
  const first = await startPostgres(options);
  t.after(() => first.stop('immediate'));
  await ask(first.url, 'CREATE TABLE kept AS SELECT 7 AS n');
  process.kill(first.process.pid, 'SIGKILL');
  await first.exited;
  const second = await startPostgres({ ...options, port: first.port });
  t.after(() => second.stop('immediate'));
  assert.equal(await ask(first.url, 'SELECT n FROM kept'), 7);
  await second.stop();
  assert.equal(isRunning(second.process), false);
});

test('the password is asked for', async (t) => {
  const postgres = await startPostgres(options);
  t.after(() => postgres.stop('immediate'));
  const url = new URL(postgres.url);
  url.password = 'wrong';
  await assert.rejects(ask(url.href, 'SELECT 1'), { code: '28P01' });
});

test('root can keep the data in a folder that only root may enter', {
  skip: process.getuid?.() !== 0,
}, async (t) => {
  const hidden = join(folder, 'hidden');
  mkdirSync(hidden, { mode: 0o700 });
  const postgres = await startPostgres({ dataDir: join(hidden, 'data'), password: 'x' });
  t.after(() => postgres.stop('immediate'));
  assert.equal(await ask(postgres.url, 'SELECT 1'), 1);
});
