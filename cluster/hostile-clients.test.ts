/** Requests that mean ill, and more connections than there may be, before the server as its users run it. */
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { after, before, suite, test } from 'node:test';
import { eventually } from '../cache/eventually.ts';
import { popularSlugs } from '../loadtest/catalogue.ts';
import { hostileRequests } from '../server/hostile-requests.ts';
import { answersTo, openConnection } from '../server/testing.ts';
import { createTestDatabase, type TestDatabase } from '../sql/testing.ts';
import { get } from './keep-alive-clients.ts';
import { type ServerProcess, startServer } from './server-process.ts';

const maxConnections = 40;

suite('a server and its hostile clients', () => {
  let database: TestDatabase;
  let server: ServerProcess;
  let path: string;

  before(async () => {
    database = await createTestDatabase({ products: 5 });
    server = await startServer({
      DATABASE_URL: database.readerUrl,
      WORKERS: '1',
      MAX_CONNECTIONS: String(maxConnections),
    });
    path = `/v1/products/${(await popularSlugs(server.url, 1))[0]}`;
  });
  after(async () => {
    await server?.destroy();
    await database?.drop();
  });

  const port = () => Number(new URL(server.url).port);
  /** The sum of this metric's series whose labels hold this text. */
  async function metric(name: string, labels = ''): Promise<number> {
    const { body } = await get(`${server.adminUrl}/metrics`);
    const lines = body.split('\n').filter((line) => line.startsWith(name) && line.includes(labels));
    assert.ok(lines.length > 0, `${name} is exposed`);
    return lines.reduce((sum, line) => sum + Number(line.split(' ').pop()), 0);
  }

  test('answer each hostile request as it should be, and the next one well', async () => {
    const { body } = await get(server.url + path);
    const wrong: string[] = [];
    for (const { name, bytes, answers, after } of hostileRequests(path)) {
      const seen = await answersTo(port(), bytes, Buffer.from(body));
      if (JSON.stringify(seen) !== JSON.stringify({ answers, after }))
        wrong.push(`${name}: ${JSON.stringify(seen)}`);
      assert.equal((await get(server.url + path)).body, body, `after ${name}`);
    }
    assert.deepEqual(wrong, []);
    // That no page was looked for which is not there, but this one, which is told after all others.
    const unknown = () =>
      metric(
        'http_server_request_duration_seconds_count{http_request_method="GET",http_route="/v1/products/{slug}"',
        'http_response_status_code="404"',
      );
    assert.equal((await get(`${server.url}/v1/products/no-such-product`)).status, 404);
    await eventually('all is told', 5000, async () => (await unknown()) > 0);
    assert.equal(await unknown(), 1);
  });

  test('a connection too many is closed at once and counted, by the worker whose bound it is', async () => {
    const held: Socket[] = [];
    try {
      const dropped = 'http_server_connections_dropped_total{reason="full"}';
      assert.equal(await metric(dropped), 0);
      await eventually(
        'all others are gone',
        10_000,
        async () => (await metric('http_server_open_connections{')) === 0,
      );
      for (let i = 0; i < maxConnections; i++) held.push(connect(port(), '127.0.0.1'));
      await eventually(
        'all have their place',
        5000,
        async () => (await metric('http_server_open_connections{')) === maxConnections,
      );
      for (let i = 0; i < 3; i++) assert.equal(await openConnection(port()).ended(), '');
      await eventually('they are counted', 5000, async () => (await metric(dropped)) === 3);
    } finally {
      for (const socket of held) socket.destroy();
    }
  });
});
