/**
 * The contract against the server: every answer of a server over a seeded database, and of one whose source
 * fails, is one that the document describes, field by field; and every answer that it describes has been seen.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { Ajv2020, type SchemaObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { statusesByRoute } from '../metrics/catalogue.ts';
import { DatabaseUnavailable } from '../sql/errors.ts';
import { createTestDatabase } from '../sql/testing.ts';
import { examples, openapiDocument } from './openapi.ts';
import { routes } from './routes.ts';
import { openConnection, type Response, request, startTestServer } from './testing.ts';

interface Reference {
  readonly $ref: string;
}
interface ResponseObject {
  readonly headers?: Readonly<Record<string, Reference>>;
  readonly content?: Readonly<Record<string, { readonly schema: Reference }>>;
}
interface Operation {
  readonly responses: Readonly<Record<string, Reference>>;
}
interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly headers: Readonly<Record<string, { readonly required: boolean; readonly schema: SchemaObject }>>;
    readonly responses: Readonly<Record<string, ResponseObject>>;
    readonly schemas: Readonly<Record<string, SchemaObject>>;
  };
}

const document: OpenApi = JSON.parse(openapiDocument);
const { headers, responses, schemas } = document.components;
const methods = ['GET', 'HEAD', 'OPTIONS'] as const;
const paths = Object.keys(document.paths);

const ajv = new Ajv2020({
  allowUnionTypes: true,
  formats: {
    date: /^\d{4}-\d\d-\d\d$/,
    'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
    uri: (text: string) => URL.canParse(text),
    'uri-reference': (text: string) => URL.canParse(text, 'http://shop.test'),
  },
});
// The rest of the document stands around the schemas and is none.
ajv.addVocabulary(Object.keys(document));
ajv.addSchema(document, 'openapi.json');

/** By the schema as text. */
const validators = new Map<string, ValidateFunction>();

function assertValid(schema: SchemaObject, value: unknown, what: string): void {
  const text = JSON.stringify(schema).replaceAll('"#/', '"openapi.json#/');
  const validate = validators.get(text) ?? ajv.compile(JSON.parse(text));
  validators.set(text, validate);
  assert.ok(validate(value), `${what}: ${ajv.errorsText(validate.errors)}`);
}

const component = ({ $ref }: Reference) => $ref.split('/').at(-1) ?? '';

/** Fields of the connection or the message rather than of the resource. */
const ofTheMessage = new Set(['date', 'connection', 'keep-alive', 'content-length', 'content-type']);

/** Asserts that an answer is the one described, no less and no more, and returns its body as a value. */
function assertDescribed(
  described: ResponseObject,
  response: Response,
  method: string,
  what: string,
): unknown {
  const fields = Object.entries(described.headers ?? {}).map(([name, reference]) => {
    const header = headers[component(reference)] ?? assert.fail(`${what}: ${reference.$ref} leads nowhere`);
    const value = response.headers.get(name.toLowerCase());
    assert.ok(value !== undefined || !header.required, `${what}: ${name} is missing`);
    if (value !== undefined) assertValid(header.schema, value, `${what}: ${name}`);
    return name.toLowerCase();
  });
  for (const name of response.headers.keys())
    assert.ok(fields.includes(name) || ofTheMessage.has(name), `${what}: ${name} is not described`);

  const [mediaType, content] = Object.entries(described.content ?? {})[0] ?? [];
  assert.equal(response.headers.get('content-type'), mediaType, what);
  if (content === undefined || method === 'HEAD') {
    assert.equal(response.body.length, 0, what);
    return undefined;
  }
  const coding = response.headers.get('content-encoding');
  const decode =
    coding === 'br' ? brotliDecompressSync : coding === 'gzip' ? gunzipSync : (body: Buffer) => body;
  const text = decode(response.body).toString();
  const value: unknown = mediaType?.startsWith('text/html') ? text : JSON.parse(text);
  assertValid(content.schema, value, what);
  if (mediaType === 'application/problem+json') observedProblems.add(Object(value).type);
  return value;
}

const observed = new Set<string>();
const observedProblems = new Set<unknown>();

/** The same for the answer to an operation of the document. */
function assertOperation(method: string, path: string, response: Response): unknown {
  const what = `${method} ${path} ${response.status}`;
  const reference = document.paths[path]?.[method.toLowerCase()]?.responses[response.status];
  assert.ok(reference, `${what} is not described: ${response.body}`);
  observed.add(what);
  return assertDescribed(responses[component(reference)] ?? assert.fail(), response, method, what);
}

