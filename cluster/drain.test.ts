import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, createServer, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { test } from 'node:test';
import { drain } from './drain.ts';
import { get } from './keep-alive-clients.ts';

/** A server whose responses the test ends by hand, and which closes connections as the handler does once draining. */
async function serve() {
  const responses: ServerResponse[] = [];
  const state = { draining: false };
  const server = createServer((_, res) => {
    if (state.draining) res.shouldKeepAlive = false;
    responses.push(res);
    server.emit('held');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const begin = (deadlineMs: number) => {
    state.draining = true;
    return drain(server, deadlineMs);
  };
  return { server, responses, begin, port: address.port, url: `http://127.0.0.1:${address.port}/` };
}

test('a request that is under way is answered in full before the drain is over', async () => {
  const { server, responses, begin, url } = await serve();
  const answer = get(url);
  await once(server, 'held');
  let isOver = false;
  const over = begin(30_000).then(() => {
    isOver = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(isOver, false);
  responses[0]?.end('whole');
  assert.equal((await answer).body, 'whole');
  await over;
});

test('new connections are refused at once; an open one may still ask, and is closed by the answer', async () => {
  const { server, responses, begin, url } = await serve();
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const first = get(url, { agent });
  await once(server, 'held');
  responses[0]?.end();
  assert.notEqual((await first).headers.connection, 'close');
  const over = begin(30_000);
  await assert.rejects(get(url), { code: 'ECONNREFUSED' });
  const second = get(url, { agent });
  await once(server, 'held');
  responses[1]?.end('late');
  const { body, headers } = await second;
  assert.deepEqual([body, headers.connection], ['late', 'close']);
  await over;
});

test('at the deadline what is still open is closed', async () => {
  const { server, begin, url, port } = await serve();
  const unanswered = assert.rejects(get(url), { code: 'ECONNRESET' });
  await once(server, 'held');
  const silent = connect(port, '127.0.0.1');
  await once(server, 'connection');
  await begin(100);
  await unanswered;
  if (!silent.closed) await once(silent, 'close');
});
