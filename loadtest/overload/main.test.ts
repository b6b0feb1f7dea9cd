import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCommand } from '../testing.ts';
import { judge } from './judge.ts';
import type { Result, Step } from './result.ts';

test('a short run offers each load twice, has only pages and refusals, and leaves a result and a chart', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'frontshelf-overload-test-'));
  // For the user that services run as when the tests are root's.
  chmodSync(folder, 0o755);
  t.after(() => rmSync(folder, { recursive: true }));
  const { exitCode, stdout, stderr } = await runCommand(
    './overload/main.ts',
    ['--seconds', '1', '--products', '2000', '--results', join(folder, 'results')],
    { ...process.env, TMPDIR: folder },
  );
  const output = stdout + stderr;
  assert.deepEqual(readdirSync(folder), ['results'], `nothing else is left behind; ${output}`);
  const [name = ''] = readdirSync(join(folder, 'results'));
  assert.match(name, /^\d{4}-\d\d-\d\d-overload$/);
  const file = join(folder, 'results', name, 'result.json');
  const result: Result = JSON.parse(readFileSync(file, 'utf8'));

  assert.equal(result.conditions.hotPages, 50);
  assert.ok(result.capacityPerSecond > 0);
  assert.ok(result.lonelyReadMs.p50 >= 20);
  assert.deepEqual(
    result.passes.map(({ refused }) => refused),
    ['give up', 'retry'],
  );
  for (const { steps, stepDown } of result.passes) {
    assert.deepEqual(
      steps.map(({ load }) => load),
      [0.5, 1, 2, 5, 10],
    );
    assert.equal(stepDown.load, 0.5);
    for (const step of [...steps, stepDown]) {
      assert.deepEqual(statusesBesides200And503(step), [], JSON.stringify(step.otherOutcomes));
      assert.ok(step.offeredPerSecond > 0 && step.hits.requests > 0);
    }
    const [first, , , , last] = steps;
    assert.ok(Number(first?.goodputPerSecond) > 0);
    assert.ok(Number(last?.refusalsPerSecond) > 0);
  }
  const [givingUp, retrying] = result.passes.map(({ steps }) => steps.at(-1));
  assert.ok(givingUp?.requestsPerSecond === givingUp?.offeredPerSecond);
  assert.ok(Number(retrying?.requestsPerSecond) > Number(retrying?.offeredPerSecond));

  const isHeld = judge(result).every(({ state }) => state === 'held');
  assert.equal(exitCode, isHeld ? 0 : 1, output);
  assert.match(stdout, /^(held {2}|BROKEN|void {2}) {2}the only statuses are 200 and 503/m);

  const chart = join(folder, 'results', name, 'overload.svg');
  const svg = readFileSync(chart, 'utf8');
  rmSync(chart);
  const again = join(folder, 'again.svg');
  const rendered = await runCommand('./overload/main.ts', ['--render', file, '--chart', again]);
  assert.equal(rendered.exitCode, exitCode);
  assert.equal(readFileSync(again, 'utf8'), svg);
  assert.equal(existsSync(chart), false);
});

/** On a machine that is busy with other tests, a client may also wait in vain. */
const statusesBesides200And503 = ({ otherOutcomes }: Step) =>
  Object.keys(otherOutcomes).filter((name) => /^\d+$/.test(name));

test('the command says in a sentence what it cannot do', async () => {
  const wrong = await runCommand('./overload/main.ts', ['--seconds', 'many']);
  assert.deepEqual(
    [wrong.exitCode, wrong.stderr],
    [1, '--seconds must be a whole number from 1 up; it is "many".\n'],
  );
  const missing = await runCommand('./overload/main.ts', ['--render', '/nowhere/result.json']);
  assert.equal(missing.exitCode, 1);
  assert.match(missing.stderr, /^ENOENT: no such file or directory.*\n$/);
  const help = await runCommand('./overload/main.ts', ['--help']);
  assert.equal(help.exitCode, 0);
  assert.match(help.stdout, /^Usage: npm run overload -- /);
});
