import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { findRedis } from '../../local/redis.ts';
import { runCommand } from '../testing.ts';
import type { Result } from './soak.ts';

const skip = !existsSync('/proc/net/tcp')
  ? 'this system has no /proc/net/tcp'
  : findRedis() === undefined && 'there is no Redis on this machine';

suite('the soak', { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'frontshelf-soak-'));
  const json = join(folder, 'result.json');
  // For the user that services run as when the tests are root's.
  chmodSync(folder, 0o755);
  after(() => rmSync(folder, { recursive: true }));

  async function soak(...args: string[]) {
    const { exitCode, stdout, stderr } = await runCommand(
      './soak/main.ts',
      ['--json', json, '--minutes', '1', ...args],
      { ...process.env, TMPDIR: folder },
    );
    assert.ok(existsSync(json), stdout + stderr);
    const result: Result = JSON.parse(readFileSync(json, 'utf8'));
    rmSync(json);
    assert.deepEqual(readdirSync(folder), [], 'nothing is left behind');
    return { exitCode, result, output: stdout + stderr };
  }

  test('finds every promise kept in a minute of faults', async () => {
    const { exitCode, result, output } = await soak();
    assert.equal(exitCode, 0, output);
    assert.ok(result.faults.length >= 4 && result.requests > 10_000, output);
  });

  test('finds pages in memory refused by a server that keeps them for no time', async () => {
    const { exitCode, result, output } = await soak(
      ...['--faults', 'postgres-restarted', '--warm-seconds', '5'],
      ...['--setting', 'MEMORY_TIER_BYTES=0', '--setting', 'REDIS_TTL_MS=1000'],
    );
    assert.equal(exitCode, 1, output);
    const refused = result.findings.find(({ promise }) => promise === 'pages in memory that were refused');
    assert.equal(refused?.isKept, false, output);
    assert.ok(result.blamed.some(({ asked, what }) => asked === 'hot' && what === '503'));
  });

  test('says in a sentence why it cannot run', async () => {
    const { exitCode, stderr } = await runCommand('./soak/main.ts', ['--faults', 'flood']);
    assert.equal(exitCode, 1);
    assert.match(stderr, /^--faults must be of .*; one is "flood"\.\n$/);
  });
});
