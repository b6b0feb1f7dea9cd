import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { eventually } from '../cache/eventually.ts';
import { type OpenLoopOptions, type Outcome, startOpenLoop } from './open-loop.ts';
import { seededRandom } from './provers/random.ts';

async function listen(t: TestContext, listener: RequestListener) {
  const server: Server = createServer({ keepAliveTimeout: 5000 }, listener);
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  return { url: urlOf(address), sockets };
}

const urlOf = ({ port }: AddressInfo) => `http://127.0.0.1:${port}`;

/** Numbered targets, a rate that brings a request each millisecond, and the outcomes in a list. */
function load(url: string, options: Partial<OpenLoopOptions> = {}) {
  const outcomes: Outcome[] = [];
  let number = 0;
  const loop = startOpenLoop({
    url,
    ratePerSecond: 1000,
    connections: 'keep-alive',
    nextTarget: () => `/${number++}`,
    timeoutMs: 10_000,
    onOutcome: (outcome) => outcomes.push(outcome),
    ...options,
  });
  return { loop, outcomes };
}

test('requests are sent while none is answered, and stop waits for their outcomes', async (t) => {
  const held: Parameters<RequestListener>[] = [];
  const { url } = await listen(t, (...exchange) => held.push(exchange));
  const { loop, outcomes } = load(url);
  await eventually('fifty are under way', 10_000, () => held.length >= 50);
  assert.equal(outcomes.length, 0);
  const stopped = loop.stop();
  await eventually('all that were sent have come', 10_000, () => held.length === loop.started);
  for (const [{ url }, response] of held) response.setHeader('x-target', `${url}`).end(`answer to ${url}`);
  await stopped;
  assert.equal(outcomes.length, loop.started);
  assert.equal(new Set(outcomes.map(({ target }) => target)).size, loop.started);
  for (const { target, status, headers, body, error } of outcomes)
    assert.deepEqual(
      [status, headers['x-target'], `${body}`, error],
      [200, target, `answer to ${target}`, undefined],
    );
  held.length = 0;
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(held.length, 0, 'no arrival after the end');
});

test('a generator that was held up sends what it owes, and counts the wait as latency', async (t) => {
  const { url } = await listen(t, (_, response) => response.end());
  const { loop, outcomes } = load(url);
  await eventually('it is under way', 10_000, () => outcomes.length > 0);
  const heldUpAtMs = performance.now();
  const heldUpMs = 300;
  while (performance.now() < heldUpAtMs + heldUpMs);
  const releasedAtMs = performance.now();
  await eventually('what was owed is answered', 10_000, () =>
    outcomes.some(({ plannedAtMs }) => plannedAtMs > releasedAtMs),
  );
  await loop.stop();
  const owed = outcomes.filter(({ plannedAtMs }) => plannedAtMs > heldUpAtMs && plannedAtMs < releasedAtMs);
  const expected = releasedAtMs - heldUpAtMs;
  assert.ok(
    Math.abs(owed.length - expected) < 6 * Math.sqrt(expected),
    `${owed.length}, not ${expected}, were owed`,
  );
  for (const { plannedAtMs, lateMs, latencyMs } of owed) {
    assert.ok(lateMs >= releasedAtMs - plannedAtMs, `${lateMs} ms late`);
    assert.ok(latencyMs >= lateMs);
  }
  assert.ok(
    loop.lateMs.max >= 250 && loop.lateMs.max >= loop.lateMs.p99 && loop.lateMs.p99 >= loop.lateMs.p50,
  );
});

test('times of arrival are a Poisson process: gaps and their deviation have the mean of the rate', async (t) => {
  const { url } = await listen(t, (_, response) => response.end());
  const { loop, outcomes } = load(url, { ratePerSecond: 2000, random: seededRandom(1) });
  await eventually('a thousand are sent', 20_000, () => loop.started >= 1000);
  await loop.stop();
  const times = outcomes.map(({ plannedAtMs }) => plannedAtMs).sort((a, b) => a - b);
  const gaps = times.slice(1, 1000).map((time, i) => time - (times[i] ?? 0));
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
  const deviation = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length);
  assert.ok(Math.abs(mean - 0.5) < 0.05, `mean gap ${mean} ms`);
  assert.ok(Math.abs(deviation - 0.5) < 0.1, `deviation ${deviation} ms`);
});

test('a rate of nothing is a pause, and another rate ends it', async (t) => {
  const { url } = await listen(t, (_, response) => response.end());
  const { loop } = load(url, { ratePerSecond: 0 });
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(loop.started, 0);
  assert.deepEqual(loop.lateMs, { p50: 0, p99: 0, max: 0 });
  loop.setRate(1000);
  await eventually('it goes on', 10_000, () => loop.started >= 20);
  loop.setRate(0);
  const { started } = loop;
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(loop.started, started);
  await loop.stop();
});

test('one more request is sent at its own time, unless the load has ended', async (t) => {
  const { url } = await listen(t, (_, response) => response.end());
  const { loop, outcomes } = load(url, { ratePerSecond: 0 });
  const askedAtMs = performance.now();
  loop.sendAfter(30, '/again');
  const askedByMs = performance.now();
  loop.sendAfter(60_000, '/never');
  const outcome = await eventually('it is answered', 10_000, () => outcomes[0]);
  assert.equal(outcome.target, '/again');
  assert.ok(outcome.plannedAtMs >= askedAtMs + 30 && outcome.plannedAtMs <= askedByMs + 30);
  await loop.stop();
  loop.sendAfter(0, '/too-late');
  await new Promise((resolve) => setTimeout(resolve, 10));
  assert.deepEqual(
    outcomes.map(({ target }) => target),
    ['/again'],
  );
});

