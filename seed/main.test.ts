import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('main.ts', import.meta.url));

/** Runs the command with only the given settings. */
const run = (args: string[], env: Readonly<Record<string, string>> = {}) =>
  new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) => {
    execFile(process.execPath, [main, ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stdout, stderr }),
    );
  });

test('a bad option or setting ends the command with one sentence that says what would be right', async () => {
  for (const [args, env, sentence] of [
    [['--products', '0'], {}, '--products must be a whole number from 1 to 1000000; it is "0".'],
    [['--products', '1e3'], {}, '--products must be a whole number from 1 to 1000000; it is "1e3".'],
    [['--replace', '--if-empty'], {}, 'Only one of --replace and --if-empty can be given.'],
    [['--seed', '-1'], {}, /Option '--seed' argument is ambiguous|--seed must be a whole number/],
    [[], {}, 'DATABASE_OWNER_URL is not set; it must be the URL of the database to seed.'],
    [[], { DATABASE_URL: 'mysql://x' }, /^DATABASE_URL must be a URL that starts with postgres:\/\//],
    [
      [],
      { DATABASE_OWNER_URL: 'postgres://nobody@127.0.0.1:1/none' },
      'The database cannot be reached: connect ECONNREFUSED 127.0.0.1:1',
    ],
  ] as const) {
    const { code, stdout, stderr } = await run([...args], env);
    assert.deepEqual([code, stdout], [1, '']);
    if (typeof sentence === 'string') assert.equal(stderr, `${sentence}\n`);
    else assert.match(stderr, sentence);
  }
});

test('the digest of each table is printed without a database', async () => {
  const { code, stdout } = await run(['--digest', '--products', '20']);
  assert.equal(code, 0);
  assert.match(stdout, /^[0-9a-f]{64} {2}product$/m);
});