/** Every object in the document with its place. */
function* objectsIn(value: unknown, place = '#'): Generator<[place: string, object: object]> {
  if (typeof value !== 'object' || value === null) return;
  yield [place, value];
  for (const [key, inner] of Object.entries(value)) yield* objectsIn(inner, `${place}/${key}`);
}

test('every reference of the document leads somewhere, and every component is referred to', () => {
  const places = new Set([...objectsIn(document)].map(([place]) => place));
  const references = [...objectsIn(document)].flatMap(([, object]) =>
    '$ref' in object ? [String(object.$ref)] : [],
  );
  assert.deepEqual(
    references.filter((reference) => !places.has(reference)),
    [],
  );
  const components = [...places].filter((place) => /^#\/components\/\w+\/\w+$/.test(place));
  assert.deepEqual(
    components.filter((place) => !references.includes(place)),
    // The answer where there is no operation to refer to it.
    ['#/components/responses/MethodNotAllowed'],
  );
});

test('the document has the paths that the server routes, and GET, HEAD and OPTIONS at each', () => {
  assert.deepEqual(paths.toSorted(), Object.keys(routes).toSorted());
  for (const path of Object.values(document.paths))
    assert.deepEqual(
      Object.keys(path).filter((key) => key !== 'parameters'),
      ['get', 'head', 'options'],
    );
});

test('every answer that a path can give has a series in the metrics, and no other', () => {
  const described = Object.fromEntries(
    Object.entries(document.paths).map(([path, operations]) => [
      path,
      // 405 is the same for all; what is refused before the path is known is no answer of the path.
      [
        ...new Set([
          '405',
          ...methods.flatMap((m) => Object.keys(operations[m.toLowerCase()]?.responses ?? {})),
        ]),
      ]
        .map(Number)
        .filter((status) => ![408, 414, 431].includes(status))
        .toSorted(),
    ]),
  );
  const { unmatched: _, ...byPath } = statusesByRoute;
  assert.deepEqual(byPath, described);
});

test('the schemas admit nothing that they do not name', () => {
  const { OpenAPIDocument: _, ProductFields: __, ...own } = schemas;
  let objects = 0;
  for (const [place, schema] of objectsIn(own))
    if ('properties' in schema && 'type' in schema && schema.type === 'object') {
      objects++;
      assert.ok('additionalProperties' in schema && schema.additionalProperties === false, place);
      assert.ok('required' in schema, place);
      assert.deepEqual(schema.required, Object.keys(Object(schema.properties)), place);
    }
  assert.ok(objects > 20);
});

test('a page that lacks a field or has one more is not the page described', () => {
  const validate = ajv.getSchema('openapi.json#/components/schemas/Rating');
  assert.equal(validate?.({ average: 4.5, count: 2 }), true);
  assert.equal(validate?.({ average: 4.5 }), false);
  assert.equal(validate?.({ average: 4.5, count: 2, extra: 1 }), false);
  assert.equal(validate?.({ average: '4.5', count: 2 }), false);
});

const example: Readonly<Record<string, string>> = { slug: 'a', module: 'price', code: 'not-found' };
const target = (path: string, slug = 'a') =>
  path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    name === 'slug' ? slug : (example[name] ?? assert.fail(name)),
  ) + needed(path, slug);

/** The query without which a resource has no meaning. */
const needed = (path: string, slug: string) =>
  path === '/v1/suggest'
    ? '?q=a'
    : ['/v1/reviews', '/v1/achievements'].includes(path)
      ? `?product=${slug}`
      : '';

test('the modules that the table of routes names are those of the page, in its order', () => {
  assert.deepEqual(
    [...routes['/v1/products/{slug}/{module}'].path.module.schema.enum],
    Object.keys(Object(schemas.ProductPage?.properties)),
  );
});

