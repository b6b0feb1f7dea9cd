/** Which folder may import which: where the parts meet, and that they meet nowhere else. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { test } from 'node:test';
import { type Import, importsOf } from './imports.ts';

/** A part is a folder, or a file beside the folders. `types` may be imported with `import type` only. */
const mayImport: Readonly<Record<string, { values: readonly string[]; types?: readonly string[] }>> = {
  cluster: { values: ['server', 'storefront', 'cache', 'sql', 'metrics', 'config.ts'] },
  server: { values: [], types: ['cache', 'sql'] },
  storefront: { values: [] },
  metrics: { values: [], types: ['cache', 'sql'] },
  cache: { values: [] },
  sql: { values: [] },
  seed: { values: ['sql', 'config.ts'] },
  local: { values: ['config.ts'] },
  // Services to load a server over, started as on any machine; nothing of the server itself.
  loadtest: { values: ['local', 'config.ts'] },
  'config.ts': { values: [] },
  'docs.ts': { values: ['config.ts'] },
};

/** The source files among the imports. (JSON is data and has no place in the table.) */
const sourcesIn = (imports: readonly Import[]) =>
  imports.filter(({ target, isFile }) => isFile && !target.endsWith('.json'));

const partOf = (path: string) => path.split('/')[0] ?? '';
const isTest = (path: string) => /\.(test|proof)\.ts$/.test(path);

/** What breaks the table in these files, a line each. Tests may import anything, and so may what only tests import. */
function violations(files: ReadonlyMap<string, string>): string[] {
  const imports = new Map([...files].map(([path, source]) => [path, sourcesIn(importsOf(path, source))]));
  // From all that nothing imports, along imports: what is reached without passing through a test is no test's help.
  const imported = new Set([...imports.values()].flatMap((list) => list.map(({ target }) => target)));
  const shipped = new Set([...files.keys()].filter((path) => !isTest(path) && !imported.has(path)));
  for (const path of shipped) for (const { target } of imports.get(path) ?? []) shipped.add(target);

  return [...shipped].flatMap((path) => {
    const part = partOf(path);
    const rule = mayImport[part];
    if (rule === undefined) return [`${path} is in no part that the table knows`];
    return (imports.get(path) ?? []).flatMap(({ target: file, typeOnly }) => {
      const other = partOf(file);
      if (isTest(file)) return [`${path} imports the test ${file}`];
      if (other === part || rule.values.includes(other)) return [];
      // A command's own file reads the settings and hands them to its folder.
      if (other === 'config.ts' && posix.basename(path) === 'main.ts') return [];
      if (rule.types?.includes(other))
        return typeOnly ? [] : [`${path} imports more than types from ${file}`];
      return [`${path} imports ${file}`];
    });
  });
}

const sourcePaths = globSync('**/*.{ts,js}', {
  cwd: import.meta.dirname,
  exclude: (name) => name === 'node_modules' || name.startsWith('.'),
});

test('no part imports what it may not', () => {
  const files = new Map(
    sourcePaths.map((path) => [path, readFileSync(new URL(path, import.meta.url), 'utf8')]),
  );
  assert.ok(files.has('cluster/worker.ts') && files.size > 50, 'the sources are found');
  assert.deepEqual(violations(files), []);
});

test('every part of the table is there', () => {
  const parts = new Set(sourcePaths.map(partOf));
  assert.deepEqual(
    Object.keys(mayImport).filter((part) => !parts.has(part)),
    [],
  );
});

test('no file is called utils, and none is a barrel', () => {
  assert.deepEqual(
    sourcePaths.filter((path) => /(?:^|\/)(?:utils?|helpers?|common|index)\.\w+$/.test(path)),
    [],
  );
});

const found = (files: Readonly<Record<string, string>>) => violations(new Map(Object.entries(files)));

test('an import that the table does not allow is found, however it is written', () => {
  for (const statement of [
    "import { a } from '../sql/pool.ts';",
    "import {\n  a,\n  b,\n} from '../sql/pool.ts';",
    "import * as a from '../sql/pool.ts';",
    "import '../sql/pool.ts';",
    "import type { A } from '../sql/pool.ts';",
    "export { a } from '../sql/pool.ts';",
    "export * from '../sql/pool.ts';",
    "const a = await import('../sql/pool.ts');",
    'import { a } from "./../sql/pool.ts";',
  ])
    assert.deepEqual(
      found({ 'cache/a.ts': statement, 'sql/pool.ts': '' }),
      ['cache/a.ts imports sql/pool.ts'],
      statement,
    );
});

test('a part that may have types may have nothing else', () => {
  const files = { 'cache/entry.ts': '', 'server/b.ts': "import type { A } from '../cache/entry.ts';" };
  assert.deepEqual(found(files), []);
  assert.deepEqual(found({ ...files, 'server/a.ts': "import { type A } from '../cache/entry.ts';" }), [
    'server/a.ts imports more than types from cache/entry.ts',
  ]);
});

test('a folder hears of the settings through its command alone', () => {
  const files = { 'config.ts': '', 'sql/main.ts': "import '../config.ts';" };
  assert.deepEqual(found(files), []);
  assert.deepEqual(found({ ...files, 'sql/pool.ts': "import '../config.ts';" }), [
    'sql/pool.ts imports config.ts',
  ]);
});

test('tests and what only they import may import anything, but nothing else may import them', () => {
  const files = {
    'server/a.test.ts': "import './testing.ts';\nimport '../sql/pool.ts';",
    'server/testing.ts': "import '../sql/pool.ts';",
    'sql/pool.ts': '',
  };
  assert.deepEqual(found(files), []);
  assert.deepEqual(found({ ...files, 'server/main.ts': "import './testing.ts';" }), [
    'server/testing.ts imports more than types from sql/pool.ts',
  ]);
  assert.deepEqual(
    found({ ...files, 'server/main.ts': "import './a.test.ts';" })[0],
    'server/main.ts imports the test server/a.test.ts',
  );
});

test('a new part has to be added to the table', () => {
  assert.deepEqual(found({ 'utilities/a.ts': '' }), ['utilities/a.ts is in no part that the table knows']);
});
