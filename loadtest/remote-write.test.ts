import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { findPrometheus, startPrometheus } from '../local/prometheus.ts';
import { selections } from '../metrics/promql.ts';
import { findK6, k6Missing } from './k6.ts';
import { newTestId } from './remote-write.ts';
import { noDatabase, runCommand, startTestServer } from './testing.ts';

const k6 = findK6();
const program = findPrometheus();
const skip = noDatabase || (k6 ? false : k6Missing) || (program ? false : 'prometheus is not on the PATH');

/** k6 has no series of what did not happen; the dashboard's queries allow for that. */
const ofMishaps = ['k6_dropped_iterations_total'];

interface Panel {
  readonly targets?: readonly { readonly expr: string }[];
}

/** The metrics of k6 that the dashboard asks for. */
function readByDashboard(): string[] {
  const file = new URL('../metrics/grafana/dashboards/load-test.json', import.meta.url);
  const { panels }: { panels: readonly Panel[] } = JSON.parse(readFileSync(file, 'utf8'));
  const expressions = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
  const metrics = expressions.flatMap((expression) =>
    selections(expression.replace(/\$__(rate_interval|range)/g, '5m')).map(({ metric }) => metric),
  );
  return [...new Set(metrics)].filter((metric) => metric.startsWith('k6_'));
}

test('every figure of k6 that the dashboard "Load test" reads arrives in Prometheus under the test’s name', {
  skip,
}, async (t) => {
  assert.ok(program);
  const folder = mkdtempSync(join(tmpdir(), 'frontshelf-remote-write-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const prometheus = await startPrometheus({ program, config: {}, folder });
  t.after(prometheus.stop);
  const server = await startTestServer(50);
  t.after(server.stop);

  const args = ['--scenario', 'page-view', '--url', server.url, '--duration', '2s', '--rate', '20'];
  const push = ['--p99-ms', '5000', '--prometheus', prometheus.url, '--testid', 'a-test'];
  const { exitCode, stdout, stderr } = await runCommand('./main.ts', [...args, ...push]);
  assert.equal(exitCode, 0, stdout + stderr);

  const response = await fetch(`${prometheus.url}/api/v1/label/__name__/values?match[]={testid="a-test"}`);
  const { data }: { data: readonly string[] } = JSON.parse(await response.text());
  const wanted = readByDashboard();
  assert.ok(wanted.includes('k6_http_req_duration_p99'));
  assert.deepEqual(
    wanted.filter((metric) => !data.includes(metric) && !ofMishaps.includes(metric)),
    [],
  );
});

test('a test is called by its scenario and the time it began', () => {
  assert.equal(newTestId('page-view', new Date('2026-11-25T09:15:00.123Z')), 'page-view-20261125T091500Z');
});
