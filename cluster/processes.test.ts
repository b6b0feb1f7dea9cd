/** Workers and primaries that die, are told to stop, or cannot be made, under load. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, linkSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import pg from 'pg';
import { eventually } from '../cache/eventually.ts';
import { processesByPort } from '../loadtest/provers/worker-connections.ts';
import { onPath } from '../local/on-path.ts';
import { createTestDatabase, type TestDatabase } from '../sql/testing.ts';
import { type ClientReport, get, onOpenConnection, startClients } from './keep-alive-clients.ts';
import {
  childrenOf,
  isAlive,
  type LaunchOptions,
  type ServerProcess,
  startServer,
} from './server-process.ts';

let database: TestDatabase;
let paths: string[];
let server: ServerProcess | undefined;

before(async () => {
  database = await createTestDatabase({ products: 50 });
  const client = new pg.Client(database.ownerUrl);
  await client.connect();
  paths = (await client.query<{ slug: string }>('SELECT slug FROM product')).rows.map(
    ({ slug }) => `/v1/products/${slug}`,
  );
  await client.end();
});
after(() => database.drop());
afterEach(async () => {
  await server?.destroy();
  server = undefined;
});

async function start(env: Record<string, string> = {}, options: LaunchOptions = {}): Promise<ServerProcess> {
  server = await startServer({ DATABASE_URL: database.readerUrl, WORKERS: '2', ...env }, options);
  return server;
}

/** Workers' process ids by slot, once all are ready. */
const readyWorkers = (server: ServerProcess, withinMs: number): Promise<number[]> =>
  eventually('all workers are ready', withinMs, async () => {
    const { workers } = await server.status();
    return workers.every(({ state }) => state === 'ready') && workers.map(({ pid }) => pid ?? 0);
  });

test('a worker that is killed under load costs its own connections one request each, and is back within 2 s', async () => {
  const server = await start();
  const [victim = 0, other = 0] = await readyWorkers(server, 5000);
  const clients = await startClients(server.url, 8, paths);
  const killedAtMs = performance.now();
  process.kill(victim, 'SIGKILL');
  const replaced = await eventually('the worker was replaced', 5000, async () => {
    const { workers } = await server.status();
    return workers[0]?.state === 'ready' && workers[0].pid !== victim && workers;
  });
  const tookMs = performance.now() - killedAtMs;
  await eventually('every client is answered again', 5000, () =>
    clients.reports.every(({ answers }) => answers > 50),
  );
  const reports = await clients.stop();
  assert.ok(tookMs < 2000, `${tookMs} ms`);
  assert.equal(replaced[0]?.restarts, 1);
  assert.equal(replaced[1]?.pid, other, 'the other worker was left alone');
  assert.deepEqual(
    reports.flatMap(({ refusals }) => refusals),
    [],
  );
  const hit = reports.filter(({ connections }) => connections > 1);
  assert.equal(hit.length, 4, 'half of the clients were connected to it');
  for (const { failures, connections } of reports) {
    assert.ok(connections <= 2);
    assert.ok(failures.length <= (connections > 1 ? 1 : 0), failures.join());
  }
});

test('a connection handed to a worker that dies before it takes it is served by another', async () => {
  const server = await start();
  const [victim = 0] = await readyWorkers(server, 5000);
  process.kill(victim, 'SIGSTOP');
  let answered = 0;
  const requests = Array.from({ length: 4 }, async () => {
    const { status } = await get(`${server.url}${paths[0]}`);
    answered++;
    return status;
  });
  await eventually('the other worker has answered the rest', 4000, () => answered === 3);
  process.kill(victim, 'SIGKILL');
  assert.deepEqual(await Promise.all(requests), [200, 200, 200, 200]);
});

test('without another worker such a connection is closed', async () => {
  const server = await start({ WORKERS: '1' });
  const [victim = 0] = await readyWorkers(server, 5000);
  process.kill(victim, 'SIGSTOP');
  const descriptors = () => readdirSync(`/proc/${server.pid}/fd`).length;
  const before = descriptors();
  const request = get(`${server.url}${paths[0]}`);
  request.catch(() => {});
  await eventually('the primary has it', 4000, () => descriptors() > before);
  process.kill(victim, 'SIGKILL');
  await assert.rejects(request, { code: 'ECONNRESET' });
});

test('a connection for which a worker has no descriptor is served by another, and it gets others later', {
  skip: onPath('prlimit') === undefined && 'there is no prlimit on this machine',
}, async () => {
  const server = await start();
  const workers = await readyWorkers(server, 5000);
  const url = new URL(server.url);
  /** What becomes of new connections, and which workers have some of them. */
  async function connectTimes(count: number) {
    const sockets = Array.from({ length: count }, () => connect(Number(url.port), url.hostname));
    const answers = sockets.map(async (socket) => {
      socket.on('error', () => {}).write(`GET ${paths[0]} HTTP/1.1\r\nHost: a\r\n\r\n`);
      const first = Promise.race([once(socket, 'data'), once(socket, 'close')]);
      const [data] = await first.catch(() => [undefined]);
      return Buffer.isBuffer(data) ? data.toString('latin1', 0, 12) : 'closed';
    });
    const outcomes = new Set(await Promise.all(answers));
    const byPort = processesByPort(workers);
    const takenBy = workers.map((worker) =>
      sockets.some(({ localPort = 0 }) => byPort.get(localPort) === worker),
    );
    for (const socket of sockets) socket.destroy();
    return { outcomes: [...outcomes], takenBy };
  }
  const byBoth = { outcomes: ['HTTP/1.1 200'], takenBy: [true, true] };
  assert.deepEqual(await connectTimes(20), byBoth);
  const [first, second] = workers.map(limitDescriptors);
  second?.lift();
  assert.deepEqual(await connectTimes(20), { ...byBoth, takenBy: [false, true] });
  first?.lift();
  assert.deepEqual(await connectTimes(20), byBoth);

  const limits = workers.map(limitDescriptors);
  assert.deepEqual(await connectTimes(20), { outcomes: ['closed'], takenBy: [false, false] });
  for (const limit of limits) limit.lift();
  assert.deepEqual(await connectTimes(20), byBoth);
});

