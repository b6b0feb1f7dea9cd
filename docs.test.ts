import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import test from 'node:test';
import { parse } from 'yaml';
import packageJson from './package.json' with { type: 'json' };

const documents = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'SECURITY.md'];
const scripts = new Set(Object.keys(packageJson.scripts));

/** The services and profiles of the compose file. */
const stack: { services: Readonly<Record<string, { profiles?: readonly string[] }>> } = parse(
  readFileSync(new URL('docker-compose.yml', import.meta.url), 'utf8'),
  { merge: true },
);
const inStack = new Set([
  ...Object.keys(stack.services),
  ...Object.values(stack.services).flatMap(({ profiles = [] }) => profiles),
]);

/** What a document names that is not there. */
function dangling(text: string): string[] {
  const names = [...text.matchAll(/npm run ([a-z:-]+)/g)].map(([, script]) => script ?? '');
  const links = [...text.matchAll(/\]\(([^)#:]+)\)/g)].map(([, path]) => path ?? '');
  const files = [...text.matchAll(/`([a-z-]+\/[a-z0-9/.-]*)`/g)].map(([, path]) => path ?? '');
  const containers = [...text.matchAll(/--profile ([a-z-]+)|run --rm ([a-z-]+)/g)].map(
    ([, profile, service]) => profile ?? service ?? '',
  );
  const composeFiles = [...text.matchAll(/-f (\S+)/g)].map(([, path]) => path ?? '');
  return [
    ...names.filter((script) => !scripts.has(script)),
    ...containers.filter((name) => !inStack.has(name)),
    ...[...composeFiles, ...links, ...files].filter((path) => !existsSync(new URL(path, import.meta.url))),
  ];
}

for (const document of documents)
  test(`every command, link and file that ${document} names exists`, () => {
    assert.deepEqual(dangling(readFileSync(new URL(document, import.meta.url), 'utf8')), []);
  });

test('a command, service, link or file that does not exist is found', () => {
  assert.deepEqual(
    dangling('npm run bench, npm run nothing, [a](gone.md), `cache/gone.ts`, `cache/entry.ts`'),
    ['nothing', 'gone.md', 'cache/gone.ts'],
  );
  assert.deepEqual(
    dangling(
      'docker compose -f docker-compose.yml -f gone.yml --profile loadtest --profile none run --rm gone',
    ),
    ['none', 'gone', 'gone.yml'],
  );
});
