import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { brotliDecompressSync } from 'node:zlib';
import { catalogue, fullProduct } from '../storefront/testing.ts';
import { createBrowserPages, type PageMaker } from './browser-pages.ts';
import { representationCodec } from './representation.ts';
import { represent, request, startTestServer, type TestServer } from './testing.ts';

let server: TestServer;
before(async () => {
  server = await startTestServer(async (key) => {
    if (key.startsWith('{')) return represent(catalogue(3));
    if (key === 'broken') return represent({ slug: 'broken' });
    return key === fullProduct.slug ? represent(fullProduct) : undefined;
  });
});
after(() => server.close());

const get = (target: string, fields: readonly string[] = []) => request(server.port, target, { fields });

test('a page is HTML with a policy that lets nothing else in, and says where it came from and how soon', async () => {
  for (const target of ['/', `/products/${fullProduct.slug}`]) {
    const first = await get(target);
    const second = await get(target);
    for (const { status, headers, body } of [first, second]) {
      assert.equal(status, 200);
      assert.equal(headers.get('content-type'), 'text/html; charset=utf-8');
      assert.equal(headers.get('x-content-type-options'), 'nosniff');
      const policy = headers.get('content-security-policy') ?? '';
      assert.match(policy, /^default-src 'none'; /);
      assert.doesNotMatch(policy, /unsafe|\*|https?:|data:/);
      assert.match(body.toString(), /^<!doctype html>\n[\s\S]*<\/html>\n$/);
    }
    assert.match(first.headers.get('server-timing') ?? '', /^frontshelf;desc="postgres";dur=\d+\.\d{3}$/);
    assert.match(second.headers.get('server-timing') ?? '', /^frontshelf;desc="memory";dur=\d+\.\d{3}$/);
    assert.equal(first.headers.get('etag'), second.headers.get('etag'));
    assert.deepEqual(first.body, second.body);
  }
});

test('a page has 304 and codings as its document has', async () => {
  const target = `/products/${fullProduct.slug}`;
  const plain = await get(target);
  const { status, headers } = await get(target, [`If-None-Match: ${plain.headers.get('etag')}`]);
  assert.equal(status, 304);
  assert.ok(headers.has('server-timing'));
  const compressed = await get(target, ['Accept-Encoding: br']);
  assert.deepEqual(brotliDecompressSync(compressed.body), plain.body);
  assert.notEqual(plain.headers.get('etag'), (await get(`/v1${target}`)).headers.get('etag'));
});

test('what is not there, or cannot be, is said on a page', async () => {
  for (const [target, status, sentence] of [
    ['/products/nobody', 404, 'No product has this slug.'],
    ['/products/No', 400, 'The path parameter slug must be'],
    ['/?limit=3', 400, 'The query parameters of this resource are'],
    ['/products/broken', 500, 'because of an error in the server'],
    ['/assets/storefront.ts', 404, 'There is nothing at this path.'],
    [`/assets/art/${fullProduct.slug}/poster-1.svg`, 404, 'There is nothing at this path.'],
    [`/assets/art/${fullProduct.slug}/card-0.svg`, 404, 'There is nothing at this path.'],
    [`/assets/art/${fullProduct.slug}/card-1.png`, 404, 'There is nothing at this path.'],
  ] as const) {
    const answer = await get(target);
    assert.equal(answer.status, status, target);
    assert.equal(answer.headers.get('content-type'), 'text/html; charset=utf-8');
    assert.equal(answer.headers.get('cache-control'), 'no-store');
    assert.ok(answer.body.toString().includes(sentence), target);
  }
});

test('files and pictures come as what they are, and are kept for a while', async () => {
  for (const [target, type] of [
    ['/assets/storefront.css', 'text/css; charset=utf-8'],
    ['/assets/storefront.js', 'text/javascript; charset=utf-8'],
    ['/assets/icon.svg', 'image/svg+xml'],
    ['/assets/art/any-product/card-1.svg', 'image/svg+xml'],
  ] as const) {
    const { status, headers } = await get(target);
    assert.equal(status, 200);
    assert.equal(headers.get('content-type'), type);
    assert.match(headers.get('cache-control') ?? '', /^public, max-age=/);
    assert.equal(headers.get('content-security-policy'), "default-src 'none'");
    assert.equal((await get(target, [`If-None-Match: ${headers.get('etag')}`])).status, 304);
  }
});

test('a page is made once of its document, which counts it as its own', () => {
  let made = 0;
  const maker: PageMaker = {
    productPage: () => `page ${++made}`,
    cataloguePage: () => '',
    problemPage: () => '',
    assets: new Map(),
    picture: () => undefined,
  };
  const pages = createBrowserPages(maker);
  const document = represent({ slug: 'a' });
  const { sizeBytes } = representationCodec('');
  const before = sizeBytes(document);
  let grown = 0;
  const onMade = () => grown++;
  const page = pages.productPage(document, onMade);
  assert.equal(pages.productPage(document, onMade), page);
  assert.equal(page.body, 'page 1');
  assert.deepEqual([made, grown], [1, 1]);
  assert.equal(sizeBytes(document), before + sizeBytes(page));
});