/** The process may open no descriptor more, until that is lifted. */
function limitDescriptors(pid: number): { lift(): void } {
  const used = new Set(readdirSync(`/proc/${pid}/fd`));
  let lowestFree = 0;
  while (used.has(String(lowestFree))) lowestFree++;
  const limit = (most: number) => execFileSync('prlimit', ['--pid', String(pid), `--nofile=${most}:`]);
  limit(lowestFree);
  return { lift: () => void limit(1000) };
}

test('SIGTERM under load: no request fails, the process ends with 0, and no child is left', async () => {
  const server = await start();
  const workers = await readyWorkers(server, 5000);
  const clients = await startClients(server.url, 8, paths);
  const sentAtMs = performance.now();
  server.kill('SIGTERM');
  // Clients go on until their connection was closed by an answer; the next attempt then finds nobody.
  await eventually('every client was told to go', 10_000, () =>
    clients.reports.every(({ failures }) => failures.length > 0),
  );
  const reports = await clients.stop();
  const { code, stderr } = await server.ended;
  assert.equal(code, 0, stderr);
  assert.ok(performance.now() - sentAtMs < 10_000);
  assert.deepEqual(
    reports.flatMap(({ refusals }) => refusals),
    [],
  );
  assertOnlyNewConnectionsFailed(reports);
  assert.deepEqual(workers.filter(isAlive), []);
});

/** A connection nobody has taken yet is refused or reset; whatever was open got its answers. */
function assertOnlyNewConnectionsFailed(reports: readonly ClientReport[]): void {
  const failures = reports.flatMap(({ failures }) => failures);
  assert.deepEqual(
    failures.filter((failure) => failure.startsWith(onOpenConnection)),
    [],
  );
}

test('a second SIGTERM does not wait for the requests under way', async () => {
  const server = await start();
  // Half a request: a connection that a drain would wait for.
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => {});
  socket.write('GET /v1/');
  await eventually('the connection is there', 2000, () => socket.readyState === 'open');
  server.kill('SIGTERM');
  await eventually(
    'it is stopping',
    2000,
    async () => (await get(`${server.adminUrl}/readyz`)).status === 503,
  );
  server.kill('SIGTERM');
  await eventually('it has ended', 4000, () => !isAlive(server.pid));
  socket.destroy();
  assert.equal((await server.ended).code, 0);
});

test('SIGTERM while workers are still loading ends them at once', async () => {
  const launched = start({ WORKERS: '3' });
  launched.catch(() => {});
  const primary = await eventually('the workers exist', 10_000, () =>
    childrenOf(process.pid).find((pid) => childrenOf(pid).length === 3),
  );
  const workers = childrenOf(primary);
  process.kill(primary, 'SIGTERM');
  await eventually('they have ended', 5000, () => ![primary, ...workers].some(isAlive));
});

test('SIGTERM right after a worker was killed stops the server in order', async () => {
  const server = await start();
  const [victim = 0] = await readyWorkers(server, 5000);
  process.kill(victim, 'SIGKILL');
  server.kill('SIGTERM');
  const { code, stderr } = await server.ended;
  assert.deepEqual([code, stderr], [0, '']);
});

test('SIGKILL of the primary: its workers finish what they have and end', async () => {
  const server = await start();
  const workers = await readyWorkers(server, 5000);
  const clients = await startClients(server.url, 8, paths);
  server.kill('SIGKILL');
  await eventually('every client was told to go', 10_000, () =>
    clients.reports.every(({ failures }) => failures.length > 0),
  );
  const reports = await clients.stop();
  assert.deepEqual(
    reports.flatMap(({ refusals }) => refusals),
    [],
  );
  assertOnlyNewConnectionsFailed(reports);
  await eventually('the workers have ended', 10_000, () => !workers.some(isAlive));
});

test('a worker that cannot be made, its program being gone for a moment, is tried again', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'frontshelf-program-'));
  const program = join(folder, 'node');
  try {
    linkSync(process.execPath, program);
  } catch {
    copyFileSync(process.execPath, program);
  }
  try {
    const server = await start({}, { execPath: program });
    const [victim = 0] = await readyWorkers(server, 5000);
    renameSync(program, `${program}.away`);
    process.kill(victim, 'SIGKILL');
    await eventually(
      'an attempt has failed',
      5000,
      async () => ((await server.status()).workers[0]?.restarts ?? 0) > 0,
    );
    renameSync(`${program}.away`, program);
    await eventually('the worker is there', 5000, async () => {
      const [worker] = (await server.status()).workers;
      return worker?.state === 'ready' && worker.pid !== victim;
    });
    assert.equal((await get(`${server.url}${paths[0]}`)).status, 200);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
