import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { DatabaseUnavailable } from '../sql/errors.ts';
import { openapiDocument } from './openapi.ts';
import {
  openConnection,
  type Response,
  represent,
  request,
  startTestServer,
  type TestServer,
} from './testing.ts';

const large = { slug: 'large', text: 'Pokémon™ 日本 🎮 '.repeat(4000) };
const small = { slug: 'small', title: 'Été' };
const bytes = (document: unknown) => Buffer.from(JSON.stringify(document));

/** The page `slow` is read when it has been asked for and released. */
const slow = { asked: Promise.withResolvers<void>(), released: Promise.withResolvers<void>() };

async function load(key: string) {
  if (key === 'small') return represent(small);
  if (key === 'large') return represent(large);
  if (key === 'down') throw new DatabaseUnavailable('Postgres does not answer: secret-host');
  if (key === 'broken') throw new TypeError('secret internals');
  if (key === 'slow') {
    slow.asked.resolve();
    await slow.released.promise;
    return represent({ slug: 'slow' });
  }
  return key.includes('/') ? represent({ items: [], nextCursor: null }) : undefined;
}

let server: TestServer;
before(async () => {
  server = await startTestServer(load);
});
after(async () => {
  // First, as a failure before it would leave the test file running for ever.
  await server.close();
  assert.equal(
    server.recorded('_OTHER', 'unmatched', 'other'),
    0,
    'no answer is without a series of its own',
  );
});

const get = (target: string, fields: readonly string[] = []) => request(server.port, target, { fields });
const problem = ({ status, headers, body }: Response) => {
  assert.equal(headers.get('content-type'), 'application/problem+json');
  assert.equal(headers.get('cache-control'), 'no-store');
  const { type, title, detail, ...rest } = JSON.parse(body.toString());
  assert.deepEqual(rest, { status });
  assert.match(`${title} ${detail}`, /^[A-Z].+ .+\.$/);
  return `${status} ${String(type).replace('urn:frontshelf:problem:', '')}`;
};

test('a page comes with all of its headers, first from the source and then from memory', async () => {
  const first = await get('/v1/products/small');
  const second = await get('/v1/products/small');
  assert.equal(first.headers.get('cache-status'), 'frontshelf-memory; fwd=uri-miss; stored');
  assert.equal(second.headers.get('cache-status'), 'frontshelf-memory; hit');
  for (const { status, headers, body } of [first, second]) {
    assert.equal(status, 200);
    assert.deepEqual(body, bytes(small));
    const { etag, date, 'cache-status': _, ...rest } = Object.fromEntries(headers);
    assert.match(etag ?? '', /^"[\w-]{22}"$/);
    assert.ok(!Number.isNaN(Date.parse(date ?? '')));
    assert.deepEqual(rest, {
      'content-type': 'application/json',
      'content-length': String(bytes(small).length),
      'cache-control': 'public, max-age=5',
      vary: 'Accept-Encoding',
      'x-content-type-options': 'nosniff',
      'access-control-allow-origin': '*',
      'access-control-expose-headers': 'Cache-Status, ETag',
      connection: 'keep-alive',
      'keep-alive': 'timeout=5',
    });
  }
});

test('bodies over 16 KB and outside of ASCII arrive byte by byte, in every coding', async () => {
  const expected = bytes(large);
  assert.ok(expected.length > 5 * 16_384);
  for (const [accept, decode] of [
    ['identity', (body: Buffer) => body],
    ['br', brotliDecompressSync],
    ['gzip', gunzipSync],
  ] as const)
    for (const from of ['the source or memory', 'memory']) {
      const { status, headers, body } = await get('/v1/products/large', [`Accept-Encoding: ${accept}`]);
      assert.equal(status, 200);
      assert.equal(headers.get('content-encoding') ?? 'identity', accept);
      assert.deepEqual(decode(body), expected, `${accept} from ${from}`);
    }
});

