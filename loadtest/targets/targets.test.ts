import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { projectFolder } from '../../local/folder.ts';
import { freePort } from '../../local/ports.ts';
import { createTestDatabase } from '../../sql/testing.ts';
import { noDatabase } from '../testing.ts';
import { startTarget } from './start.ts';
import type { Surroundings } from './target.ts';
import { findTarget, listTargets } from './targets.ts';

const brokenNames = ['broken-wrong-product', 'broken-500'];

function surroundings(databaseUrl: string, ports: number[]): Surroundings {
  return {
    databaseUrl,
    redisUrl: 'redis://127.0.0.1:1',
    workers: 1,
    stalenessMs: null,
    port: () => ports.pop() ?? assert.fail('It wants too many ports.'),
  };
}

test('the targets are listed from the oldest to the newest, and each is found by its name', () => {
  const targets = listTargets();
  assert.deepEqual(
    targets.map(({ name }) => name),
    [
      'express-distributed',
      'express-monolith',
      'express-redis',
      'fastify-bentocache',
      'frontshelf',
      'frontshelf-no-memory',
      'frontshelf-no-redis',
      'frontshelf-no-cache',
    ],
  );
  for (const target of targets) assert.equal(findTarget(target.name), target);
});

test('Frontshelf is found with any number of workers that it can have', () => {
  for (const workers of [1, 7, 512]) {
    const target = findTarget(`frontshelf-workers-${workers}`) ?? assert.fail();
    assert.equal(target.name, `frontshelf-workers-${workers}`);
    const [program] = target.programs(surroundings('', [1, 2]));
    assert.equal(program?.env.WORKERS, String(workers));
  }
  for (const workers of ['0', '513', '01', '2x', ''])
    assert.equal(findTarget(`frontshelf-workers-${workers}`), undefined);
  assert.equal(findTarget('nothing'), undefined);
});

test('what is broken on purpose is found and not listed', () => {
  for (const name of brokenNames) {
    assert.equal(findTarget(name)?.name, name);
    assert.ok(listTargets().every((target) => target.name !== name));
  }
});

test('every program is a file of the project, has a port of its own, and takes each from its surroundings', () => {
  const names = [...listTargets().map(({ name }) => name), 'frontshelf-workers-2', ...brokenNames];
  for (const name of names) {
    const ports = Array.from({ length: 30 }, (_, i) => 20_000 + i);
    const programs = findTarget(name)?.programs(surroundings('', ports)) ?? assert.fail(name);
    for (const { file, env, port } of programs) {
      assert.ok(existsSync(join(projectFolder, file)), `${name}: ${file}`);
      assert.equal(env.PORT, String(port));
      assert.ok(!ports.includes(port) && port >= 20_000, `${name}: ${port}`);
    }
    assert.equal(new Set(programs.map(({ port }) => port)).size, programs.length);
  }
});

test('a broken target answers one part with an error or for another product, and all others rightly', {
  skip: noDatabase,
}, async () => {
  const database = await createTestDatabase({ products: 10 });
  const started = await Promise.all(
    ['express-monolith', ...brokenNames].map(async (name) => {
      const ports = await Promise.all([freePort(), freePort()]);
      return startTarget(findTarget(name) ?? assert.fail(name), surroundings(database.readerUrl, ports));
    }),
  );
  try {
    const answers = (path: string) =>
      Promise.all(
        started.map(async ({ origin }) => {
          const response = await fetch(origin + path);
          return { status: response.status, body: await response.text() };
        }),
      );
    for (const id of [1, 3]) {
      for (const part of ['product', 'polls', 'page']) {
        const [right, ...others] = await answers(`/api/products/${id}/${part}`);
        assert.equal(right?.status, 200);
        assert.deepEqual(others, [right, right]);
      }
      const [right, otherProduct, error] = await answers(`/api/products/${id}/media`);
      assert.equal(JSON.parse(right?.body ?? '').productId, id);
      assert.equal(otherProduct?.status, 200);
      assert.notEqual(JSON.parse(otherProduct?.body ?? '').productId, id);
      assert.equal(error?.status, 500);
    }
    const unknown = await answers('/api/products/999999999/product');
    assert.deepEqual(new Set(unknown.map(({ status }) => status)), new Set([404]));
  } finally {
    await Promise.all(started.map((target) => target.stop()));
    await database.drop();
  }
});
