import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { findRedis } from '../../local/redis.ts';
import { runCommand } from '../testing.ts';
import type { Result } from './prove.ts';

const skip = !existsSync('/proc/net/tcp')
  ? 'this system has no /proc/net/tcp'
  : findRedis() === undefined && 'there is no Redis on this machine';

/** What a machine that is busy with other tests cannot be held to; figures are for the command. */
const isOfTime = (promise: string) => / within \d+ s$/.test(promise);

suite('the prover of restarts', { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'frontshelf-restarts-'));
  // For the user that services run as when the tests are root's.
  chmodSync(folder, 0o755);
  after(() => rmSync(folder, { recursive: true }));

  test('finds no request lost but those of the processes that were killed, and leaves nothing behind', async () => {
    const json = join(folder, 'result.json');
    const { stdout, stderr } = await runCommand(
      './restarts/main.ts',
      ['--json', json, '--restarts', '2', '--requests', '2000', '--faults', '1', '--rate', '200'],
      { ...process.env, TMPDIR: folder },
    );
    assert.ok(existsSync(json), stdout + stderr);
    const { scenarios }: Result = JSON.parse(readFileSync(json, 'utf8'));
    rmSync(json);
    assert.deepEqual(readdirSync(folder), []);
    const broken = scenarios.flatMap(({ name, findings }) =>
      findings.flatMap(({ promise, found, isKept }) =>
        isKept || isOfTime(promise) ? [] : [`${name}: ${promise}: ${found}`],
      ),
    );
    assert.deepEqual(broken, [], stdout);
    for (const { name, skipped, load } of scenarios)
      assert.ok(skipped ?? (load && load.requests > 100), name);
  });

  test('says in a sentence why it cannot run', async () => {
    const { exitCode, stderr } = await runCommand('./restarts/main.ts', ['--only', 'earthquake']);
    assert.equal(exitCode, 1);
    assert.match(stderr, /^--only must be of .*; one is "earthquake"\.\n$/);
  });
});
