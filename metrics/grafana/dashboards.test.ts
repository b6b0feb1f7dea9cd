/** The dashboards are held to the rules of Grafana's dashboard linter, to the catalogue, and to their own sources. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { allMetrics } from '../catalogue.ts';
import { type Selection, selections } from '../promql.ts';
import { generate } from './generate.ts';

interface Target {
  readonly expr: string;
  readonly range: boolean;
  readonly datasource: { readonly uid: string };
}
interface Panel {
  readonly id?: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly datasource?: { readonly uid: string };
  readonly gridPos: { readonly x: number; readonly w: number };
  readonly targets?: readonly Target[];
  readonly fieldConfig?: {
    readonly defaults: { readonly unit?: string; readonly links?: readonly { readonly url: string }[] };
  };
}
interface Variable {
  readonly name: string;
  readonly type: string;
  readonly label: string;
  readonly query: string | { readonly query: string };
  readonly datasource?: { readonly uid: string };
  readonly refresh?: number;
  readonly multi?: boolean;
  readonly allValue?: string;
  readonly current: { readonly value: unknown };
}
interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly editable: boolean;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly Variable[] };
  readonly annotations: { readonly list: readonly { readonly name: string; readonly expr: string }[] };
}

const files = generate();
const dashboards = [...files.values()].map((text): Dashboard => JSON.parse(text));
const panels = dashboards.flatMap((dashboard) =>
  dashboard.panels
    .filter(({ type }) => type !== 'row')
    .map((panel) => ({ ...panel, where: `${dashboard.title} / ${panel.title}` })),
);
const targets = panels.flatMap(({ where, targets = [] }) =>
  targets.map((target) => ({ ...target, where: `${where}: ${target.expr}` })),
);

const readSelections = (expression: string) =>
  selections(expression.replace(/\$__(rate_interval|range)/g, '5m'));
const where = (list: readonly { readonly where: string }[]) => list.map((item) => item.where);

/** Metrics that others expose: Prometheus itself, k6, and the exporters of Redis and Postgres. */
const foreign = {
  prometheus: ['up', 'ALERTS'],
  k6: [
    'k6_vus',
    'k6_vus_max',
    'k6_http_reqs_total',
    'k6_http_req_duration_p99',
    'k6_http_req_failed_rate',
    'k6_checks_rate',
    'k6_dropped_iterations_total',
    'k6_data_received_total',
  ],
  redis: [
    'redis_up',
    'redis_memory_used_bytes',
    'redis_memory_max_bytes',
    'redis_commands_processed_total',
    'redis_evicted_keys_total',
    'redis_connected_clients',
  ],
  postgres: [
    'pg_up',
    'pg_stat_activity_count',
    'pg_settings_max_connections',
    'pg_stat_database_xact_commit',
    'pg_stat_database_xact_rollback',
    'pg_stat_database_blks_hit',
    'pg_stat_database_blks_read',
  ],
};

const ours = new Map(
  allMetrics.flatMap(({ name, type }) =>
    type === 'histogram'
      ? ['_bucket', '_sum', '_count'].map((suffix) => [`${name}${suffix}`, 'counter'] as const)
      : [[name, type] as const],
  ),
);
const isCounter = ({ metric }: Selection) =>
  metric.endsWith('_total') || ours.get(metric) === 'counter' || metric.startsWith('pg_stat_database_');

test('the committed dashboards are those that the sources describe', () => {
  const folder = new URL('dashboards/', import.meta.url);
  assert.deepEqual(readdirSync(folder).sort(), [...files.keys()].sort());
  for (const [name, text] of files)
    assert.equal(
      readFileSync(new URL(name, folder), 'utf8'),
      text,
      `run npm run dashboards and commit ${name}`,
    );
});

test('every panel has a title, a description that says what to do, a unit, a query and the chosen datasource', () => {
  assert.ok(panels.length > 60);
  const lacks = panels.filter(
    ({ title, description = '', targets = [], datasource, fieldConfig }) =>
      title === '' ||
      description.length < 60 ||
      !fieldConfig?.defaults.unit ||
      targets.length === 0 ||
      datasource?.uid !== `\${datasource}` ||
      targets.some((target) => target.datasource.uid !== `\${datasource}`),
  );
  assert.deepEqual(where(lacks), []);
});

test('panels fit the grid, and have titles and numbers of their own', () => {
  assert.deepEqual(where(panels.filter(({ gridPos: { x, w } }) => x + w > 24)), []);
  for (const dashboard of dashboards) {
    const own = panels.filter(({ where }) => where.startsWith(`${dashboard.title} / `));
    assert.equal(new Set(own.map(({ id }) => id)).size, own.length, dashboard.title);
  }
});

test('datasource, job and instance are chosen on each dashboard, and all choices follow the time range', () => {
  for (const { title, templating, editable } of dashboards) {
    assert.equal(editable, false, title);
    const [source, ...choices] = templating.list;
    assert.deepEqual(
      [source?.name, source?.type, source?.label, source?.query],
      ['datasource', 'datasource', 'Data source', 'prometheus'],
    );
    assert.deepEqual(
      choices.slice(0, 2).map(({ name, label }) => [name, label]),
      [
        ['job', 'Job'],
        ['instance', 'Instance'],
      ],
    );
    for (const { name, refresh, multi, allValue, datasource } of choices)
      assert.deepEqual(
        [refresh, multi, allValue, datasource?.uid],
        [2, true, name === 'testid' ? '.*' : '.+', `\${datasource}`],
        `${title}: ${name}`,
      );
  }
});

