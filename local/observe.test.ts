import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { eventually } from '../cache/eventually.ts';
import { type ServerProcess, startServer } from '../cluster/server-process.ts';
import { createTestDatabase, type TestDatabase } from '../sql/testing.ts';
import { freePort } from './ports.ts';
import { isRunning, type ProcessIdentity } from './processes.js';
import { findPrometheus } from './prometheus.ts';

const folder = mkdtempSync(join(tmpdir(), 'frontshelf-observe-'));
const leftoverPath = join(folder, 'prometheus.json');
const needs = findPrometheus() ? {} : { skip: 'prometheus is not on the PATH' };
const children: ChildProcess[] = [];
const token = 'f'.repeat(32);
let database: TestDatabase | undefined;
let server: ServerProcess | undefined;

before(() => chmodSync(folder, 0o755));
after(async () => {
  for (const child of children) child.kill('SIGKILL');
  if (existsSync(leftoverPath) && isRunning(prometheus())) process.kill(prometheus().pid, 'SIGKILL');
  await server?.destroy();
  await database?.drop();
  rmSync(folder, { recursive: true, force: true });
});

const prometheus = (): ProcessIdentity => JSON.parse(readFileSync(leftoverPath, 'utf8'));

function observe(adminUrl: string, token = '') {
  const { hostname, port } = new URL(adminUrl);
  const child = spawn(process.execPath, [join(import.meta.dirname, 'observe.ts')], {
    env: {
      PATH: process.env.PATH,
      FRONTSHELF_DATA_DIR: folder,
      ADMIN_HOST: hostname,
      ADMIN_PORT: port,
      ADMIN_TOKEN: token,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  const said = { text: '' };
  for (const output of [child.stdout, child.stderr])
    output.setEncoding('utf8').on('data', (text) => {
      said.text += text;
    });
  const exitCode = once(child, 'exit').then(([code]) => code);
  const url = () =>
    eventually('it tells the address', 20_000, () => /(http:\S+)\/alerts/.exec(said.text)?.[1]).catch(
      (cause) => assert.fail(`${cause}: ${said.text}`),
    );
  return { child, said, exitCode, url };
}

test('without a Frontshelf one sentence says where none answers', async () => {
  const port = await freePort();
  const { said, exitCode } = observe(`http://127.0.0.1:${port}`);
  assert.equal(await exitCode, 1);
  assert.match(said.text, new RegExp(`^No Frontshelf answers at http://127.0.0.1:${port}/metrics: .*\n$`));
});

test(
  'beside a running Frontshelf, Prometheus scrapes it with all rules; Ctrl-C leaves no process',
  needs,
  async () => {
    database = await createTestDatabase();
    server = await startServer({ DATABASE_URL: database.readerUrl, WORKERS: '1', ADMIN_TOKEN: token });
    // If someone else has it, that is as good.
    const taken = createServer()
      .on('error', () => {})
      .listen(9090, '127.0.0.1');
    const { child, said, exitCode, url } = observe(server.adminUrl, token);
    const address = await url();
    taken.close();
    assert.match(said.text, /Port 9090 is in use; taking \d+\./);
    const ask = async (path: string) => Object(await (await fetch(`${address}/api/v1/${path}`)).json()).data;

    const groups = Object((await ask('rules')).groups);
    assert.ok(groups.length >= 10, JSON.stringify(groups));
    const targets: { labels: { job: string; instance: string }; health: string }[] = await eventually(
      'all targets are scraped',
      30_000,
      async () => {
        const { activeTargets } = await ask('targets');
        return (
          activeTargets.length > 0 &&
          activeTargets.every(({ health }: { health: string }) => health === 'up') &&
          activeTargets
        );
      },
    );
    assert.equal(
      targets.find(({ labels }) => labels.job === 'frontshelf')?.labels.instance,
      new URL(server.adminUrl).host,
    );

    const stranger = observe(server.adminUrl);
    assert.equal(await stranger.exitCode, 1);
    assert.match(stranger.said.text, /^No Frontshelf answers at .*ADMIN_TOKEN to its token\.\n$/);

    const second = observe(server.adminUrl, token);
    assert.equal(await second.exitCode, 1);
    assert.match(second.said.text, /^`npm run observe` already runs: stop it first/);

    child.kill('SIGINT');
    assert.equal(await exitCode, 130);
    assert.equal(isRunning(prometheus()), false);
  },
);

test('after a run that was killed, its Prometheus is ended and the next has the data', needs, async () => {
  assert.ok(server);
  const first = observe(server.adminUrl, token);
  await first.url();
  const left = prometheus();
  first.child.kill('SIGKILL');
  await first.exitCode;
  assert.ok(isRunning(left));
  const second = observe(server.adminUrl, token);
  await second.url();
  assert.equal(isRunning(left), false);
  second.child.kill('SIGTERM');
  assert.equal(await second.exitCode, 143);
  assert.equal(isRunning(prometheus()), false);
});
