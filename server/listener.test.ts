import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { openConnection, represent, startTestServer, type TestServer } from './testing.ts';

let server: TestServer;
let release = () => {};
before(async () => {
  server = await startTestServer(async (key) => {
    if (key === 'slow')
      await new Promise<void>((resolve) => {
        release = resolve;
      });
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
  return `${status} ${String(JSON.parse(body.toString()).type).replace('urn:frontshelf:problem:', '')}`;
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

  test('CONNECT ends the connection', async () => {
    const connection = openConnection(server.port);
    connection.send('CONNECT shop.test:443 HTTP/1.1\r\nHost: shop.test:443\r\n\r\n');
    assert.equal(await connection.ended(), '');
  });

  test('an earlier request on the connection is never given the refusal for its answer', async () => {
    const connection = openConnection(server.port);
    connection.send('GET /v1/products/slow HTTP/1.1\r\nHost: a\r\n\r\nnonsense\r\n\r\n');
    assert.equal(await connection.ended(), '');
    release();
  });

  test('an earlier request that is answered already keeps its answer', async () => {
    const connection = openConnection(server.port);
    connection.send('GET /livez HTTP/1.1\r\nHost: a\r\n\r\nnonsense\r\n\r\n');
    assert.equal((await connection.response()).status, 200);
    await connection.ended();
  });
});

test('a server without room closes a new connection at once and keeps those it has', async () => {
  const held = Array.from({ length: 1000 }, () => openConnection(server.port));
  for (const connection of held) connection.send('GET /livez HTTP/1.1\r\nHost: a\r\n\r\n');
  for (const connection of held) assert.equal((await connection.response()).status, 200);
  assert.equal(await openConnection(server.port).ended(), '');
  held[0]?.send('GET /livez HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.equal((await held[0]?.response())?.status, 200);
  for (const connection of held) connection.close();
});