test('every query reads the chosen servers, or the chosen store or load test when it is theirs', () => {
  const wanted = ({ metric }: Selection): readonly string[] => {
    // Exporters have processes too.
    if (/^process_(cpu|resident|open)/.test(metric))
      return ['job=~"$job"', 'instance=~"$instance"', 'worker=~".+"'];
    if (metric === 'ALERTS') return ['job=~"|$job"'];
    if (foreign.k6.includes(metric)) return ['testid=~"$testid"'];
    if (foreign.redis.includes(metric)) return ['instance=~"$redis"'];
    if (foreign.postgres.includes(metric)) return ['instance=~"$postgres"'];
    return ['job=~"$job"', 'instance=~"$instance"'];
  };
  const strays = targets.filter(({ expr }) =>
    readSelections(expr).some((selection) =>
      wanted(selection).some((matcher) => !selection.matchers.includes(matcher)),
    ),
  );
  assert.deepEqual(where(strays), []);
});

test('a number is asked for at one instant, so that it cannot outlive its server', () => {
  const numbers = panels.filter(({ type }) => type === 'stat');
  assert.ok(numbers.length > 20);
  assert.deepEqual(
    where(numbers.filter(({ targets = [] }) => targets.some(({ range }) => range !== false))),
    [],
  );
});

test('every variable that a query uses is on its dashboard', () => {
  for (const { title, panels, templating } of dashboards) {
    const known = new Set(templating.list.map(({ name }) => name));
    const used = panels.flatMap(({ targets = [] }) =>
      targets.flatMap(({ expr }) => [...expr.matchAll(/\$(\w+)/g)].map(([, name = '']) => name)),
    );
    assert.deepEqual(
      [...new Set(used)].filter((name) => !known.has(name) && !['__rate_interval', '__range'].includes(name)),
      [],
      title,
    );
  }
});

test('counters go through a rate over $__rate_interval, or over the window that the panel is about', () => {
  const wrong = targets.filter(({ expr, where }) =>
    selections(expr.replaceAll('$__rate_interval', '1s').replaceAll('$__range', '5m')).some((selection) => {
      // k6's counters begin with the test; how many in all is what the test is judged by.
      const isOfWholeTest = selection.metric.startsWith('k6_') && selection.range === undefined;
      if (!isCounter(selection) || isOfWholeTest) return false;
      const { duration, function: name } = selection.range ?? {};
      if (name !== 'rate' && name !== 'increase') return true;
      return duration !== '1s' && !/budget left|Burn rate|1 hour|Server p99/.test(where);
    }),
  );
  assert.deepEqual(where(wrong), []);
});

test('every metric that is queried exists', () => {
  const foreignNames = new Set(Object.values(foreign).flat());
  const missing = [
    ...targets,
    ...dashboards.flatMap(({ title, annotations }) =>
      annotations.list.map(({ name, expr }) => ({ expr, where: `${title} / ${name}` })),
    ),
  ].flatMap(({ expr, where }) =>
    readSelections(expr)
      .filter(({ metric }) => !ours.has(metric) && !foreignNames.has(metric))
      .map(({ metric }) => `${where}: ${metric}`),
  );
  assert.deepEqual(missing, []);
});

test('every label that a query asks one of our metrics for has that value', () => {
  const exists = (metric: string, label: string, value: string) =>
    allMetrics.some(
      ({ name, labelSets, ...definition }) =>
        metric.startsWith(name) &&
        (label === 'le'
          ? 'buckets' in definition && definition.buckets.includes(Number(value))
          : labelSets.some((labels) => labels[label] === value)),
    );
  const missing = targets.flatMap(({ expr, where }) =>
    readSelections(expr)
      .filter(({ metric }) => ours.has(metric))
      .flatMap(({ metric, matchers }) =>
        matchers.filter((matcher) => {
          const [, label = '', value = ''] = /^(\w+)!?="(.+)"$/.exec(matcher) ?? [];
          return value !== '' && !exists(metric, label, value);
        }),
      )
      .map((matcher) => `${where}: ${matcher}`),
  );
  assert.deepEqual(missing, []);
});

test('every metric of the catalogue is shown on some dashboard', () => {
  const shown = new Set(
    [
      ...targets.map(({ expr }) => expr),
      ...dashboards.flatMap(({ annotations }) => annotations.list.map(({ expr }) => expr)),
    ].flatMap((expr) => readSelections(expr).map(({ metric }) => metric)),
  );
  const names = [...shown].map((name) => name.replace(/_(bucket|sum|count)$/, ''));
  assert.deepEqual(
    allMetrics.map(({ name }) => name).filter((name) => !names.includes(name) && !shown.has(name)),
    // The settings are read when two servers are compared, in a query of its own.
    ['frontshelf_config_info'],
  );
});

test('a click on a number leads to a dashboard that exists', () => {
  const uids = new Set(dashboards.map(({ uid }) => uid));
  const links = panels.flatMap(({ fieldConfig }) => fieldConfig?.defaults.links ?? []);
  assert.ok(links.length > 8);
  for (const { url } of links) assert.ok(uids.has(/^\/d\/([\w-]+)\?/.exec(url)?.[1] ?? ''), url);
});

test('the provisioned datasource is the one that dashboards open with, and their folder is provided', () => {
  const read = (path: string): unknown =>
    parse(readFileSync(new URL(`provisioning/${path}`, import.meta.url), 'utf8'));
  const { uid, type } = Object(read('datasources/prometheus.yml')).datasources[0];
  assert.deepEqual(
    dashboards.map(({ templating }) => templating.list[0]?.current.value),
    dashboards.map(() => uid),
  );
  assert.equal(type, 'prometheus');
  assert.equal(Object(read('dashboards/frontshelf.yml')).providers[0].type, 'file');
});
