import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ChildName } from './children.ts';
import { isRunning } from './processes.js';
import { findRedis } from './redis.ts';
import type { Run, State } from './state.ts';

const folder = mkdtempSync(join(tmpdir(), 'frontshelf-start-'));
const started: Command[] = [];
const limit = { timeout: 60_000 };
before(() => chmodSync(folder, 0o755));
afterEach(async () => {
  for (const { child } of started.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
});
after(() => rmSync(folder, { recursive: true }));

interface Command {
  readonly child: ChildProcess;
  /** Resolves the exit code when nobody writes the output any more. */
  readonly exited: Promise<number | null>;
  output(): string;
  /** Resolves when the output holds the text; rejects when the command ends without having said it. */
  says(text: string): Promise<void>;
}

function run(
  program: 'main.ts' | 'seed.ts',
  args: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
): Command {
  const child = spawn(process.execPath, [join(import.meta.dirname, program), ...args], {
    env: {
      PATH: process.env.PATH,
      FRONTSHELF_DATA_DIR: folder,
      PORT: '0',
      ADMIN_PORT: '0',
      WORKERS: '1',
      WARMUP_PRODUCTS: '0',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      output += chunk;
      child.emit('said');
    });
  const exited = once(child, 'close').then(([code]): number | null => code);
  const command: Command = {
    child,
    exited,
    output: () => output,
    async says(text) {
      let over = false;
      void exited.then(() => {
        over = true;
        child.emit('said');
      });
      while (!output.includes(text)) {
        assert.equal(over, false, `It ended without "${text}":\n${output}`);
        await once(child, 'said');
      }
    },
  };
  started.push(command);
  return command;
}

const start = (env?: NodeJS.ProcessEnv) => run('main.ts', ['--products', '60'], env);

/** Resolves the address of a page, once the server is ready. */
async function page(command: Command): Promise<string> {
  await command.says('Ready after');
  return /A page\s+(\S+)/.exec(command.output())?.[1] ?? '';
}

function readRun(): Run | undefined {
  // Written by state.ts alone.
  return (JSON.parse(readFileSync(join(folder, 'state.json'), 'utf8')) as State).run;
}

const newest = (name: ChildName) => readRun()?.children.findLast((child) => child.name === name);

test('one command serves a catalogue, and a Ctrl-C ends all that it started', limit, async () => {
  const first = start();
  assert.equal((await fetch(await page(first))).status, 200);
  const children = readRun()?.children ?? [];
  for (const name of ['server', 'postgres', ...(findRedis() ? ['redis'] : [])])
    assert.ok(
      children.some((child) => child.name === name && isRunning(child)),
      `no ${name}`,
    );
  first.child.kill('SIGINT');
  first.child.kill('SIGINT');
  assert.equal(await first.exited, 130);
  assert.deepEqual(children.filter(isRunning), []);
  assert.equal(readRun(), undefined);
});

test('a second start is refused, says where the first one is, and leaves it alone', limit, async () => {
  const first = start();
  const url = await page(first);
  const second = start();
  assert.equal(await second.exited, 1);
  const { origin } = new URL(url);
  assert.equal(
    second.output(),
    `\`npm start\` already runs at ${origin} on the data in ${folder}: stop it first, with Ctrl-C in its terminal or \`kill ${first.child.pid}\`.\n`,
  );
  assert.equal((await fetch(url)).status, 200);
});

test(
  'a start after a killed one says so, ends what that left running, and serves the same',
  limit,
  async () => {
    const killed = start();
    const url = await page(killed);
    const left = readRun()?.children.filter(isRunning) ?? [];
    killed.child.kill('SIGKILL');
    await once(killed.child, 'exit');
    const next = start();
    assert.equal(new URL(await page(next)).pathname, new URL(url).pathname);
    assert.match(
      next.output(),
      /^The last `npm start` was killed; stopping what it left running: .*postgres \d+/,
    );
    assert.deepEqual(left.filter(isRunning), []);
  },
);

test('a Postgres and a Redis that die are started again where they were', limit, async () => {
  const command = start();
  const url = await page(command);
  for (const name of findRedis() ? (['redis', 'postgres'] as const) : (['postgres'] as const)) {
    const before = newest(name);
    assert.ok(before);
    process.kill(before.pid, 'SIGKILL');
    await command.says(`${name === 'redis' ? 'Redis' : 'Postgres'} has ended; starting it again.`);
    while (newest(name)?.pid === before.pid) await sleep(20);
  }
  // Not in any memory yet, so it needs the database; which is refused until that has recovered.
  const list = `${new URL(url).origin}/v1/products?limit=3`;
  while ((await fetch(list)).status !== 200) await sleep(20);
});

test('the database of a start under way is seeded, and one is started where none is', limit, async () => {
  const command = start();
  await page(command);
  for (const _ of ['attached', 'alone']) {
    const seeding = run('seed.ts', ['--products', '60']);
    assert.equal(await seeding.exited, 0, seeding.output());
    assert.match(seeding.output(), /already holds these 60 products/);
    command.child.kill('SIGTERM');
    assert.equal(await command.exited, 143);
  }
  assert.equal(readRun(), undefined);
});

test('all bad settings are told at once, a database that does not answer among them', limit, async () => {
  const command = start({
    PORT: 'abc',
    MEMORY_TIER_BYTES: '-1',
    DATABASE_URL: 'postgres://me:secret@127.0.0.1:1/x',
  });
  assert.equal(await command.exited, 1);
  assert.match(
    command.output(),
    /^Frontshelf cannot start:\n- PORT .*\n- MEMORY_TIER_BYTES .*\n- DATABASE_URL .*127\.0\.0\.1:1\/x.*\n$/,
  );
  assert.doesNotMatch(command.output(), /secret/);
});

test('a port in use is told before anything is started', limit, async (t) => {
  const occupier = createServer().listen(0, '127.0.0.1');
  t.after(() => occupier.close());
  await once(occupier, 'listening');
  const address = occupier.address();
  const port = typeof address === 'object' && address !== null ? String(address.port) : '';
  const command = start({ ADMIN_PORT: port });
  assert.equal(await command.exited, 1);
  assert.match(
    command.output(),
    new RegExp(`^Frontshelf cannot start:\\n- Port ${port} .* ADMIN_PORT .*\\n$`),
  );
});
