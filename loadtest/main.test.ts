import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { findK6, k6Missing } from './k6.ts';
import { listScenarios } from './scenarios.ts';
import { noDatabase, runCommand, startTestServer } from './testing.ts';

const noK6 = findK6() ? false : k6Missing;
// A busy machine must not break a test: these are about answers, not about speed.
const short = ['--scenario', 'page-view', '--duration', '2s', '--rate', '20', '--p99-ms', '5000'];

test('every scenario says in one sentence what it asks', async () => {
  const { exitCode, stdout } = await runCommand('./main.ts', ['--list']);
  assert.equal(exitCode, 0);
  const scenarios = listScenarios();
  assert.ok(scenarios.some(({ name }) => name === 'page-view'));
  for (const { name, summary } of scenarios) {
    assert.match(summary, /^[A-Z].+[.?]$/);
    assert.ok(stdout.includes(name) && stdout.includes(summary));
  }
});

test('a wrong option and a missing server each get one sentence', { skip: noK6 }, async () => {
  const port = await closedPort();
  for (const [args, sentence] of [
    [['--scenario', 'page-views'], /^--scenario must be one of: .*page-view.*\.\n$/],
    [[...short, '--rate', '0'], /^--rate must be a whole number of page views per second; it is "0"\.\n$/],
    [[...short, '--url', `http://127.0.0.1:${port}`], /^No server that is ready answers at .*npm start.*\n$/],
  ] as const) {
    const { exitCode, stderr } = await runCommand('./main.ts', args);
    assert.equal(exitCode, 1);
    assert.match(stderr, sentence);
  }
});

test('page views of a real server hold every promise', { skip: noDatabase || noK6 }, async (t) => {
  const server = await startTestServer(200);
  t.after(server.stop);
  const { exitCode, stdout, stderr } = await runCommand('./main.ts', [...short, '--url', server.url]);
  assert.equal(exitCode, 0, stdout + stderr);
  assert.match(stdout, /held {4}wrong_answers count==0, it is 0\n/);
  assert.match(stdout, /held {4}http_req_failed rate==0, it is 0\n/);
  assert.match(stdout, /held {4}dropped_iterations count==0, it is 0\n/);
  assert.doesNotMatch(stdout, /BROKEN/);
});

test('wrong pages and failed requests break the promises', { skip: noK6 }, async (t) => {
  // Answers every second page with another one, and every fourth with an error.
  let asked = 0;
  const server = createServer((request, response) => {
    response.setHeader('Content-Type', 'application/json');
    if (request.url === '/readyz') return response.end('{}');
    if (request.url?.startsWith('/v1/products?'))
      return response.end('{"items":[{"slug":"a"}],"nextCursor":null}');
    asked += 1;
    response.setHeader('Cache-Status', 'frontshelf-memory; hit');
    response.statusCode = asked % 4 === 0 ? 503 : 200;
    response.end(JSON.stringify({ slug: asked % 2 === 0 ? 'a' : 'b' }));
  }).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  const { exitCode, stdout } = await runCommand('./main.ts', [
    ...short,
    '--url',
    `http://127.0.0.1:${address.port}`,
  ]);
  assert.notEqual(exitCode, 0);
  assert.match(stdout, /BROKEN {2}wrong_answers count==0, it is 2\d\n/);
  assert.match(stdout, /BROKEN {2}http_req_failed rate==0, it is 0\.2/);
});

async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  assert.ok(address !== null && typeof address === 'object');
  return address.port;
}
