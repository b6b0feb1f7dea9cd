/**
 * The contract as a front-end engineer uses it: a client is generated from the document, a program that uses it must pass the
 * type checker where it is right and fail where it is wrong, and runs against a server.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openapiDocument } from './openapi.ts';
import { represent, startTestServer, type TestServer } from './testing.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = (name: string) => join(root, 'node_modules/.bin', name);
/** In the project, so that the runtime of the client is found from there. */
let folder: string;
let server: TestServer;

before(async () => {
  mkdirSync(join(root, '.local'), { recursive: true });
  folder = mkdtempSync(join(root, '.local/typed-client-'));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  writeFileSync(join(folder, 'openapi.json'), Buffer.from(openapiDocument, 'latin1'));
  const generated = run('oazapfts', 'openapi.json', 'client.ts');
  assert.equal(generated.status, 0, generated.output);
  server = await startTestServer(async (key) => {
    if (key.includes('/')) return represent({ items: [{ slug: 'a' }], nextCursor: null });
    return key === 'a' ? represent({ slug: 'a', title: 'Été', price: null }) : undefined;
  });
});
after(async () => {
  await server?.close();
  rmSync(folder, { recursive: true });
});

function run(command: string, ...args: string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(bin(command), args, { cwd: folder, encoding: 'utf8' });
  return { status, output: stdout + stderr };
}

const flags =
  '--noEmit --strict --target esnext --module nodenext --types node --skipLibCheck --ignoreConfig';

function check(program: string): { status: number | null; output: string } {
  writeFileSync(join(folder, 'program.ts'), program);
  return run('tsc', ...flags.split(' '), '--allowImportingTsExtensions', 'program.ts');
}

const program = `
import * as shop from './client.ts';
shop.defaults.baseUrl = process.argv[2] ?? '';

const list = await shop.getProductList({ limit: 1 });
if (list.status !== 200 || 'unknown' in list.data) throw new Error('no list');
const first: string = list.data.items[0]?.slug ?? '';

const batch = await shop.getProductList({ slugs: [first, 'nobody'], fields: ['slug', 'title'] });
if (batch.status !== 200 || !('unknown' in batch.data)) throw new Error('no batch');
const titles: (string | undefined)[] = batch.data.items.map(({ title }) => title);

const page = await shop.getProductPage(first);
if (page.status !== 200) throw new Error('no page');
const minor: number | undefined = page.data.price?.saleMinor ?? page.data.price?.listMinor;

const price = await shop.getProductModule(first, 'price');
const unknown = await shop.getProductPage('nobody');
const problem = unknown.status === 404 ? unknown.data.type : undefined;
console.log(JSON.stringify({ first, titles, minor, unknown: batch.data.unknown, price: price.status, problem }));
`;

test('a program that uses the generated client well passes the type checker and does as it says', async () => {
  const { status, output } = check(program);
  assert.equal(status, 0, output);
  const child = spawn(process.execPath, ['program.ts', `http://127.0.0.1:${server.port}`], { cwd: folder });
  let printed = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => {
      printed += text;
    });
  await new Promise((resolve) => child.once('close', resolve));
  assert.deepEqual(JSON.parse(printed), {
    first: 'a',
    titles: ['Été'],
    unknown: ['nobody'],
    price: 200,
    problem: '/problems/unknown-product',
  });
});

for (const [mistake, wrong] of [
  ['a module that there is not', "await shop.getProductModule('a', 'prices');"],
  ['a limit that is no number', "await shop.getProductList({ limit: '10' });"],
  ['a parameter that there is not', 'await shop.getProductList({ page: 2 });'],
] as const)
  test(`the type checker finds ${mistake}`, () => {
    const { status, output } = check(`${program}\n${wrong}`);
    assert.notEqual(status, 0);
    assert.match(output, /^program\.ts\(\d+,\d+\): error TS/);
    assert.equal(
      output
        .trim()
        .split('\n')
        .filter((line) => line.includes('error TS')).length,
      1,
      output,
    );
  });
