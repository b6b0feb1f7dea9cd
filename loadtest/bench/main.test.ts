import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { noDatabase, runCommand, startTestServer } from '../testing.ts';

const skip = existsSync('/proc/self/schedstat') ? noDatabase : 'this system has no /proc/self/schedstat';

test('a page of a real server is compared with a bare handler that sends the same bytes', {
  skip,
}, async (t) => {
  const server = await startTestServer(20);
  t.after(server.stop);
  const folder = mkdtempSync(join(tmpdir(), 'frontshelf-bench-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const bench = (...args: string[]) =>
    runCommand('./bench/main.ts', [
      ...['--url', server.url, '--admin-url', server.adminUrl],
      ...['--seconds', '0.1', '--warm-up', '0', '--rounds', '5', ...args],
    ]);

  const json = join(folder, 'result.json');
  const held = await bench('--json', json);
  assert.equal(held.exitCode, 0, held.stdout + held.stderr);
  assert.match(held.stdout, /^ratio: \d+\.\d{3} \(/m);
  const { conditions, ratio, rounds } = JSON.parse(readFileSync(json, 'utf8'));
  assert.equal(conditions.settings.workers, 1);
  assert.equal(rounds.length, 5);
  assert.ok(ratio.min > 0 && ratio.min <= ratio.median && ratio.median <= ratio.max);

  const recording = await bench('--recording');
  assert.equal(recording.exitCode, 0, recording.stdout + recording.stderr);
  assert.match(recording.stdout, /^Each pair of figures is recording, silent\.$/m);
  assert.match(recording.stdout, /^ratio: \d+\.\d{3} \(/m);

  const broken = await bench('--accept-encoding', 'br', '--max-ratio', '0.01');
  assert.equal(broken.exitCode, 1);
  assert.match(broken.stdout, /^acceptEncoding +br$/m);
  assert.match(broken.stderr, /^The ratio is above 0\.01\.$/m);
});
