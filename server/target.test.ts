import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeCursor, listKey, listPosition, requestedPosition } from './list-position.ts';
import { routes } from './routes.ts';
import { parseTarget } from './target.ts';

/** What a target comes to: the route and slug or list position, or the route and the problem's code. */
function outcome(target: string): string {
  const parsed = parseTarget(target);
  if ('problem' in parsed) return `${parsed.route} ${parsed.problem}`;
  if (parsed.route === '/v1/products/{slug}') return `${parsed.route} ${parsed.slug}`;
  if (parsed.route === '/v1/products') {
    const position = requestedPosition(parsed);
    return `${parsed.route} ${position === undefined ? 'malformed-parameter' : listKey(position)}`;
  }
  return parsed.route;
}

const expectations: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'a slug of lower-case letters, digits and hyphens is a product page': {
    '/v1/products/a': '/v1/products/{slug} a',
    '/v1/products/-': '/v1/products/{slug} -',
    '/v1/products/the-deep-2': '/v1/products/{slug} the-deep-2',
    [`/v1/products/${'x'.repeat(80)}`]: `/v1/products/{slug} ${'x'.repeat(80)}`,
    '/v1/products/a?': '/v1/products/{slug} a',
  },
  'any other slug is malformed': {
    '/v1/products/': '/v1/products/{slug} malformed-slug',
    '/v1/products/Deep': '/v1/products/{slug} malformed-slug',
    [`/v1/products/${'x'.repeat(81)}`]: '/v1/products/{slug} malformed-slug',
    '/v1/products/%61': '/v1/products/{slug} malformed-slug',
    '/v1/products/a%20b': '/v1/products/{slug} malformed-slug',
    '/v1/products/..': '/v1/products/{slug} malformed-slug',
    '/v1/products/a.css': '/v1/products/{slug} malformed-slug',
    '/v1/products/a;x': '/v1/products/{slug} malformed-slug',
    '/v1/products/a_b': '/v1/products/{slug} malformed-slug',
  },
  'no resource but the list takes a query': {
    '/v1/products/a?x=1': '/v1/products/{slug} unknown-parameter',
    '/v1/products/a?limit=1': '/v1/products/{slug} unknown-parameter',
    '/livez?x=%2f': '/livez unknown-parameter',
    '/livez?x': '/livez unknown-parameter',
    '/readyz?x': '/readyz unknown-parameter',
    '/openapi.json?x': '/openapi.json unknown-parameter',
  },
  'the list takes a limit and a cursor, each once': {
    '/v1/products': '/v1/products 0/24',
    '/v1/products?': '/v1/products 0/24',
    '/v1/products?limit=1': '/v1/products 0/1',
    '/v1/products?limit=100': '/v1/products 0/100',
    [`/v1/products?cursor=${encodeCursor(24)}`]: '/v1/products 24/24',
    [`/v1/products?limit=7&cursor=${encodeCursor(1)}`]: '/v1/products 1/7',
    [`/v1/products?cursor=${encodeCursor(1)}&limit=7`]: '/v1/products 1/7',
    '/v1/products?limit=1&limit=1': '/v1/products malformed-parameter',
    '/v1/products?page=2': '/v1/products unknown-parameter',
    '/v1/products?Limit=2': '/v1/products unknown-parameter',
    '/v1/products?limit=2&': '/v1/products unknown-parameter',
    '/v1/products?__proto__=2': '/v1/products unknown-parameter',
  },
  'a limit is a whole number from 1 to 100 in its one spelling': Object.fromEntries(
    ['', '0', '101', '1000', '-1', '+1', '01', '1.0', '1e1', '0x1', 'abc', '%31', 'NaN'].map((limit) => [
      `/v1/products?limit=${limit}`,
      '/v1/products malformed-parameter',
    ]),
  ),
  'a cursor has one spelling': Object.fromEntries(
    [
      '',
      'abc',
      '0',
      `${encodeCursor(24)}=`,
      `${encodeCursor(24)}A`,
      // The same bytes but for bits that Base64 ignores.
      encodeCursor(24).replace(/A$/, 'B'),
      encodeCursor(0),
      encodeCursor(-1),
      encodeCursor(1.5),
      encodeCursor(1e15),
      Buffer.from('rank:024').toString('base64url'),
      Buffer.from('rank:24\n').toString('base64url'),
      'x'.repeat(500),
    ].map((cursor) => [`/v1/products?cursor=${cursor}`, '/v1/products malformed-parameter']),
  ),
  'a target is a path of visible ASCII with one leading slash and nothing hidden in it': Object.fromEntries(
    [
      '',
      '*',
      'livez',
      '//evil',
      '//evil.example/v1/products/a',
      'http://shop.test/v1/products/a',
      'shop.test:443',
      '/v1/products/a#b',
      '/v1/products/a\\b',
      '/\\evil',
      '/v1/products/a%2fb',
      '/v1/products/a%2Fb',
      '/v1/products/a%5cb',
      '/v1/products/a%00',
      '/v1/products/a\u0000',
      '/v1/products/a\t',
      '/v1/products/a\n',
      '/v1/products/a b',
      '/v1/products/a\u007f',
      '/v1/products/\u00e9',
    ].map((target) => [target, 'unmatched malformed-target']),
  ),
  'there is nothing at other paths': Object.fromEntries(
    [
      '/',
      '/v1',
      '/v1/',
      '/v1/product/a',
      '/V1/products',
      '/livez/',
      '/metrics',
      '/v1/productsx',
      '/.env',
      '/v1/products/a/b/c',
    ].map((target) => [target, 'unmatched not-found']),
  ),
  'a target may be 2048 bytes long': {
    [`/${'x'.repeat(2047)}`]: 'unmatched not-found',
    [`/${'x'.repeat(2048)}`]: 'unmatched target-too-long',
    [`/v1/products/${'x'.repeat(2048)}`]: 'unmatched target-too-long',
    [`/v1/products?limit=${'1'.repeat(2048)}`]: 'unmatched target-too-long',
  },
};