test('what a server refuses, it refuses as described, whatever the operation', async () => {
  const server = await startTestServer(async (key) => {
    if (/broken|"limit":1\}/.test(key)) throw new TypeError('a bug');
    if (/down|"limit":2\}/.test(key)) throw new DatabaseUnavailable('down');
    return undefined;
  });
  const operations = paths.flatMap((path) => methods.map((method) => ({ path, method })));
  const send = async (method: string, path: string, text: string, key = method) => {
    const connection = openConnection(server.port);
    connection.send(text);
    // What is refused before its method is known has a body even where HEAD has none.
    const response = await connection.response(key);
    connection.close();
    if (key === method || method !== 'HEAD') assertOperation(method, path, response);
    else assertOperation(method, path, { ...response, body: Buffer.alloc(0) });
  };
  const slow: Promise<void>[] = [];
  try {
    for (const { path, method } of operations) {
      const line = (suffix = '') =>
        `${method} ${target(path)}${target(path).includes('?') ? suffix.replace('?', '&') : suffix} HTTP/1.1\r\nHost: a\r\n`;
      const late = send(method, path, line(), 'unknown');
      // It is awaited at the end, whatever fails before.
      late.catch(() => {});
      slow.push(late);
      await send(method, path, `${line('?unknown=1')}\r\n`);
      await send(method, path, `${line()}Content-Length: 1\r\n\r\nx`);
      await send(method, path, `${line(`?${'x'.repeat(5000)}`)}\r\n`);
      await send(method, path, `${line()}X: ${'x'.repeat(9000)}\r\n\r\n`, 'unknown');
    }
    for (const method of ['GET', 'HEAD']) {
      const answers = async (path: string, actual: string) =>
        assertOperation(method, path, await request(server.port, actual, { method }));
      for (const slug of ['nobody', 'broken', 'down', 'Malformed'])
        for (const suffix of ['', '?fields=price', '?fields=nonsense', '/price', '/nonsense'])
          await answers(
            `/v1/products/{slug}${suffix.startsWith('/') ? '/{module}' : ''}`,
            `/v1/products/${slug}${suffix}`,
          );
      for (const query of [
        'limit=1',
        'limit=2',
        'limit=1000',
        'slugs=nobody,broken',
        'slugs=down,nobody',
        'slugs=',
      ])
        await answers('/v1/products', `/v1/products?${query}`);
      for (const word of ['broken', 'down', 'nobody']) {
        await answers('/v1/products/{slug}/related', `/v1/products/${word}/related`);
        if (word !== 'nobody') await answers('/v1/suggest', `/v1/suggest?q=${word}`);
        await answers('/v1/reviews', `/v1/reviews?product=${word}`);
        await answers('/v1/achievements', `/v1/achievements?product=${word}`);
      }
      await answers('/problems/{code}', '/problems/nonsense');
      server.state.ready = false;
      await answers('/readyz', '/readyz');
      server.state.ready = true;
    }
    for (const path of ['/v1/products/{slug}/{module}', '/problems/{code}'])
      await send('OPTIONS', path, `OPTIONS ${target(path)}x HTTP/1.1\r\nHost: a\r\n\r\n`);
    await send('GET', '/livez', 'GET /livez HTTP/1.1\r\n\r\n');
    await send('GET', '/livez', 'GET //livez HTTP/1.1\r\nHost: a\r\n\r\n');
    for (const path of [...paths.map((path) => target(path)), '/nowhere']) {
      const response = await request(server.port, path, { method: 'DELETE' });
      assert.equal(response.status, 405);
      assertDescribed(responses.MethodNotAllowed ?? assert.fail(), response, 'DELETE', `DELETE ${path}`);
    }
    for (const method of methods) {
      const response = await request(server.port, '/nowhere', { method });
      assert.equal(response.status, 404);
      assertDescribed(responses.NotFound ?? assert.fail(), response, method, `${method} /nowhere`);
    }
    await Promise.all(slow);
    assert.equal(server.recorded('_OTHER', 'unmatched', 'other'), 0, 'each has a series of its own');
  } finally {
    await server.close();
  }
});

const products = 300;

test('a server over a generated catalogue answers as described, for every product and every page of the list', async () => {
  const database = await createTestDatabase({ products });
  const main = spawn(process.execPath, [fileURLToPath(new URL('../cluster/main.ts', import.meta.url))], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: {
      PATH: process.env.PATH,
      DATABASE_URL: database.readerUrl,
      PORT: '0',
      ADMIN_PORT: '0',
      WORKERS: '1',
      // Some pages come from memory and others from Postgres.
      WARMUP_PRODUCTS: String(products / 2),
      LOG_LEVEL: 'fatal',
    },
  });
  const exited = once(main, 'exit');
  try {
    const [{ url }] = await Promise.race([
      once(main, 'message'),
      exited.then(() => assert.fail('the server has ended')),
    ]);
    await visit(Number(new URL(url).port));
  } finally {
    main.kill();
    await exited;
    await database.drop();
  }
});

