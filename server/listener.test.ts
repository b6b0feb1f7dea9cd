import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, suite, test } from 'node:test';
import { eventually } from '../cache/eventually.ts';
import { pipelinedMax } from './limits.ts';
import { type Connection, openConnection, represent, startTestServer, type TestServer } from './testing.ts';

let server: TestServer;
/** By their slugs, the pages that are looked for and wait to be found. */
const waiting = new Map<string, () => void>();
before(async () => {
  server = await startTestServer(async (key) => {
    if (key.startsWith('slow')) await new Promise<void>((resolve) => waiting.set(key, resolve));
    return represent({ slug: key });
  });
});
after(async () => {
  // First, as a failure before it would leave the test file running for ever.
  await server.close();
  assert.equal(
    server.recorded('_OTHER', 'unmatched', 'other'),
    0,
    'no refusal is without a series of its own',
  );
});

/** Sends bytes that are not a request and returns the code of the problem that ends the connection. */
async function refused(text: string): Promise<string> {
  const connection = openConnection(server.port);
  connection.send(text);
  const { status, headers, body } = await connection.response();
  assert.equal(headers.get('content-type'), 'application/problem+json');
  assert.equal(headers.get('cache-control'), 'no-store');
  assert.equal(headers.get('connection'), 'close');
  assert.equal(await connection.ended(), '', 'nothing follows the refusal');
  assert.equal(JSON.parse(body.toString()).status, status);
  return `${status} ${String(JSON.parse(body.toString()).type).replace('/problems/', '')}`;
}

suite('what is not a request', { concurrency: true }, () => {
  for (const [name, text] of [
    ['nonsense', 'hello\r\n\r\n'],
    ['a request line of two words', 'GET /livez\r\n\r\n'],
    ['a method nobody knows', 'FETCH /livez HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['a version there is not', 'GET /livez HTTP/1.2\r\nHost: a\r\n\r\n'],
    ['a target with a space', 'GET /v1/products/a b HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
    [
      'a length and a transfer coding',
      'GET /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n',
    ],
    ['two lengths', 'GET /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n'],
    ['a length that is not a number', 'GET /livez HTTP/1.1\r\nHost: a\r\nContent-Length: +0\r\n\r\n'],
    ['a space before a colon', 'GET /livez HTTP/1.1\r\nHost : a\r\n\r\n'],
    ['a folded field', 'GET /livez HTTP/1.1\r\nHost: a\r\n b\r\n\r\n'],
    ['bare line feeds', 'GET /livez HTTP/1.1\nHost: a\n\n'],
    ['a NUL in a field', 'GET /livez HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n'],
  ] as const)
    test(`${name} is a malformed request`, async () =>
      assert.equal(await refused(text), '400 malformed-request'));

  test('9 KB of headers are too many, in one field or in many', async () => {
    const one = `GET /livez HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(9 * 1024)}\r\n\r\n`;
    const many = `GET /livez HTTP/1.1\r\nHost: a\r\n${'X: yyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n'.repeat(300)}\r\n`;
    assert.equal(await refused(one), '431 headers-too-large');
    assert.equal(await refused(many), '431 headers-too-large');
  });

  test('a head that does not arrive within seconds is given up', async () => {
    assert.equal(await refused('GET /livez HTTP/1.1\r\nHost: a\r\n'), '408 request-timeout');
  });

  for (const [name, bad] of [
    ['nonsense', 'nonsense\r\n\r\nnonsense\r\n\r\n'],
    ['CONNECT', 'CONNECT shop.test:443 HTTP/1.1\r\nHost: shop.test:443\r\n\r\nnonsense'],
  ] as const)
    test(`requests that wait when ${name} comes are answered, and then the connection ends`, async () => {
      const slug = `slow-${name.toLowerCase()}`;
      const connection = openConnection(server.port);
      const slow = `GET /v1/products/${slug} HTTP/1.1\r\nHost: a\r\n\r\n`;
      connection.send(`${slow}GET /livez HTTP/1.1\r\nHost: a\r\n\r\n${bad}`);
      await eventually('the page is looked for', 5000, () => waiting.has(slug));
      waiting.get(slug)?.();
      const [page, alive] = [await connection.response(), await connection.response()];
      assert.deepEqual([page.status, alive.status], [200, 200]);
      assert.equal(await connection.ended(), '');
    });
});

test('a refused client that does not close is closed', async () => {
  const socket = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => {});
  socket.write('nonsense\r\n\r\n');
  await once(socket.resume(), 'end');
  await eventually('the server has let go of it', 5000, () => server.openConnections === 0);
  socket.destroy();
});

test('many requests at once from a client that reads nothing cost it its connection', async () => {
  const dropped = server.dropped('pipelining');
  const connection = openConnection(server.port);
  connection.send('GET /livez HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(1000));
  assert.ok((await connection.ended()).split('HTTP/1.1 200').length - 1 <= 1 + pipelinedMax);
  assert.equal(server.dropped('pipelining') - dropped, 1);
  assert.ok(server.recordedRequests() < 1000);
});

suite('a server that takes ten connections', () => {
  const ask = 'GET /livez HTTP/1.1\r\nHost: a\r\n\r\n';
  let small: TestServer;
  const held: Connection[] = [];
  before(async () => {
    small = await startTestServer(async () => undefined, {}, { maxConnections: 10 });
  });
  after(() => small.close());

  async function hold(count: number): Promise<void> {
    while (held.length < count) held.push(openConnection(small.port));
    await eventually('all are taken', 5000, () => small.openConnections === count);
  }

  test('closes none that asks while seven are open', async () => {
    await hold(7);
    held[0]?.send(ask);
    assert.equal((await held[0]?.response())?.headers.get('connection'), 'keep-alive');
  });

  test('closes each with its answer while eight are open', async () => {
    await hold(8);
    held[0]?.send(ask);
    const { status, headers } = (await held[0]?.response()) ?? assert.fail();
    assert.deepEqual([status, headers.get('connection')], [200, 'close']);
    assert.equal(await held.shift()?.ended(), '');
    held[0]?.send(ask);
    assert.equal((await held[0]?.response())?.headers.get('connection'), 'keep-alive');
  });

  test('closes an eleventh at once, counts it, and keeps the ten', async () => {
    await hold(10);
    assert.equal(await openConnection(small.port).ended(), '');
    assert.equal(small.dropped('full'), 1);
    for (const connection of held.splice(0)) {
      connection.send(ask);
      assert.equal((await connection.response()).status, 200);
      connection.close();
    }
  });
});