for (const [claim, outcomes] of Object.entries(expectations))
  test(claim, () => {
    const actual = Object.fromEntries(Object.keys(outcomes).map((target) => [target, outcome(target)]));
    assert.deepEqual(actual, outcomes);
  });

/** Strings near the targets there are, where the mistakes are, and any others. */
const anyTarget = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc
    .tuple(
      fc.constantFrom('/v1/products/', '/v1/products', '/v1/products?', '/livez', '/', ''),
      fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[a-z0-9-]{0,90}$/)),
      fc.constantFrom('', '?', '?limit=1', '/', '%2f', '#'),
    )
    .map((parts) => parts.join('')),
);

test('whatever the target, parsing gives a route, and a slug only as the target spells it', () => {
  let slugs = 0;
  fc.assert(
    fc.property(anyTarget, (target) => {
      const parsed = parseTarget(target);
      assert.ok(parsed.route === 'unmatched' || parsed.route in routes);
      if (!('slug' in parsed)) return;
      slugs++;
      assert.match(parsed.slug, /^[a-z0-9-]{1,80}$/);
      assert.equal(target.replace(/\?$/, ''), `/v1/products/${parsed.slug}`);
    }),
    { numRuns: 2000 },
  );
  assert.ok(slugs > 0, 'the property has met slugs');
});

test('every list position survives the way through a cursor, and through a cache key', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1e15 - 1 }),
      fc.integer({ min: 1, max: 100 }),
      (afterRank, limit) => {
        const target = `/v1/products?limit=${limit}&cursor=${encodeCursor(afterRank)}`;
        assert.equal(outcome(target), `/v1/products ${listKey({ afterRank, limit })}`);
        assert.deepEqual(listPosition(listKey({ afterRank, limit })), { afterRank, limit });
      },
    ),
  );
});
