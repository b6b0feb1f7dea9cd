import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { requestedQuery } from './list-query.ts';
import { isPageRoute } from './page-routes.ts';
import { routes } from './routes.ts';
import { parseTarget } from './target.ts';

/** What a target comes to: the route and slug or list position, or the route and the problem's code. */
function outcome(target: string): string {
  const parsed = parseTarget(target);
  if ('problem' in parsed) return `${parsed.route} ${parsed.problem}`;
  if (parsed.route === '/v1/products/{slug}')
    return `${parsed.route} ${[parsed.slug, ...(parsed.fields ?? [])].join(' ')}`;
  if (parsed.route === '/v1/products/{slug}/{module}')
    return `${parsed.route} ${parsed.slug} ${parsed.module}`;
  if (parsed.route === '/v1/products') {
    if (parsed.slugs) return `${parsed.route} ${parsed.slugs.join()} ${parsed.fields?.join() ?? 'all'}`;
    const query = requestedQuery(parsed);
    return `${parsed.route} ${typeof query === 'string' ? 'malformed-parameter' : `${query.kind} ${query.limit}`}`;
  }
  return parsed.route;
}

const expectations: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'pages for people are at the root, and take what lists do but for the fields that a form left empty': {
    '/': '/',
    '/?': '/',
    '/?cursor=': '/',
    '/?limit=24': '/ unknown-parameter',
    '/?slugs=a': '/ unknown-parameter',
    '/?cursor=%20': '/',
    '/?q=+': '/',
    '/?cursor=%21': '/ malformed-parameter',
    '/products/a': '/products/{slug}',
    '/products/A': '/products/{slug} malformed-slug',
    '/products/a?x=1': '/products/{slug} unknown-parameter',
    '/products': 'unmatched not-found',
    '/assets/storefront.css': '/assets/{file}',
    '/assets/..': '/assets/{file} not-found',
    '/assets/art/a/card-1.svg': '/assets/art/{slug}/{file}',
    '/assets/art/a/../b': 'unmatched not-found',
  },
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
  'a page takes the fields to answer with': {
    '/v1/products/a?fields=price': '/v1/products/{slug} a price',
    '/v1/products/a?fields=price,media': '/v1/products/{slug} a price media',
    '/v1/products/a?fields=price%2Cmedia': '/v1/products/{slug} a price media',
    '/v1/products/a?fields=': '/v1/products/{slug} malformed-parameter',
    '/v1/products/a?fields=prices': '/v1/products/{slug} malformed-parameter',
    '/v1/products/a?fields=price,': '/v1/products/{slug} malformed-parameter',
    '/v1/products/a?fields=price&fields=media': '/v1/products/{slug} malformed-parameter',
    '/v1/products/a?x=1': '/v1/products/{slug} unknown-parameter',
    '/v1/products/a?limit=1': '/v1/products/{slug} unknown-parameter',
  },
  'each module of a page is a resource of its own': {
    '/v1/products/a/media': '/v1/products/{slug}/{module} a media',
    '/v1/products/a/slug': '/v1/products/{slug}/{module} a slug',
    '/v1/products/a/b': '/v1/products/{slug}/{module} unknown-module',
    '/v1/products/a/': '/v1/products/{slug}/{module} unknown-module',
    '/v1/products/a/constructor': '/v1/products/{slug}/{module} unknown-module',
    '/v1/products//media': '/v1/products/{slug}/{module} malformed-slug',
    '/v1/products/../media': '/v1/products/{slug}/{module} malformed-slug',
    '/v1/products/A/b': '/v1/products/{slug}/{module} malformed-slug',
    '/v1/products/a/media?fields=price': '/v1/products/{slug}/{module} unknown-parameter',
  },
  'products that are named come together, with their fields, and with nothing of the list': {
    '/v1/products?slugs=a': '/v1/products a all',
    '/v1/products?slugs=b,a,b': '/v1/products b,a,b all',
    '/v1/products?fields=price&slugs=a%2cb': '/v1/products a,b price',
    [`/v1/products?slugs=${Array.from({ length: 100 }, (_, i) => i).join()}`]: `/v1/products ${Array.from({ length: 100 }, (_, i) => i).join()} all`,
    [`/v1/products?slugs=${Array.from({ length: 101 }, (_, i) => i).join()}`]:
      '/v1/products malformed-parameter',
    '/v1/products?slugs=': '/v1/products malformed-parameter',
    '/v1/products?slugs=A': '/v1/products malformed-parameter',
    '/v1/products?slugs=a,,b': '/v1/products malformed-parameter',
    '/v1/products?slugs=a&limit=24': '/v1/products malformed-parameter',
    '/v1/products?cursor=x&slugs=a': '/v1/products malformed-parameter',
    '/v1/products?fields=price': '/v1/products malformed-parameter',
  },
  'a problem has a page': {
    '/problems/not-found': '/problems/{code}',
    '/problems/none': '/problems/{code} not-found',
    '/problems/': '/problems/{code} not-found',
    '/problems': 'unmatched not-found',
  },
  'no other resource takes a query': {
    '/livez?x': '/livez unknown-parameter',
    '/livez?x=%2f': '/livez unknown-parameter',
    '/readyz?x': '/readyz unknown-parameter',
    '/openapi.json?x': '/openapi.json unknown-parameter',
  },
  'the list takes each of its parameters once': {
    '/v1/products': '/v1/products games 24',
    '/v1/products?': '/v1/products games 24',
    '/v1/products?limit=1': '/v1/products games 1',
    '/v1/products?limit=100': '/v1/products games 100',
    '/v1/products?limit=7&genre=action': '/v1/products games 7',
    '/v1/products?limit=1&limit=1': '/v1/products malformed-parameter',
    '/v1/products?cursor=x': '/v1/products malformed-parameter',
    '/v1/products?sort=relevance': '/v1/products malformed-parameter',
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
  'a target may be 4096 bytes long': {
    [`/${'x'.repeat(4095)}`]: 'unmatched not-found',
    [`/${'x'.repeat(4096)}`]: 'unmatched target-too-long',
    [`/v1/products/${'x'.repeat(4096)}`]: 'unmatched target-too-long',
    [`/v1/products?limit=${'1'.repeat(4096)}`]: 'unmatched target-too-long',
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
      assert.ok(parsed.route === 'unmatched' || parsed.route in routes || isPageRoute(parsed.route));
      if (!('slug' in parsed)) return;
      slugs++;
      assert.match(parsed.slug, /^[a-z0-9-]{1,80}$/);
      const prefix = isPageRoute(parsed.route) ? '' : '/v1';
      assert.ok(target.startsWith(`${prefix}/products/${parsed.slug}`));
    }),
    { numRuns: 2000 },
  );
  assert.ok(slugs > 0, 'the property has met slugs');
});
