/** Workers that are replaced while the server goes on: by others of their kind, since they hang, since they are too large. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import pg from 'pg';
import { eventually } from '../cache/eventually.ts';
import { freePort } from '../local/ports.ts';
import { createTestDatabase, type TestDatabase } from '../sql/testing.ts';
import { get, onOpenConnection, startClients } from './keep-alive-clients.ts';
import { childrenOf, isAlive, type ServerProcess, startServer } from './server-process.ts';

let database: TestDatabase;
let paths: string[];
const servers: ServerProcess[] = [];

before(async () => {
  database = await createTestDatabase({ products: 50 });
  const client = new pg.Client(database.ownerUrl);
  await client.connect();
  paths = (await client.query<{ slug: string }>('SELECT slug FROM product')).rows.map(
    ({ slug }) => `/v1/products/${slug}`,
  );
  await client.end();
});
after(async () => {
  await Promise.all(servers.map((server) => server.destroy()));
  await database.drop();
});

async function start(env: Record<string, string> = {}): Promise<ServerProcess> {
  const server = await startServer({ DATABASE_URL: database.readerUrl, WORKERS: '2', ...env });
  servers.push(server);
  return server;
}

const workersOf = async (server: ServerProcess) => (await server.status()).workers;
const pidsOf = async (server: ServerProcess) => (await workersOf(server)).map(({ pid }) => pid ?? 0);

/** Resolves when every place has another worker, which is ready, and the old ones are gone. */
const replaced = (server: ServerProcess, old: readonly number[], withinMs: number) =>
  eventually('all workers are new', withinMs, async () => {
    const workers = await workersOf(server);
    return (
      workers.every(({ pid, state }, slot) => state === 'ready' && pid !== old[slot]) && !old.some(isAlive)
    );
  });

const metric = async (server: ServerProcess, series: string): Promise<number> => {
  const { body } = await get(`${server.adminUrl}/metrics`);
  return Number(
    body
      .split('\n')
      .find((line) => line.startsWith(`${series} `))
      ?.slice(series.length),
  );
};

