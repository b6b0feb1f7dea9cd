/** What the server logs, and that no reader of it can hold the server up: real pipes, devices and processes. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { eventually } from '../cache/eventually.ts';
import { createTestDatabase, type TestDatabase } from '../sql/testing.ts';
import { get, startClients } from './keep-alive-clients.ts';
import { type End, type ServerProcess, startServer } from './server-process.ts';

let database: TestDatabase;
const folder = mkdtempSync(join(tmpdir(), 'frontshelf-logs-'));
before(async () => {
  database = await createTestDatabase({ products: 20 });
});
after(async () => {
  await database?.drop();
  rmSync(folder, { recursive: true, force: true });
});

const paths = ['/v1/products?limit=5', '/openapi.json', '/livez'];

/** A pipe of which the test has the end that is read, and the server is given the other. */
function createPipe(): { reader: number; writer: number } {
  const path = join(folder, String(performance.now()));
  execFileSync('mkfifo', [path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return { reader, writer: openSync(path, constants.O_WRONLY) };
}

/** A server that logs every request into `stdout`, of which the test's own copy is closed. */
async function startLogging(stdout: number, env: Record<string, string> = {}): Promise<ServerProcess> {
  try {
    return await startServer(
      {
        DATABASE_URL: database.readerUrl,
        WORKERS: '2',
        LOG_LEVEL: 'info',
        ACCESS_LOG_SAMPLE_RATE: '1',
        ...env,
      },
      { stdout },
    );
  } finally {
    closeSync(stdout);
  }
}

interface Reading {
  /** What has come so far. */
  text: string;
  /** Everything that came until the other end was closed. */
  readonly all: Promise<string>;
}

function readAll(reader: number): Reading {
  const socket = new Socket({ fd: reader, readable: true, writable: false }).setEncoding('utf8');
  const reading: Reading = {
    text: '',
    all: new Promise((resolve) => socket.once('close', () => resolve(reading.text))),
  };
  socket.on('data', (chunk) => {
    reading.text += chunk;
  });
  return reading;
}

interface Line {
  readonly time: string;
  readonly level: number;
  readonly pid: number;
  readonly msg: string;
  readonly status?: number;
}

const linesOf = (text: string): Line[] =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));

async function dropped(server: ServerProcess, process: 'primary' | 'worker'): Promise<number> {
  const { body } = await get(`${server.adminUrl}/metrics`);
  const series = `frontshelf_log_lines_dropped_total{process="${process}"} `;
  const line = body.split('\n').find((line) => line.startsWith(series));
  return Number(line?.slice(series.length));
}

/** Requests until the server has lost log lines; all must be answered as if it had not. */
async function requestUntilDropped(server: ServerProcess): Promise<void> {
  const clients = await startClients(server.url, 8, paths);
  try {
    await eventually('log lines are dropped', 20_000, async () => (await dropped(server, 'primary')) > 100);
  } finally {
    await clients.stop();
  }
  for (const { refusals, failures, answers } of clients.reports) {
    assert.deepEqual([refusals, failures], [[], []]);
    assert.ok(answers > 0);
  }
}

/** Stopped, it ends in order, and within seconds. */
async function endsInOrder(server: ServerProcess): Promise<End> {
  server.kill('SIGTERM');
  const late = setTimeout(() => void server.destroy(), 15_000);
  const end = await server.ended;
  clearTimeout(late);
  assert.deepEqual([end.code, end.signal, end.stderr], [0, null, '']);
  return end;
}

const ended: ServerProcess[] = [];
after(() => Promise.all(ended.map((server) => server.destroy())));

test('every line is JSON, whole, and of one event, to the last one, whoever of the processes had it', async () => {
  const { reader, writer } = createPipe();
  const reading = readAll(reader);
  const server = await startLogging(writer);
  ended.push(server);
  const clients = await startClients(server.url, 8, paths);
  await eventually('thousands of requests are answered', 20_000, () =>
    clients.reports.every(({ answers }) => answers > 400),
  );
  const answers = (await clients.stop()).reduce((sum, report) => sum + report.answers, 0);
  await endsInOrder(server);
  const lines = linesOf(await reading.all);
  for (const { time, level, pid, msg } of lines) {
    assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.ok(Number.isInteger(level) && Number.isInteger(pid) && msg !== '');
  }
  assert.equal(lines.filter(({ msg }) => msg === 'request').length, answers);
  assert.equal(new Set(lines.map(({ pid }) => pid)).size, 3, 'two workers and the primary');
  assert.ok(lines.some(({ msg }) => msg === 'stopping'));
});

test('a reader that stalls costs log lines and nothing else; it goes on with whole lines', async () => {
  const { reader, writer } = createPipe();
  const server = await startLogging(writer);
  ended.push(server);
  await requestUntilDropped(server);
  const reading = readAll(reader);
  await eventually('lines are written again', 5000, async () => {
    await get(`${server.url}/v1/products/read-again`);
    return reading.text.includes('read-again');
  });
  await endsInOrder(server);
  const lines = linesOf(await reading.all);
  assert.ok(lines.length > 1000);
  assert.ok(lines.some(({ msg }) => msg === 'stopping'));
});

test('a reader that has stalled does not keep the server from ending', async () => {
  const { reader, writer } = createPipe();
  const server = await startLogging(writer);
  ended.push(server);
  await requestUntilDropped(server);
  await endsInOrder(server);
  closeSync(reader);
});

test('a reader that is gone, and a disk that is full, cost log lines and nothing else', async () => {
  const { reader, writer } = createPipe();
  const gone = await startLogging(writer);
  ended.push(gone);
  closeSync(reader);
  const full = await startLogging(openSync('/dev/full', 'w'));
  ended.push(full);
  for (const server of [gone, full]) {
    await requestUntilDropped(server);
    assert.equal((await server.status()).workers.filter(({ restarts }) => restarts > 0).length, 0);
    await endsInOrder(server);
  }
});

test('a primary that hangs does not hold its workers up: they lose lines, and count them', async () => {
  const server = await startLogging(openSync('/dev/null', 'w'), { WORKERS: '1' });
  ended.push(server);
  const clients = await startClients(server.url, 8, paths);
  await eventually('all are connected', 5000, () => clients.reports.every(({ answers }) => answers > 0));
  process.kill(server.pid, 'SIGSTOP');
  try {
    const before = clients.reports.map(({ answers }) => answers);
    await eventually('requests go on', 20_000, () =>
      clients.reports.every(({ answers }, i) => answers > (before[i] ?? 0) + 2000),
    );
  } finally {
    process.kill(server.pid, 'SIGCONT');
  }
  await clients.stop();
  await eventually('it is counted', 5000, async () => (await dropped(server, 'worker')) > 0);
  await endsInOrder(server);
});
