/**
 * The contract before a stranger: Schemathesis makes requests of the OpenAPI document, right and wrong ones, and holds every
 * answer of a real server to it. It is a command of Python's (`pip install schemathesis`) and is looked for on PATH.
 *   SCHEMATHESIS_CASES=100 npm run test:proofs -- server/schemathesis.proof.ts   # for each operation; 400 by default
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startServer } from '../cluster/server-process.ts';
import { onPath } from '../local/on-path.ts';
import { createTestDatabase } from '../sql/testing.ts';

const command = onPath('schemathesis');
const asked = process.env.SCHEMATHESIS_CASES;
const settings = fileURLToPath(new URL('./schemathesis.toml', import.meta.url));

test('Schemathesis finds no answer that is not as the contract says', {
  skip: command === undefined && 'there is no schemathesis on PATH',
}, async () => {
  const database = await createTestDatabase({ products: 200 });
  const server = await startServer({
    DATABASE_URL: database.readerUrl,
    ...(process.env.TEST_REDIS_URL && { REDIS_URL: process.env.TEST_REDIS_URL }),
    WORKERS: '1',
  });
  const folder = mkdtempSync(join(tmpdir(), 'frontshelf-schemathesis-'));
  try {
    const report = join(folder, 'report.xml');
    const run = spawn(
      command ?? '',
      [
        ...['--config-file', settings, 'run', `${server.url}/openapi.json`, '--checks', 'all'],
        ...['--max-examples', asked ?? '400', '--no-color', '--continue-on-failure'],
        ...['--generation-database', 'none', '--report', 'junit', '--report-junit-path', report],
      ],
      { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let output = '';
    run.stdout.setEncoding('utf8').on('data', (text) => {
      output += text;
      process.stdout.write(text);
    });
    const [exitCode] = await once(run, 'close');
    // A 503 says that Postgres was not read; why it was not is for the server to tell.
    const metrics = await (await fetch(`${server.adminUrl}/metrics`)).text();
    const reads =
      /^(?:frontshelf_requests_shed|db_client_operation_duration_seconds_count|db_client_connection_timeouts).* [1-9]/;
    const told = metrics.split('\n').filter((line) => reads.test(line));
    assert.equal(
      exitCode,
      0,
      `it has found something; of reads and refusals the server tells: ${told.join(', ')}`,
    );
    const cases = Number(/([\d,]+) generated/.exec(output)?.[1]?.replaceAll(',', ''));
    assert.ok(cases >= (asked === undefined ? 10_000 : 1), `${cases} cases`);
    assert.match(readFileSync(report, 'utf8'), /failures="0"/);
  } finally {
    rmSync(folder, { recursive: true });
    await server.destroy();
    await database.drop();
  }
});
