import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { eventually } from '../../cache/eventually.ts';
import { childrenOf, isAlive } from '../../cluster/server-process.ts';
import { findRedis } from '../../local/redis.ts';
import { runCommand } from '../testing.ts';
import { faultKinds } from './fault-plan.ts';
import type { Result } from './report.ts';
import { kindsOfWrites } from './writers.ts';

const skip = !existsSync('/proc/net/tcp')
  ? 'this system has no /proc/net/tcp'
  : findRedis() === undefined && 'there is no Redis on this machine';

suite('the prover of coherence', { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'frontshelf-prover-'));
  const json = join(folder, 'result.json');
  // For the user that services run as when the tests are root's.
  chmodSync(folder, 0o755);
  after(() => rmSync(folder, { recursive: true }));

  async function prove(...args: string[]) {
    const { exitCode, stdout, stderr } = await runCommand('./coherence/main.ts', ['--json', json, ...args], {
      ...process.env,
      TMPDIR: folder,
    });
    assert.ok(existsSync(json), stdout + stderr);
    const result: Result = JSON.parse(readFileSync(json, 'utf8'));
    rmSync(json);
    assert.deepEqual(readdirSync(folder), [], 'nothing is left behind');
    return { exitCode, result, output: stdout + stderr };
  }

  test('finds no lie while everything breaks that can, having written, asked and broken in every way', async () => {
    const { exitCode, result, output } = await prove(
      ...['--seconds', '14', '--healthy-seconds', '3', '--reads', '200'],
    );
    assert.deepEqual(result.violations, [], output);
    assert.deepEqual(result.thin, [], output);
    assert.equal(exitCode, 0, output);
    assert.deepEqual(Object.keys(result.faults).sort(), faultKinds.toSorted());
    for (const kind of kindsOfWrites) assert.ok(Number(result.writes[kind]) > 0, kind);
    assert.match(output, /^\d+ answers of \d+ workers were judged; 0 broke the promise\.$/m);
  });

  test('finds the lies of servers that need not look for changes, once nothing wakes them', async () => {
    const { exitCode, result, output } = await prove(
      ...['--seconds', '6', '--healthy-seconds', '1', '--reads', '200', '--faults', 'wake-up-lost'],
      ...['--setting', 'STALENESS_MS=60000', '--setting', 'POLL_MS=10000'],
    );
    assert.equal(exitCode, 1, output);
    assert.ok(result.lyingAnswers > 0, output);
    const [violation] = result.violations;
    assert.equal(violation?.kind, 'stale');
    assert.ok(violation.newerAgeMs !== undefined && violation.newerAgeMs >= 250);
    assert.ok(violation.faults.some((fault) => fault.startsWith('wake-up-lost')));
  });

  test('leaves nothing behind when it is interrupted', async () => {
    const prover = spawn(process.execPath, [fileURLToPath(new URL('main.ts', import.meta.url))], {
      env: { ...process.env, TMPDIR: folder },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const exited = once(prover, 'exit');
    const { pid } = prover;
    assert.ok(pid !== undefined);
    const started = await eventually('hosts with workers run', 120_000, () => {
      const found = descendants(pid);
      // Beside others: Redis, Postgres and its own, two primaries with two workers each.
      return found.filter(isServer).length === 6 && found;
    });
    prover.kill('SIGINT');
    assert.deepEqual(await exited, [130, null]);
    await eventually('all have ended', 5000, () => !started.some(isAlive));
    assert.deepEqual(readdirSync(folder), []);
  });

  test('says in a sentence why it cannot run', async () => {
    const { exitCode, stderr } = await runCommand('./coherence/main.ts', ['--faults', 'flood']);
    assert.equal(exitCode, 1);
    assert.match(stderr, /^--faults must be of .*; one is "flood"\.\n$/);
  });
});

const descendants = (pid: number): number[] =>
  childrenOf(pid).flatMap((child) => [child, ...descendants(child)]);

const isServer = (pid: number) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('cluster/main.ts');