/** Asks for all there is, in every way there is. */
async function visit(port: number): Promise<void> {
  const ask = async (path: string, actual = target(path), method = 'GET', fields: string[] = []) =>
    assertOperation(method, path, await request(port, actual, { method, fields }));

  const slugs: string[] = [];
  let cursor = '';
  do {
    const list = await ask('/v1/products', `/v1/products?limit=100${cursor}`);
    const { items, nextCursor }: { items: { slug: string }[]; nextCursor: string | null } = Object(list);
    slugs.push(...items.map(({ slug }) => slug));
    cursor = nextCursor === null ? '' : `&cursor=${nextCursor}`;
  } while (cursor !== '');

  const codings = ['identity', 'br', 'gzip'];
  const filled = new Set<string>();
  const modules = Object.keys(Object(schemas.ProductPage?.properties));
  const pages = new Map<string, unknown>();
  for (let i = 0; i < slugs.length; i++) {
    const slug = slugs[i] ?? '';
    const accept = `Accept-Encoding: ${codings[i % codings.length]}`;
    const page = Object(await ask('/v1/products/{slug}', `/v1/products/${slug}`, 'GET', [accept]));
    assert.equal(page.slug, slug);
    for (const [module, value] of Object.entries(page))
      if (value !== null && (!Array.isArray(value) || value.length > 0)) filled.add(module);
    const module = modules[i % modules.length] ?? '';
    const part = await ask('/v1/products/{slug}/{module}', `/v1/products/${slug}/${module}`, 'GET', [accept]);
    assert.deepEqual(part, page[module]);
    const fields = await ask('/v1/products/{slug}', `/v1/products/${slug}?fields=${module},slug`, 'GET', [
      accept,
    ]);
    assert.deepEqual(fields, { slug, [module]: page[module] });
    pages.set(slug, page);
    if (page.type === 'game')
      for (const child of [...page.editions, ...page.addOns]) slugs.push(String(child.slug));
  }
  assert.equal(slugs.length, products, 'every product is in the list or on the page of its game');
  assert.equal(new Set(slugs).size, products);
  assert.deepEqual(
    Object.keys(Object(schemas.ProductPage?.properties)).filter((module) => !filled.has(module)),
    [],
    'no module was empty on every page, where its schema would have checked nothing',
  );

  for (let from = 0; from < slugs.length; from += 60) {
    const named = slugs.slice(from, from + 60);
    const accept = `Accept-Encoding: ${codings[from % codings.length]}`;
    const batch = await ask('/v1/products', `/v1/products?slugs=${named.join()},no-such`, 'GET', [accept]);
    assert.deepEqual(batch, { items: named.map((slug) => pages.get(slug)), unknown: ['no-such'] });
  }
  const filters =
    'genre=action,rpg;feature=co-op;platform=linux;developer=Nobody;minPriceMinor=1000;onSale=true;releasedFrom=2020-01-01;minRating=3;sort=-rating&facets=true;q=the+crown&facets=true;q=goldn+crwon';
  for (const query of filters.split(';')) await ask('/v1/products', `/v1/products?limit=7&${query}`);
  await ask('/v1/suggest', '/v1/suggest?q=the');
  for (const slug of slugs.slice(0, 30)) {
    await ask('/v1/products/{slug}/related', `/v1/products/${slug}/related?limit=3`);
    for (const path of ['/v1/reviews', '/v1/achievements']) {
      const module = path.slice('/v1/'.length);
      const { items } = Object(await ask(path, `${path}?product=${slug}&limit=10`));
      const onPage = Object(Object(pages.get(slug))[module]);
      assert.deepEqual(items, onPage.latest ?? onPage.top ?? [], 'the first are those on the page');
    }
  }
  for (const problem of schemas.ProblemType?.enum ?? []) await ask('/problems/{code}', problem);

  const real = await Promise.all(
    examples.map(async ({ target: path }) => ({
      target: path,
      value: JSON.parse((await request(port, path)).body.toString()),
    })),
  );
  assert.deepEqual(real, examples, `server/openapi.examples.json must be ${JSON.stringify(real)}`);

  const first = slugs[0] ?? '';
  for (const path of paths)
    for (const method of methods) {
      await ask(path, target(path, first), method);
      if (method !== 'OPTIONS' && !path.endsWith('z'))
        await ask(path, target(path, first), method, ['If-None-Match: *']);
    }
}

test('every answer that is described has been seen', () => {
  const described = paths.flatMap((path) =>
    methods.flatMap((method) =>
      Object.keys(document.paths[path]?.[method.toLowerCase()]?.responses ?? {}).map(
        (status) => `${method} ${path} ${status}`,
      ),
    ),
  );
  assert.deepEqual(
    described.filter((answer) => !observed.has(answer)),
    // Only a zlib that fails could make one.
    [
      'GET /openapi.json 500',
      'HEAD /openapi.json 500',
      'GET /problems/{code} 500',
      'HEAD /problems/{code} 500',
    ],
  );
});

test('every kind of problem that is described has been seen', () => {
  const described: string[] = schemas.ProblemType?.enum ?? [];
  assert.deepEqual([...observedProblems].toSorted(), described.toSorted());
});
