import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { freePort } from '../local/ports.ts';
import { createTestDatabase, type TestDatabase } from '../sql/testing.ts';
import { runServer } from './server-process.ts';

let database: TestDatabase;
let DATABASE_URL: string;
before(async () => {
  database = await createTestDatabase();
  DATABASE_URL = database.readerUrl;
});
after(() => database.drop());

const noStackTrace = (text: string) => assert.doesNotMatch(text, /^\s+at /m);

test('one error lists every bad setting, and nothing else', async () => {
  const port = await freePort();
  const { code, stdout, stderr } = await runServer({
    PORT: 'abc',
    MEMORY_TIER_BYTES: '-1',
    DATABASE_URL: `postgres://user:secret@127.0.0.1:${port}/shop`,
  });
  assert.equal(code, 1);
  assert.equal(stdout, '');
  noStackTrace(stderr);
  assert.doesNotMatch(stderr, /secret/);
  const [head, ...problems] = stderr.trim().split('\n');
  assert.equal(head, 'Frontshelf cannot start:');
  assert.equal(problems.length, 3, stderr);
  assert.match(problems[0] ?? '', /^- PORT must be a whole number from 0 to 65535; it is "abc"\.$/);
  assert.match(problems[1] ?? '', /^- MEMORY_TIER_BYTES must be a whole number from 0 to \d+; it is "-1"\.$/);
  assert.match(
    problems[2] ?? '',
    new RegExp(
      `^- DATABASE_URL must name a Postgres that answers; 127\\.0\\.0\\.1:${port}/shop does not: .*ECONNREFUSED`,
    ),
  );
});

/** The one problem that the server finds with these settings. */
async function onlyProblem(env: Record<string, string>): Promise<string> {
  const { code, stderr } = await runServer({ DATABASE_URL, ...env });
  assert.equal(code, 1);
  noStackTrace(stderr);
  const [, problem = '', ...more] = stderr.trim().split('\n');
  assert.deepEqual(more, [], stderr);
  return problem;
}

test('a missing DATABASE_URL is asked for, and a bad one is named once', async () => {
  assert.match(await onlyProblem({ DATABASE_URL: '' }), /^- DATABASE_URL must be set/);
  assert.match(
    await onlyProblem({ DATABASE_URL: 'mysql://x' }),
    /^- DATABASE_URL must be a URL that starts with/,
  );
});

test('a database without a catalogue is told from one that does not answer', async () => {
  const empty = await createTestDatabase({ migrated: false });
  try {
    assert.match(
      await onlyProblem({ DATABASE_URL: empty.superuserUrl }),
      /without a catalogue; run `npm run migrate`\.$/,
    );
  } finally {
    await empty.drop();
  }
});

test('a wrong password and an unknown database are problems of DATABASE_URL', async () => {
  const wrong = Object.assign(new URL(DATABASE_URL), { password: 'wrong' });
  assert.match(
    await onlyProblem({ DATABASE_URL: wrong.href }),
    /^- DATABASE_URL .*password authentication failed/,
  );
  const unknown = Object.assign(new URL(DATABASE_URL), { pathname: '/nowhere' });
  assert.match(
    await onlyProblem({ DATABASE_URL: unknown.href }),
    /^- DATABASE_URL .*"nowhere" does not exist/,
  );
});

test('a Redis that may take as long as the whole request is refused', async () => {
  const env = { REDIS_URL: 'redis://127.0.0.1:1', REDIS_TIMEOUT_MS: '2000', DATABASE_TIMEOUT_MS: '2000' };
  assert.match(await onlyProblem(env), /^- REDIS_TIMEOUT_MS 2000 must be less than DATABASE_TIMEOUT_MS 2000/);
});

test('polls that are further apart than what is known may be old are refused', async () => {
  const env = { POLL_MS: '250', STALENESS_MS: '250' };
  assert.match(await onlyProblem(env), /^- POLL_MS 250 must be less than STALENESS_MS 250/);
});

test('an admin address that other machines can reach needs a token', async () => {
  for (const ADMIN_HOST of ['0.0.0.0', '0'])
    assert.equal(
      (await onlyProblem({ ADMIN_HOST })).replace(ADMIN_HOST, 'HOST'),
      '- ADMIN_HOST HOST can be reached by other machines, so ADMIN_TOKEN must be set as well; without one, ADMIN_HOST must be 127.0.0.1, ::1 or localhost.',
    );
  assert.match(
    await onlyProblem({ ADMIN_HOST: '0.0.0.0', ADMIN_TOKEN: 'short' }),
    /^- ADMIN_TOKEN must be 32 to 256 /,
  );
  const ADMIN_TOKEN = 'a'.repeat(32);
  for (const env of [{ ADMIN_HOST: '0.0.0.0', ADMIN_TOKEN }, { ADMIN_HOST: 'localhost' }])
    assert.equal((await runServer({ DATABASE_URL, ...env }, { args: ['--check'] })).stderr, '');
});

async function listening(): Promise<{ server: Server; port: string }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return { server, port: String(typeof address === 'object' && address !== null ? address.port : 0) };
}

for (const setting of ['PORT', 'ADMIN_PORT'])
  test(`a ${setting} that is in use is named, with what helps`, async () => {
    const { server, port } = await listening();
    try {
      assert.equal(
        await onlyProblem({ [setting]: port }),
        `- ${setting} ${port} is in use on 127.0.0.1; stop what uses it or set ${setting} to a free port.`,
      );
    } finally {
      server.close();
    }
  });

test('--check ends with 0 when all is well and with 1 when not, and serves nothing', async () => {
  assert.deepEqual(await runServer({ DATABASE_URL }, { args: ['--check'] }), {
    code: 0,
    signal: null,
    stdout: '',
    stderr: '',
  });
  assert.equal((await runServer({ DATABASE_URL: '' }, { args: ['--check'] })).code, 1);
});

test('--help is shown whatever the settings; an unknown option is one sentence', async () => {
  const help = await runServer({ PORT: 'abc' }, { args: ['--help'] });
  assert.equal(help.code, 0);
  assert.match(help.stdout, /npm run serve/);
  const unknown = await runServer({}, { args: ['--bogus'] });
  assert.equal(unknown.code, 1);
  assert.match(unknown.stderr, /--bogus/);
  noStackTrace(unknown.stderr);
});

/** Runs a module in the server's processes before their own; says how that goes. */
async function withModule(source: string, env: Record<string, string>) {
  const folder = mkdtempSync(join(tmpdir(), 'frontshelf-cluster-'));
  try {
    const path = join(folder, 'first.mjs');
    writeFileSync(path, source);
    return await runServer({ DATABASE_URL, WORKERS: '2', NODE_OPTIONS: `--import=${path}`, ...env });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test('workers that die before they are ready end the primary, with the reason, at the fifth death', async () => {
  const { code, stderr } = await withModule(
    "import cluster from 'node:cluster'; if (cluster.isWorker) process.exit(9);",
    {},
  );
  assert.equal(code, 1);
  assert.match(stderr, /^The last 5 workers died before they were ready \(last: 9\)\.$/m);
});

test('a port that was taken after the check is a reason to stop, not to try again', async () => {
  const port = await freePort();
  const thief = `import cluster from 'node:cluster';
    import { createServer } from 'node:net';
    if (cluster.isPrimary) cluster.once('fork', () => createServer().listen(${port}, '127.0.0.1'));`;
  const { code, stderr } = await withModule(thief, { PORT: String(port) });
  assert.equal(code, 1);
  assert.equal(
    stderr,
    `PORT ${port} is in use on 127.0.0.1; stop what uses it or set PORT to a free port.\n`,
  );
});