suite('a fleet', { concurrency: 3 }, () => {
  test('SIGHUP under load replaces every worker, and no request fails', async () => {
    const server = await start();
    const old = await pidsOf(server);
    const clients = await startClients(server.url, 8, paths, { pauseMs: 2 });
    server.kill('SIGHUP');
    await replaced(server, old, 20_000);
    const answers = () => clients.reports.reduce((sum, report) => sum + report.answers, 0);
    const before = answers();
    await eventually('the new ones answer', 5000, () => answers() > before + 200);
    const reports = await clients.stop();
    assert.deepEqual(
      reports.flatMap(({ failures, refusals }) => [...failures, ...refusals]),
      [],
    );
    assert.equal(await metric(server, 'frontshelf_workers_replaced_total{reason="restart"}'), 2);
    assert.equal(await metric(server, 'frontshelf_worker_exits_total{reason="clean"}'), 2);
  });

  test('SIGHUP while workers are being replaced has them replaced once more', async () => {
    const server = await start();
    const old = await pidsOf(server);
    server.kill('SIGHUP');
    await eventually('the first is new', 10_000, async () => (await pidsOf(server))[0] !== old[0]);
    server.kill('SIGHUP');
    server.kill('SIGHUP');
    await eventually('each was replaced twice', 30_000, async () => {
      const workers = await workersOf(server);
      return workers.every(({ restarts, state }) => restarts === 2 && state === 'ready');
    });
  });

  test('new workers that cannot start leave the old ones in place', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'frontshelf-secret-'));
    try {
      const file = join(folder, 'url');
      writeFileSync(file, database.readerUrl);
      const server = await start({ DATABASE_URL: '', DATABASE_URL_FILE: file });
      const old = await pidsOf(server);
      writeFileSync(file, '');
      server.kill('SIGHUP');
      await eventually(
        'the attempt has failed',
        10_000,
        async () => (await metric(server, 'frontshelf_worker_exits_total{reason="crash"}')) === 1,
      );
      assert.deepEqual(await pidsOf(server), old);
      assert.equal((await get(`${server.url}${paths[0]}`)).status, 200);
      writeFileSync(file, database.readerUrl);
      server.kill('SIGHUP');
      await replaced(server, old, 20_000);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('SIGTERM during a rolling restart ends everything in order', async () => {
    const server = await start();
    server.kill('SIGHUP');
    await eventually('a new worker is there', 5000, async () =>
      (await workersOf(server)).some(({ restarts }) => restarts > 0),
    );
    server.kill('SIGTERM');
    const { code, stderr } = await server.ended;
    assert.deepEqual([code, stderr], [0, '']);
  });

  test('a worker that hangs is killed and replaced within 10 s, its waiting clients served by another', async () => {
    const server = await start();
    const [victim = 0, other = 0] = await pidsOf(server);
    process.kill(victim, 'SIGSTOP');
    const stoppedAtMs = performance.now();
    // Round robin gives every second one to the worker that is stopped.
    const requests = [1, 2, 3, 4].map(() => get(`${server.url}${paths[0]}`, { timeoutMs: 12_000 }));
    const answers = await Promise.all(requests);
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 200, 200],
    );
    await eventually('it was replaced', 12_000, async () => {
      const [first, second] = await workersOf(server);
      return first?.state === 'ready' && first.pid !== victim && second?.pid === other;
    });
    assert.ok(performance.now() - stoppedAtMs < 10_000);
    assert.equal(await metric(server, 'frontshelf_worker_exits_total{reason="hang"}'), 1);
  });

  test('a primary that was itself stopped for long blames no worker', async () => {
    const server = await start();
    const old = await pidsOf(server);
    process.kill(server.pid, 'SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, 10_000));
    process.kill(server.pid, 'SIGCONT');
    await new Promise((resolve) => setTimeout(resolve, 2000));
    assert.deepEqual(await pidsOf(server), old);
  });

  test('a worker above its memory limit is replaced in order', async () => {
    const server = await start({ WORKERS: '1', WORKER_MEMORY_MAX_BYTES: '1000000' });
    const old = await pidsOf(server);
    await replaced(server, old, 30_000);
    assert.equal(await metric(server, 'frontshelf_workers_replaced_total{reason="memory"}'), 1);
  });

  test('with REUSE_PORT a second server takes the port over from the first, and no open connection fails', async () => {
    const port = String(await freePort());
    const first = await start({ PORT: port, REUSE_PORT: 'on' });
    const second = await start({ PORT: port, REUSE_PORT: 'on' });
    const clients = await startClients(second.url, 8, paths, { pauseMs: 2 });
    first.kill('SIGTERM');
    assert.equal((await first.ended).code, 0);
    const answers = () => clients.reports.reduce((sum, report) => sum + report.answers, 0);
    const before = answers();
    await eventually('the second answers', 5000, () => answers() > before + 200);
    const reports = await clients.stop();
    const failures = reports.flatMap((report) => [...report.refusals, ...report.failures]);
    assert.deepEqual(
      failures.filter((failure) => !/ECONNRESET/.test(failure) || failure.startsWith(onOpenConnection)),
      [],
      'what is lost are connections that no worker had taken yet',
    );
  });

  test('a server whose terminal is closed stops; the same signal from elsewhere restarts its workers', async (t) => {
    if (spawnSync('script', ['--version']).status !== 0)
      return t.skip('there is no `script` to make a terminal');
    const command = `exec ${process.execPath} ${join(import.meta.dirname, 'main.ts')}`;
    const port = String(await freePort());
    const terminal = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
      env: {
        PATH: process.env.PATH,
        DATABASE_URL: database.readerUrl,
        WORKERS: '1',
        PORT: port,
        ADMIN_PORT: '0',
      },
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    const primary = await eventually('it serves', 10_000, async () => {
      await get(`http://127.0.0.1:${port}/livez`).catch(() => {});
      return childrenOf(terminal.pid ?? 0)[0];
    });
    await eventually('a page is served', 10_000, async () =>
      get(`http://127.0.0.1:${port}${paths[0]}`).then(
        ({ status }) => status === 200,
        () => false,
      ),
    );
    const [old = 0] = childrenOf(primary);
    process.kill(primary, 'SIGHUP');
    await eventually('its worker is new', 10_000, () => !isAlive(old) && childrenOf(primary).length === 1);
    terminal.kill('SIGKILL');
    await eventually('it has ended', 10_000, () => !isAlive(primary));
  });
});