test('keep-alive connections are used again, and left when the server says so', async (t) => {
  let isClosing = false;
  const { url, sockets } = await listen(t, (_, response) => {
    if (isClosing) response.setHeader('Connection', 'close');
    response.end();
  });
  const { loop, outcomes } = load(url, { ratePerSecond: 0 });
  const askOneByOne = async (count: number) => {
    for (const before = outcomes.length; outcomes.length < before + count; ) {
      const { length } = outcomes;
      loop.sendAfter(0, '/');
      await eventually('it is answered', 10_000, () => outcomes.length > length);
    }
  };
  await askOneByOne(5);
  assert.equal(sockets.size, 1);
  isClosing = true;
  await askOneByOne(5);
  // The first of these is the last on the old one.
  assert.equal(sockets.size, 5);
  await loop.stop();
  assert.deepEqual(
    outcomes.filter(({ status }) => status !== 200),
    [],
  );
});

test('an idle connection is not used for longer than the server hints at', async (t) => {
  const { url, sockets } = await listen(t, (_, response) => {
    // Two seconds less is no time at all.
    response.setHeader('Keep-Alive', 'timeout=2').setHeader('Connection', 'keep-alive').end();
  });
  const { loop, outcomes } = load(url, { ratePerSecond: 0 });
  for (let i = 0; i < 5; i++) {
    loop.sendAfter(0, '/');
    await eventually('it is answered', 10_000, () => outcomes.length === i + 1);
  }
  await loop.stop();
  assert.equal(sockets.size, 5);
});

test('a short connection carries one request, which says so', async (t) => {
  const said: (string | undefined)[] = [];
  const { url, sockets } = await listen(t, ({ headers }, response) => {
    said.push(headers.connection, headers['x-mine']?.toString());
    response.end();
  });
  const { loop, outcomes } = load(url, { connections: 'short', headers: { 'x-mine': 'yes' } });
  await eventually('twenty are answered', 10_000, () => outcomes.length >= 20);
  await loop.stop();
  assert.equal(sockets.size, loop.started);
  assert.deepEqual(new Set(said), new Set(['close', 'yes']));
  assert.ok(outcomes.every(({ status }) => status === 200));
});

test('no request comes before it was due', async (t) => {
  const cameAtMs = new Map<string, number>();
  const { url } = await listen(t, (request, response) => {
    cameAtMs.set(`${request.url}`, performance.now());
    response.end();
  });
  const { loop, outcomes } = load(url, { ratePerSecond: 0 });
  for (let i = 0; i < 100; i++) loop.sendAfter(i / 2 + 0.9, `/${i}`);
  await eventually('all are answered', 10_000, () => outcomes.length === 100);
  await loop.stop();
  for (const { target, plannedAtMs } of outcomes)
    assert.ok(Number(cameAtMs.get(target)) > plannedAtMs, target);
});

test('a request without an answer in time is given up, its connection closed', async (t) => {
  const closed: string[] = [];
  const { url } = await listen(t, (request, response) => {
    request.socket.once('close', () => closed.push(`${request.url}`));
    // The second half never comes.
    if (request.url === '/half') response.setHeader('Content-Length', 20).write('ten bytes!');
  });
  const { loop, outcomes } = load(url, { ratePerSecond: 0, timeoutMs: 100 });
  loop.sendAfter(0, '/none');
  loop.sendAfter(0, '/half');
  await eventually('both are given up', 10_000, () => outcomes.length === 2 && closed.length === 2);
  for (const { status, error, latencyMs } of outcomes) {
    assert.deepEqual([status, error], [undefined, 'timeout']);
    assert.ok(latencyMs >= 100, `after ${latencyMs} ms`);
  }
  await loop.stop();
});

test('a reset and a refused connection are outcomes with their codes, and are not tried again', async (t) => {
  let requests = 0;
  const { url } = await listen(t, (request) => {
    requests++;
    request.socket.resetAndDestroy();
  });
  const { loop, outcomes } = load(url, { ratePerSecond: 0 });
  loop.sendAfter(0, '/reset');
  await eventually('it is reset', 10_000, () => outcomes.length === 1);
  await loop.stop();
  assert.equal(requests, 1);
  assert.deepEqual([outcomes[0]?.status, outcomes[0]?.error], [undefined, 'ECONNRESET']);

  const closed = createServer().listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const address = closed.address();
  assert.ok(address !== null && typeof address === 'object');
  closed.close();
  const nobody = load(urlOf(address), { ratePerSecond: 0 });
  nobody.loop.sendAfter(0, '/');
  await eventually('it is refused', 10_000, () => nobody.outcomes.length === 1);
  await nobody.loop.stop();
  assert.equal(nobody.outcomes[0]?.error, 'ECONNREFUSED');
  assert.equal(nobody.outcomes[0]?.localPort, undefined);
});

test('an outcome names the connection of its request, and a target may have headers of its own', async (t) => {
  const seen = new Map<string | undefined, [port: number | undefined, mine: unknown]>();
  const { url } = await listen(t, ({ url, socket, headers }, response) => {
    seen.set(url, [socket.remotePort, headers['x-mine']]);
    response.end();
  });
  const { loop, outcomes } = load(url, { headersOf: (target) => ({ 'x-mine': `of ${target}` }) });
  await eventually('fifty are answered', 10_000, () => outcomes.length >= 50);
  await loop.stop();
  assert.ok(outcomes.every(({ localPort }) => localPort !== undefined));
  for (const { target, localPort } of outcomes)
    assert.deepEqual(seen.get(target), [localPort, `of ${target}`]);
});