test('HEAD answers as GET does, without the body', async () => {
  for (const target of [
    '/v1/products/small',
    '/v1/products',
    '/livez',
    '/readyz',
    '/openapi.json',
    '/v1/products/X',
    '/nowhere',
  ]) {
    await get(target);
    const got = await get(target);
    const connection = openConnection(server.port);
    connection.send(`HEAD ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    const head = await connection.response('HEAD');
    assert.equal(await connection.ended(), '', target);
    const comparable = ({ status, headers }: Response) => ({
      status,
      headers: [...headers].filter(([name]) => !['date', 'connection', 'keep-alive'].includes(name)),
    });
    assert.deepEqual(comparable(head), comparable(got), target);
  }
});

test('a client with the page already gets 304 and none of it, for the coding it has', async () => {
  for (const accept of ['identity', 'br', 'gzip']) {
    const fields = [`Accept-Encoding: ${accept}`];
    const etag = (await get('/v1/products/small', fields)).headers.get('etag') ?? assert.fail();
    for (const method of ['GET', 'HEAD']) {
      const { status, headers, body } = await request(server.port, '/v1/products/small', {
        method,
        fields: [...fields, `If-None-Match: "other", W/${etag}`],
      });
      assert.equal(status, 304);
      assert.equal(body.length, 0);
      assert.equal(headers.get('etag'), etag);
      assert.equal(headers.get('vary'), 'Accept-Encoding');
      assert.equal(headers.get('cache-control'), 'public, max-age=5');
      for (const name of ['content-length', 'content-type', 'content-encoding'])
        assert.ok(!headers.has(name), name);
    }
    const other = await get('/v1/products/small', [`If-None-Match: ${etag}`, 'Accept-Encoding: zstd']);
    assert.equal(other.status, accept === 'identity' ? 304 : 200, 'an etag is one coding, not another');
  }
  assert.equal((await get('/v1/products/small', ['If-None-Match: *'])).status, 304);
  assert.equal((await get('/v1/products/nobody', ['If-None-Match: *'])).status, 404);
});

test('OPTIONS tells the methods, at every path there is and at no other', async () => {
  for (const target of ['/v1/products/small', '/v1/products', '/livez', '/readyz', '/openapi.json']) {
    const { status, headers } = await request(server.port, target, { method: 'OPTIONS' });
    assert.equal(status, 204);
    assert.equal(headers.get('allow'), 'GET, HEAD, OPTIONS');
    assert.equal(headers.get('access-control-allow-methods'), 'GET, HEAD, OPTIONS');
    assert.ok(!headers.has('content-length'), 'RFC 9110 section 8.6 forbids it on 204');
  }
  assert.equal(problem(await request(server.port, '/nowhere', { method: 'OPTIONS' })), '404 not-found');
  assert.equal(problem(await request(server.port, '*', { method: 'OPTIONS' })), '400 malformed-target');
});

test('bad targets have their exact answers', async () => {
  for (const [target, expected] of [
    ['/v1/products/nobody', '404 unknown-product'],
    ['/v1/products/Small', '400 malformed-slug'],
    ['/v1/products/', '400 malformed-slug'],
    [`/v1/products/${'a'.repeat(80)}`, '404 unknown-product'],
    [`/v1/products/${'a'.repeat(81)}`, '400 malformed-slug'],
    ['/v1/products/sm%61ll', '400 malformed-slug'],
    ['/v1/products/small.json', '400 malformed-slug'],
    ['/v1/products/../products/small', '404 not-found'],
    ['/v1/products/small?utm_source=x', '400 unknown-parameter'],
    ['/v1/products?limit=0', '400 malformed-parameter'],
    ['/v1/products?cursor=x', '400 malformed-parameter'],
    ['//evil/v1/products/small', '400 malformed-target'],
    ['/v1/products/small#x', '400 malformed-target'],
    ['/v1\\products', '400 malformed-target'],
    ['/v1/products%2fsmall', '400 malformed-target'],
    ['http://shop.test/v1/products/small', '400 malformed-target'],
    ['*', '400 malformed-target'],
    ['/', '404 not-found'],
    [`/${'a'.repeat(2048)}`, '414 target-too-long'],
  ] as const)
    assert.equal(problem(await get(target)), expected, target);
});

test('an unknown product is remembered as one', async () => {
  await get('/v1/products/gone');
  const { status, headers } = await get('/v1/products/gone');
  assert.equal(status, 404);
  assert.equal(headers.get('cache-status'), 'frontshelf-memory; hit; detail=negative');
});

test('every method but GET, HEAD and OPTIONS is 405 everywhere, and says what there is', async () => {
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'TRACE', 'PROPFIND', 'QUERY'])
    for (const target of ['/v1/products/small', '/v1/products', '/livez', '/nowhere', '/v1/products/X']) {
      const response = await request(server.port, target, { method, fields: ['Content-Length: 0'] });
      assert.equal(problem(response), '405 method-not-allowed', `${method} ${target}`);
      assert.equal(response.headers.get('allow'), 'GET, HEAD, OPTIONS');
      assert.equal(response.headers.get('connection'), 'keep-alive');
    }
});

test('a request with a body is refused and ends its connection, so that no body is taken for a request', async () => {
  const smuggled = 'GET /livez HTTP/1.1\r\nHost: a\r\n\r\n';
  for (const [method, framing, expected] of [
    ['GET', `Content-Length: ${smuggled.length}\r\n\r\n${smuggled}`, '413 unexpected-content'],
    ['OPTIONS', `Content-Length: ${smuggled.length}\r\n\r\n${smuggled}`, '413 unexpected-content'],
    ['GET', `Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`, '413 unexpected-content'],
    ['GET', 'Content-Length: 5\r\n\r\n', '413 unexpected-content'],
    ['GET', `Content-Length: 5\r\nExpect: 100-continue\r\n\r\n`, '413 unexpected-content'],
    ['POST', `Content-Length: ${smuggled.length}\r\n\r\n${smuggled}`, '405 method-not-allowed'],
    ['POST', `Transfer-Encoding: chunked\r\n\r\nnonsense`, '405 method-not-allowed'],
  ] as const) {
    const connection = openConnection(server.port);
    connection.send(`${method} /v1/products/small HTTP/1.1\r\nHost: a\r\n${framing}`);
    const response = await connection.response();
    assert.equal(problem(response), expected, framing);
    assert.equal(response.headers.get('connection'), 'close');
    assert.equal(await connection.ended(), '', framing);
  }
});

test('a length of 0 is no body', async () => {
  assert.equal((await get('/v1/products/small', ['Content-Length: 0'])).status, 200);
});

test('a request needs one Host that could be one', async () => {
  for (const fields of [
    '',
    'Host: a\r\nHost: a\r\n',
    'Host: a\r\nhost: b\r\n',
    'Host:\r\n',
    'Host: a b\r\n',
    'Host: <script>\r\n',
  ]) {
    const connection = openConnection(server.port);
    connection.send(`GET /v1/products/small HTTP/1.1\r\n${fields}\r\n`);
    assert.equal(problem(await connection.response()), '400 malformed-request', fields);
    assert.equal(await connection.ended(), '');
  }
});

test('HTTP/1.0 is answered, with no Host as load balancers check it, and its connection closed', async () => {
  for (const fields of ['', 'Host: a\r\n']) {
    const connection = openConnection(server.port);
    connection.send(`GET /readyz HTTP/1.0\r\n${fields}\r\n`);
    const { status, headers } = await connection.response();
    assert.equal(status, 200);
    assert.equal(headers.get('connection'), 'close');
    assert.equal(await connection.ended(), '');
  }
});

test('requests sent at once are answered in their order, the slow one first', async () => {
  const connection = openConnection(server.port);
  const targets = ['/v1/products/slow', '/v1/products/small', '/v1/products/nobody', '/livez'];
  connection.send(targets.map((target) => `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`).join(''));
  await slow.asked.promise;
  assert.equal((await get('/livez')).status, 200, 'another connection does not wait');
  slow.released.resolve();
  const bodies = [];
  for (const _ of targets) bodies.push((await connection.response()).body.toString());
  connection.close();
  assert.match(bodies.join(), /^\{"slug":"slow"\},\{"slug":"small".*unknown-product.*,\{"status":"ok"\}$/);
});

test('an upgrade is not taken up', async () => {
  for (const protocol of ['websocket', 'h2c']) {
    const { status, body } = await get('/v1/products/small', ['Connection: Upgrade', `Upgrade: ${protocol}`]);
    assert.equal(status, 200);
    assert.deepEqual(body, bytes(small));
  }
});

test('an expectation is not waited for', async () => {
  for (const expectation of ['100-continue', 'miracles'])
    assert.equal((await get('/v1/products/small', [`Expect: ${expectation}`])).status, 200);
});

test('headers that would change the target or the method change nothing', async () => {
  const fields = [
    'X-Original-URL: /nowhere',
    'X-Rewrite-URL: /nowhere',
    'X-HTTP-Method-Override: DELETE',
    'X-Forwarded-Host: evil.example',
    'Forwarded: host=evil.example',
    'Cookie: a=b',
    'Range: bytes=0-0',
  ];
  const { status, body } = await get('/v1/products/small', fields);
  assert.equal(status, 200);
  assert.deepEqual(body, bytes(small));
});

test('a source that does not answer is 503 with a time to come back, and not reported as an error of ours', async () => {
  const reported = server.unexpectedErrors.length;
  const response = await get('/v1/products/down');
  assert.equal(problem(response), '503 temporarily-unavailable');
  assert.match(response.headers.get('retry-after') ?? '', /^[123]$/);
  assert.doesNotMatch(response.body.toString(), /secret/);
  assert.equal(server.unexpectedErrors.length, reported);
});

test('an error of ours is 500, shows nothing of itself and is reported', async () => {
  const response = await get('/v1/products/broken');
  assert.equal(problem(response), '500 internal-error');
  assert.doesNotMatch(response.body.toString(), /secret/);
  assert.match(String(server.unexpectedErrors.at(-1)), /secret internals/);
});

test('an error names the request by its own id, and what cannot be said in a header or a line is no id', async () => {
  const idOf = async (target: string, ...fields: string[]) =>
    (await get(target, fields)).headers.get('x-request-id');
  for (const target of ['/nowhere', '/v1/products/down', '/v1/products/broken', '/v1/products/nobody'])
    assert.equal(await idOf(target, 'X-Request-Id: Ab.9_-z'), 'Ab.9_-z', target);
  assert.equal(await idOf('/nowhere', `X-Request-Id: ${'a'.repeat(64)}`), 'a'.repeat(64));
  for (const unsafe of ['', 'a b', 'a"b', '{}', 'a;b', 'é', 'a\tb', '\x1b[31m', 'a'.repeat(65)])
    assert.equal(await idOf('/nowhere', `X-Request-Id: ${unsafe}`), undefined, unsafe);
  assert.equal(await idOf('/nowhere'), undefined);
});

test('an error of ours has an id where its request had none, which is the one in the log', async () => {
  const { headers } = await get('/v1/products/broken');
  const id = headers.get('x-request-id') ?? '';
  assert.match(id, /^[0-9a-f-]{36}$/);
  assert.deepEqual(server.failed.at(-1), {
    method: 'GET',
    route: '/v1/products/{slug}',
    slug: 'broken',
    requestId: id,
  });
  await get('/v1/products/broken', ['X-Request-Id: mine']);
  assert.equal(server.failed.at(-1)?.requestId, 'mine');
  await get('/v1/products/down');
  assert.equal(server.failed.at(-1)?.requestId, undefined, 'a refusal needs none');
});

test('an answer that caches may keep is the same whatever the id', async () => {
  for (const target of ['/v1/products/small', '/v1/products?limit=1', '/openapi.json'])
    for (const fields of [['X-Request-Id: mine'], ['X-Request-Id: mine', 'If-None-Match: *']]) {
      const { status, headers } = await get(target, fields);
      assert.ok(status === 200 || status === 304);
      assert.equal(headers.get('x-request-id'), undefined, target);
    }
});

test('the access log has a line for each answer, with its route and what was validated', async () => {
  const lineOf = async (target: string, method = 'GET', ...fields: string[]) => {
    const { body } = await request(server.port, target, { method, fields });
    const { durationMs = -1, ...line } = server.logged.at(-1) ?? {};
    assert.ok(durationMs >= 0 && durationMs < 60_000);
    return { line, length: body.length };
  };
  await get('/v1/products/small');
  const memory = await lineOf('/v1/products/small', 'GET', 'X-Request-Id: mine');
  assert.deepEqual(memory.line, {
    method: 'GET',
    route: '/v1/products/{slug}',
    slug: 'small',
    requestId: 'mine',
    status: 200,
    bytes: memory.length,
    servedFrom: 'memory',
  });
  assert.deepEqual((await lineOf('/v1/products/small', 'HEAD')).line, {
    method: 'HEAD',
    route: '/v1/products/{slug}',
    slug: 'small',
    status: 200,
    bytes: 0,
    servedFrom: 'memory',
  });
  const list = await lineOf('/v1/products?limit=3');
  assert.deepEqual(list.line, { method: 'GET', route: '/v1/products', status: 200, bytes: list.length });
  const broken = await lineOf('/v1/products/broken', 'GET', 'X-Request-Id: mine');
  assert.deepEqual(broken.line, {
    method: 'GET',
    route: '/v1/products/{slug}',
    slug: 'broken',
    requestId: 'mine',
    status: 500,
    bytes: broken.length,
  });
});

test('nothing that a client wrote freely is in the access log or said of a failed request', async () => {
  const mark = 'x9q7marker';
  const fields = [
    `X-Request-Id: ${mark} ${mark}`,
    `User-Agent: ${mark}`,
    `Cookie: ${mark}`,
    `X-${mark}: ${mark}`,
  ];
  for (const target of [
    `/${mark}`,
    `/v1/products/${mark.toUpperCase()}`,
    `/v1/products/small?${mark}=${mark}`,
    `/v1/products?cursor=${mark}`,
    `/v1/products?limit=${mark}`,
    `/livez?${mark}`,
    `/v1/products/broken?${mark}`,
  ]) {
    const before = server.logged.length;
    await get(target, fields);
    assert.equal(server.logged.length, before + 1);
    assert.doesNotMatch(JSON.stringify([server.logged.at(-1), server.failed]), /x9q7marker/i, target);
  }
});

test('no error repeats anything of its request', async () => {
  const mark = 'x9q7marker';
  const requests: readonly (readonly [head: string, fields: string])[] = [
    [`GET /${mark}`, 'Host: a'],
    [`GET /v1/products/${mark}.`, 'Host: a'],
    [`GET /v1/products/${mark}`, 'Host: a'],
    [`GET /v1/products?${mark}=1`, 'Host: a'],
    [`GET /v1/products?limit=${mark}`, 'Host: a'],
    [`GET /v1/products?cursor=${mark}`, 'Host: a'],
    [`GET /#${mark}`, 'Host: a'],
    [`GET /livez`, `Host: ${mark}!`],
    [`POST /${mark}`, `Host: a\r\nX: ${mark}`],
    [`GET /livez`, `Host: a\r\nContent-Length: 1\r\nX: ${mark}`],
    [`GET /livez`, `Host: a\r\n${mark}`],
    [`GET /livez`, `Host: a\r\nX: ${mark.repeat(1000)}`],
  ];
  for (const [head, fields] of requests) {
    const connection = openConnection(server.port);
    connection.send(`${head} HTTP/1.1\r\n${fields}\r\n\r\n`);
    const { status, headers, body } = await connection.response();
    connection.close();
    assert.ok(status >= 400, head);
    assert.doesNotMatch(`${[...headers].join('\n')}${body}`, new RegExp(mark, 'i'));
    assert.equal(headers.get('x-content-type-options'), 'nosniff');
  }
});

test('readiness says no until the worker may take traffic; liveness always says yes', async () => {
  server.state.ready = false;
  const [ready, alive] = [await get('/readyz'), await get('/livez')];
  server.state.ready = true;
  assert.equal(ready.status, 503);
  assert.deepEqual(JSON.parse(ready.body.toString()), { status: 'unavailable' });
  assert.equal(alive.status, 200);
  assert.equal((await get('/readyz')).status, 200);
});

test('while the worker drains, an answer is whole and its connection ends', async () => {
  const connection = openConnection(server.port);
  connection.send('GET /v1/products/small HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.equal((await connection.response()).headers.get('connection'), 'keep-alive');
  server.state.draining = true;
  connection.send('GET /v1/products/large HTTP/1.1\r\nHost: a\r\n\r\n');
  const { headers, body } = await connection.response();
  server.state.draining = false;
  assert.equal(headers.get('connection'), 'close');
  assert.deepEqual(body, bytes(large));
  assert.equal(await connection.ended(), '');
});

test('a request that waits when the worker begins to drain ends its connection too', async () => {
  const page = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const own = await startTestServer(async () => {
    asked.resolve();
    await page.promise;
    return represent(small);
  });
  try {
    const connection = openConnection(own.port);
    connection.send('GET /v1/products/small HTTP/1.1\r\nHost: a\r\n\r\n');
    await asked.promise;
    own.state.draining = true;
    page.resolve();
    assert.equal((await connection.response()).headers.get('connection'), 'close');
    assert.equal(await connection.ended(), '');
  } finally {
    await own.close();
  }
});

test('an error that nobody foresaw is answered 500, and the server goes on', async () => {
  const own = await startTestServer(load);
  Object.defineProperty(own.state, 'ready', {
    get() {
      throw new TypeError('secret internals');
    },
  });
  try {
    const response = await request(own.port, '/readyz');
    assert.equal(problem(response), '500 internal-error');
    assert.doesNotMatch(response.body.toString(), /secret/);
    assert.equal(own.unexpectedErrors.length, 1);
    assert.equal((await request(own.port, '/livez')).status, 200);
  } finally {
    await own.close();
  }
});

test('the contract is served as it is written', async () => {
  const { headers, body } = await get('/openapi.json');
  assert.equal(headers.get('content-type'), 'application/json');
  assert.equal(body.toString('latin1'), openapiDocument);
});

test('every answer is recorded once, under its method, route and status', async () => {
  const own = await startTestServer(load);
  try {
    const labelled: [method: string, target: string, label: string, route: string, status: number][] = [
      ['GET', '/v1/products/small', 'GET', '/v1/products/{slug}', 200],
      ['HEAD', '/v1/products/small', 'HEAD', '/v1/products/{slug}', 200],
      ['GET', '/v1/products/nobody', 'GET', '/v1/products/{slug}', 404],
      ['GET', '/v1/products/X', 'GET', '/v1/products/{slug}', 400],
      ['GET', '/v1/products/down', 'GET', '/v1/products/{slug}', 503],
      ['OPTIONS', '/v1/products', 'OPTIONS', '/v1/products', 204],
      ['DELETE', '/v1/products', '_OTHER', '/v1/products', 405],
      ['GET', '/nowhere', 'GET', 'unmatched', 404],
      ['GET', '/readyz', 'GET', '/readyz', 200],
    ];
    for (const [method, target, ...series] of labelled) {
      const response = await request(own.port, target, { method });
      assert.equal(own.recorded(...series), 1, `${method} ${target} ${response.status}`);
    }
  } finally {
    await own.close();
  }
});

test('every way to answer every method at every path has a series of its own', async () => {
  const paths = ['/v1/products/small', '/v1/products/nobody', '/v1/products/down', '/v1/products/broken'];
  for (const path of [
    ...paths,
    '/v1/products/X',
    '/v1/products',
    '/livez',
    '/readyz',
    '/openapi.json',
    '/nowhere',
  ])
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'DELETE']) {
      for (const query of ['', '?x', `?${'x'.repeat(2048)}`])
        await request(server.port, path + query, { method });
      for (const field of ['If-None-Match: *', 'Content-Length: 1', 'Host: b'])
        await request(server.port, path, { method, fields: [field] });
      server.state.ready = false;
      await request(server.port, path, { method });
      server.state.ready = true;
    }
  assert.equal(server.recorded('_OTHER', 'unmatched', 'other'), 0);
});
