import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { startChild } from './child.ts';
import type { RoundResult } from './generator.ts';
import { fetchRaw } from './raw-response.ts';
import { checkSame, orderLike, requestFor, startBare } from './sides.ts';

const skip = existsSync('/proc/self/schedstat') ? false : 'this system has no /proc/self/schedstat';
const order = {
  headers: ['ETag', '"é"', 'Content-Length', '5'],
  body: 'caf\xc3\xa9',
  keepAliveTimeoutMs: 7000,
};
const request = requestFor('bench.test', '/', 'identity');

function child(t: TestContext, file: string) {
  const started = startChild(new URL(file, import.meta.url), undefined);
  t.after(started.stop);
  return started;
}
const load = { request, connections: 4, settleMs: 50, measureMs: 200 };

test('a bare handler answers like the response it was given, and so does one that is modelled on it', async (t) => {
  const first = await startBare('first', child(t, './bare-server.ts'), order);
  const response = await fetchRaw(first.url, request);
  assert.equal(response.body, order.body);
  assert.ok(response.headers.join('|').includes('Keep-Alive|timeout=7'));

  const second = await startBare('second', child(t, './bare-server.ts'), orderLike(response));
  await checkSame(second, request, response);
  const other = await startBare('other', child(t, './bare-server.ts'), { ...order, body: 'cafe!' });
  await assert.rejects(checkSame(other, request, response), /different bytes/);
});

test('a round counts the responses and the CPU of both ends', { skip }, async (t) => {
  const server = await startBare('server', child(t, './bare-server.ts'), order);
  const response = (await fetchRaw(server.url, request)).bytes;
  const result = await child(t, './generator.ts').ask<RoundResult>({
    ...load,
    host: server.url.hostname,
    port: Number(server.url.port),
    response,
    pids: server.pids,
  });
  assert.equal(result.wrong, undefined);
  assert.ok(result.requests > 0);
  assert.ok(result.wallNs > 199e6);
  assert.ok(result.serverCpuNs > 0 && result.generatorCpuNs > 0);
});

for (const [what, answer, complaint] of [
  ['that differs in one byte', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno', /differs/],
  ['that is too long', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok!', /differs/],
  ['that never ends', '', /closed a connection/],
] as const)
  test(`a response ${what} makes the round void`, { skip }, async (t) => {
    const server = createServer((socket) => {
      // The generator hangs up as soon as it has seen enough.
      socket.on('error', () => {});
      socket.once('data', () => socket.end(answer));
    }).listen(0, '127.0.0.1');
    t.after(() => server.close());
    await once(server, 'listening');
    const address = server.address();
    assert.ok(address !== null && typeof address !== 'string');
    const result = await child(t, './generator.ts').ask<RoundResult>({
      ...load,
      host: '127.0.0.1',
      port: address.port,
      response: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
      pids: [process.pid],
    });
    assert.match(result.wrong ?? '', complaint);
    assert.equal(result.requests, 0);
  });
