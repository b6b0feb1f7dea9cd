import assert from 'node:assert/strict';
import { request } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, suite, test } from 'node:test';
import pg from 'pg';
import { eventually } from '../cache/eventually.ts';
import { createTestDatabase, type TestDatabase } from '../sql/testing.ts';
import { get, startClients } from './keep-alive-clients.ts';
import { type ServerProcess, startServer } from './server-process.ts';

let database: TestDatabase;
let server: ServerProcess;
let paths: string[];

before(async () => {
  database = await createTestDatabase({ products: 50 });
  const client = new pg.Client(database.ownerUrl);
  await client.connect();
  paths = (await client.query<{ slug: string }>('SELECT slug FROM product')).rows.map(
    ({ slug }) => `/v1/products/${slug}`,
  );
  await client.end();
  server = await startServer({
    DATABASE_URL: database.readerUrl,
    REDIS_URL: 'redis://someone:redis-secret@127.0.0.1:1/0',
    WORKERS: '2',
  });
});
after(async () => {
  await server?.destroy();
  await database?.drop();
});

/** Every sample of `/metrics`, by its name and labels. */
async function metrics(): Promise<Map<string, number>> {
  const { status, headers, body } = await get(`${server.adminUrl}/metrics`);
  assert.equal(status, 200);
  assert.match(String(headers['content-type']), /^text\/plain; version=0\.0\.4/);
  const samples = body.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    samples.map((line) => {
      const [, name = '', value = ''] = /^(.*) (\S+)$/.exec(line) ?? [];
      return [name, Number(value)];
    }),
  );
}

const sum = (samples: Map<string, number>, prefix: string): number =>
  [...samples].reduce((total, [name, value]) => (name.startsWith(prefix) ? total + value : total), 0);

const requests = (samples: Map<string, number>) => sum(samples, 'http_server_request_duration_seconds_count');

test('after a second the counters hold every request that was sent', async () => {
  const before = requests(await metrics());
  const clients = await startClients(server.url, 4, [...paths, '/v1/products/no-such-product', '/nowhere']);
  await eventually('some requests are answered', 5000, () =>
    clients.reports.every(({ answers }) => answers > 100),
  );
  const sent = (await clients.stop()).reduce((total, { answers }) => total + answers, 0);
  await eventually('they are counted', 5000, async () => requests(await metrics()) - before === sent);
});

test('no counter falls when a worker is killed', async () => {
  const workers = (await server.status()).workers;
  const before = await metrics();
  assert.ok(requests(before) > 0);
  process.kill(workers[0]?.pid ?? 0, 'SIGKILL');
  await eventually('a new worker is ready', 5000, async () => {
    const [first] = (await server.status()).workers;
    assertNoneFell(before, await metrics());
    return first?.state === 'ready' && first.pid !== workers[0]?.pid;
  });
  assertNoneFell(before, await metrics());
});

function assertNoneFell(before: Map<string, number>, now: Map<string, number>): void {
  for (const [name, value] of before)
    if (/_(total|count|sum|bucket)(\{|$)/.test(name)) assert.ok((now.get(name) ?? -1) >= value, name);
}

test('gauges are there once per living worker', async () => {
  await eventually('both workers have sent theirs', 5000, async () => {
    const names = [...(await metrics()).keys()].filter((name) =>
      name.startsWith('process_resident_memory_bytes'),
    );
    return names.length === 2;
  });
});

test('the status shows workers and settings, and no password', async () => {
  const { body } = await get(`${server.adminUrl}/status`);
  const { workers, settings } = await server.status();
  assert.equal(workers.length, 2);
  assert.ok(workers.every(({ state, pid }) => state === 'ready' && pid !== null));
  assert.equal(settings.workers, 2);
  assert.equal(settings.redisUrl, 'redis://127.0.0.1:1/0');
  assert.doesNotMatch(body, /redis-secret|someone|:test@/);
});

test('health is for GET and HEAD; elsewhere there is nothing', async () => {
  assert.equal((await get(`${server.adminUrl}/livez`)).status, 200);
  assert.equal((await get(`${server.adminUrl}/readyz`)).status, 200);
  assert.equal((await get(`${server.adminUrl}/nowhere`)).status, 404);
  const posted = await fetch(`${server.adminUrl}/status`, { method: 'POST' });
  assert.deepEqual([posted.status, posted.headers.get('allow')], [405, 'GET, HEAD']);
});

/** The status of a GET on a connection of its own, with these headers and no others. */
function statusOf(
  adminUrl: string,
  path: string,
  headers: Record<string, string>,
): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asking = request(new URL(path, adminUrl), { setHost: false, agent: false, headers }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode));
    });
    asking.once('error', reject).end();
  });
}

