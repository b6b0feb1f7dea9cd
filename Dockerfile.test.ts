/** The images hold what their programs import and nothing else, so far as the Dockerfiles and .dockerignore decide it. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { test } from 'node:test';
import { importsOf } from './imports.ts';
import { k6Module } from './loadtest/k6.ts';
import packageJson from './package.json' with { type: 'json' };

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');
const files = globSync('**/*.*', {
  cwd: import.meta.dirname,
  exclude: (name) => name === 'node_modules' || name.startsWith('.'),
});

/** The files that Docker sees: the last pattern of .dockerignore that matches a file, or a folder it is in, decides. */
function context(dockerignore: string, paths: readonly string[]): string[] {
  const patterns = dockerignore.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return paths.filter((path) => {
    const last = patterns.findLast((line) => {
      const pattern = line.replace(/^!/, '');
      return posix.matchesGlob(path, pattern) || posix.matchesGlob(path, `${pattern}/**`);
    });
    return last === undefined || last.startsWith('!');
  });
}

/** The files of the context that a stage has, its own and those of the stages it is made from. */
function filesIn(dockerfile: string, stage: string, seen: readonly string[]): string[] {
  const sections = dockerfile.split(/^(?=FROM )/m);
  const section = sections.find((text) => new RegExp(`^FROM \\S+ AS ${stage}$`, 'm').test(text));
  if (section === undefined) return [];
  const [, from = ''] = /^FROM (\S+)/.exec(section) ?? [];
  const sources = [...section.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, list = '']) =>
    list.split(' '),
  );
  const own = seen.filter((path) =>
    sources.some((source) => path === source || path.startsWith(`${source}/`)),
  );
  return [...filesIn(dockerfile, from, seen), ...own];
}

/**
 * All that programs import or read from beside them, by way of what they import too: files, and packages by their
 * names. A folder that is read counts with all that is in it.
 */
function closure(programs: readonly string[]): { files: string[]; packages: string[] } {
  const reached = new Set(programs);
  const packages = new Set<string>();
  for (const path of reached) {
    if (!path.endsWith('.ts')) continue;
    const source = read(path);
    for (const { target, isFile, typeOnly } of importsOf(path, source)) {
      if (isFile) reached.add(target);
      else if (!target.startsWith('node:') && !typeOnly)
        packages.add(/^(@[^/]+\/)?[^/]+/.exec(target)?.[0] ?? target);
    }
    for (const [, url = ''] of source.matchAll(/new URL\('([^']+)', import\.meta\.url\)/g)) {
      const data = posix.join(posix.dirname(path), url);
      for (const file of data.endsWith('/') ? files.filter((file) => file.startsWith(data)) : [data])
        reached.add(file);
    }
  }
  return { files: [...reached].sort(), packages: [...packages].sort() };
}

const dockerfile = read('Dockerfile');
const seen = context(read('.dockerignore'), files);
const image = (stage: string) => filesIn(dockerfile, stage, seen);

const server = closure(['package.json', 'cluster/main.ts', 'sql/main.ts']);
const seeder = closure(['package.json', 'sql/main.ts', 'seed/main.ts']);

test('the server’s image has the files that server and migration need, and no other', () => {
  assert.ok(server.files.length > 40);
  for (const path of [
    'sql/migrations/0001_catalogue.sql',
    'server/openapi.base.json',
    'server/openapi.examples.json',
  ])
    assert.ok(server.files.includes(path), path);
  assert.deepEqual(image('server').sort(), server.files);
});

test('the seeder’s image has the files that migration and seeder need, and none of the server’s or of tests', () => {
  const held = image('seed');
  assert.deepEqual(
    seeder.files.filter((path) => !held.includes(path)),
    [],
  );
  assert.deepEqual(
    held.filter((path) => !seeder.files.includes(path) && !server.files.includes(path)),
    [],
  );
  assert.deepEqual(
    held.filter((path) => /^(?:cache|cluster|server)\//.test(path)),
    [],
  );
});

test('the load test’s image has what its runner needs and the scenarios, written for the k6 it has', () => {
  const text = read('loadtest/Dockerfile').replace(/^(FROM node:\S+)$/m, '$1 AS loadtest');
  const wanted = closure(['package.json', 'loadtest/running-server.ts']);
  assert.ok(wanted.files.includes('loadtest/scenarios/page-view.ts'));
  assert.deepEqual(filesIn(text, 'loadtest', seen).sort(), wanted.files);
  assert.deepEqual(wanted.packages, ['k6']);
  assert.equal(/^FROM grafana\/k6:(\S+)/m.exec(text)?.[1], k6Module.replace(/^.*@v/, ''));
});

test('the packages for production are those that the images import, and the server goes without the seeder’s', () => {
  const production = Object.keys(packageJson.dependencies);
  assert.deepEqual([...new Set([...server.packages, ...seeder.packages])].sort(), production.sort());
  const removed = /RUN rm -r (.+)/.exec(dockerfile)?.[1]?.split(' ') ?? [];
  const onlySeeder = seeder.packages.filter((name) => !server.packages.includes(name));
  assert.deepEqual(
    removed.sort(),
    onlySeeder.map((name) => `node_modules/${name.split('/')[0]}`),
  );
});

test('both Dockerfiles name one Node, that of package.json, and the version is that of package.json', () => {
  const nodes = [dockerfile, read('loadtest/Dockerfile')].flatMap(
    (text) => text.match(/(?<=^FROM node:)\S+/gm) ?? [],
  );
  const [major] = packageJson.devDependencies.node.split('.');
  assert.deepEqual([...new Set(nodes)], [`${major}-slim`]);
  assert.equal(/image\.version="(.*?)"/.exec(dockerfile)?.[1], packageJson.version);
});

test('the image runs as node, by a command that signals reach, and says when it is ready', () => {
  for (const text of [dockerfile, read('loadtest/Dockerfile')]) {
    assert.match(text, /^USER node$/m);
    for (const [command] of text.matchAll(/^(?:CMD|ENTRYPOINT|\s+CMD) .*/gm))
      assert.match(command, /\["node", /);
  }
  assert.match(dockerfile, /^HEALTHCHECK [\s\S]*\/readyz/m);
});

test('a file that is missing, left over, or let in by a pattern that comes later is found', () => {
  const paths = ['a/x.ts', 'a/x.test.ts', 'b.ts', 'c/d/e.ts', 'f.md'];
  assert.deepEqual(context('*\n!a/*.ts\n!b.ts\n!c\n**/*.test.ts', paths), ['a/x.ts', 'b.ts', 'c/d/e.ts']);
  assert.deepEqual(context('**/*.test.ts\n!a/*.ts', paths), [
    'a/x.ts',
    'a/x.test.ts',
    'b.ts',
    'c/d/e.ts',
    'f.md',
  ]);
  const text =
    'FROM x AS base\nCOPY b.ts ./\nFROM base AS s\nCOPY --from=p /n n\nCOPY a a\nFROM x AS t\nCOPY c c\n';
  assert.deepEqual(filesIn(text, 's', paths), ['b.ts', 'a/x.ts', 'a/x.test.ts']);
});
