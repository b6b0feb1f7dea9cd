/** Whatever is put into the parameters there are, alone and together: an answer of the contract, and never an error of the server. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeCursor } from './list-query.ts';
import type { Parameters } from './parameters.ts';
import { type RouteDefinition, routes } from './routes.ts';
import { represent, request, startTestServer } from './testing.ts';

const definitions: readonly (readonly [string, RouteDefinition])[] = Object.entries(routes);

/** What stands in a target as it is: values near those that are right, and any others. */
const value = fc.oneof(
  fc.constantFrom(
    '',
    '0',
    '1',
    '24',
    '100',
    '101',
    '-1',
    '1e9',
    'a',
    'a,b',
    'a%2Cb',
    'price',
    'price,media',
    'constructor',
    '__proto__',
  ),
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 }).map((rank) => encodeCursor({}, 0, rank)),
  fc.string({ unit: 'binary', maxLength: 40 }).map((text) => Buffer.from(text).toString('base64url')),
  fc.string({ unit: 'binary', maxLength: 20 }).map((text) => encodeURIComponent(text.toWellFormed())),
  fc.stringMatching(/^[!"$%'-;=?-[\]-~]{0,30}$/),
  fc.array(fc.stringMatching(/^[a-z0-9-]{1,8}$/), { maxLength: 120 }).map((slugs) => slugs.join()),
);

const pathOf = (path: string, parameters: Parameters = {}) =>
  fc
    .record(Object.fromEntries(Object.keys(parameters).map((name) => [name, value])))
    .map((values) => path.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name] ?? ''));

const target = fc.oneof(
  ...definitions.map(([path, { path: inPath, query }]) =>
    fc
      .tuple(
        pathOf(path, inPath),
        fc.array(fc.tuple(fc.constantFrom(...Object.keys(query ?? {}), 'other'), value), { maxLength: 3 }),
      )
      .map(([filled, pairs]) =>
        pairs.length === 0 ? filled : `${filled}?${pairs.map((pair) => pair.join('=')).join('&')}`,
      ),
  ),
);

test('no value of any parameter is an error of the server', async () => {
  const seen = new Map<number, number>();
  const server = await startTestServer(async (key) => {
    if (key.includes('/')) return represent({ items: [], nextCursor: null });
    return key === 'a' ? represent({ slug: 'a', title: 'A', price: null, media: [] }) : undefined;
  });
  try {
    await fc.assert(
      fc.asyncProperty(target, fc.constantFrom('GET', 'HEAD', 'OPTIONS'), async (text, method) => {
        const { status, headers } = await request(server.port, text, { method });
        assert.ok(status < 500, `${method} ${text}: ${status}`);
        if (status >= 400) assert.equal(headers.get('content-type'), 'application/problem+json');
        seen.set(status, (seen.get(status) ?? 0) + 1);
      }),
      { numRuns: 2000 },
    );
    assert.deepEqual(server.unexpectedErrors, []);
    for (const status of [200, 204, 400, 404]) assert.ok(seen.has(status), `${status} has been seen`);
  } finally {
    await server.close();
  }
});