test('a name that a stranger can give an address to is no Host of it: browsers are not made to read it', async () => {
  const ask = (host: string) => statusOf(server.adminUrl, '/status', { host });
  for (const host of ['127.0.0.1:3001', 'localhost', 'localhost:80', '[::1]:3001', '10.0.0.1'])
    assert.equal(await ask(host), 200, host);
  for (const host of [
    'evil.example',
    'evil.example:3001',
    'localhost.evil.example',
    '127.0.0.1.nip.example',
    'a@127.0.0.1',
    '',
  ])
    assert.equal(await ask(host), 421, host);
  assert.equal(await statusOf(server.adminUrl, '/status', {}), 400, 'HTTP/1.1 without a Host');
});

test('no answer is kept, guessed at or shown in a page of another origin', async () => {
  for (const path of ['/metrics', '/status', '/livez', '/nowhere']) {
    const { headers } = await get(`${server.adminUrl}${path}`);
    assert.equal(headers['cache-control'], 'no-store', path);
    assert.equal(headers['x-content-type-options'], 'nosniff', path);
    assert.equal(headers['cross-origin-resource-policy'], 'same-origin', path);
    assert.equal(headers['access-control-allow-origin'], undefined, path);
  }
});

test('a client that is slow with its request, or sends too much of one, is turned away', async () => {
  const { hostname: host, port } = new URL(server.adminUrl);
  const answerTo = async (bytes: string) => {
    const socket = connect({ host, port: Number(port) }, () => void socket.write(bytes));
    return text(socket);
  };
  const [slow, large] = await Promise.all([
    answerTo('GET /status HTTP/1.1\r\nHost: localhost\r\n'),
    answerTo(`GET /status HTTP/1.1\r\nHost: localhost\r\nA: ${'a'.repeat(9000)}\r\n\r\n`),
  ]);
  assert.match(slow, /^HTTP\/1\.1 408 /);
  assert.match(large, /^HTTP\/1\.1 431 /);
});

suite('with ADMIN_TOKEN', () => {
  const token = 'f'.repeat(32);
  let guarded: ServerProcess;
  before(async () => {
    guarded = await startServer({
      DATABASE_URL: database.readerUrl,
      WORKERS: '1',
      ADMIN_HOST: '0.0.0.0',
      ADMIN_TOKEN: token,
    });
  });
  after(() => guarded?.destroy());

  test('metrics and status are for who has it', async () => {
    for (const path of ['/metrics', '/status'])
      for (const [authorization, status] of [
        [`Bearer ${token}`, 200],
        [`bearer ${token}`, 200],
        [undefined, 401],
        ['Bearer', 401],
        [`Bearer ${token}f`, 401],
        [`Bearer ${token.slice(1)}`, 401],
        [`Basic ${token}`, 401],
        [token, 401],
      ] as const) {
        const headers = { host: 'x', ...(authorization && { authorization }) };
        assert.equal(await statusOf(guarded.adminUrl, path, headers), status, `${path} ${authorization}`);
      }
    const refused = await get(`${guarded.adminUrl}/status`);
    assert.equal(refused.headers['www-authenticate'], 'Bearer');
    assert.doesNotMatch(refused.body, /settings|fff/);
  });

  test('health asks for none, whatever it is called', async () => {
    for (const path of ['/livez', '/readyz'])
      assert.equal(await statusOf(guarded.adminUrl, path, { host: 'shop.example' }), 200, path);
  });

  test('the status does not tell it', async () => {
    const { settings } = await guarded.status();
    assert.equal(settings.adminToken, '(secret)');
  });
});

test('with no worker ready /readyz says 503 and /livez does not', async () => {
  for (const { pid } of (await server.status()).workers) process.kill(pid ?? 0, 'SIGKILL');
  await eventually(
    'the primary has noticed',
    2000,
    async () => (await get(`${server.adminUrl}/readyz`)).status === 503,
  );
  assert.equal((await get(`${server.adminUrl}/livez`)).status, 200);
  await eventually(
    'it is ready again',
    5000,
    async () => (await get(`${server.adminUrl}/readyz`)).status === 200,
  );
});
