/** Scrape config, rules, alerts and runbooks are held to each other, to the catalogue, and to promtool. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { allMetrics, type MetricDefinition } from '../catalogue.ts';
import { selections } from '../promql.ts';
import { alertRules, recordingRules, ruleFileNames } from './rule-files.ts';

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');
const here = fileURLToPath(new URL('.', import.meta.url));

const recordings = recordingRules();
const alerts = alertRules();
const rules = [
  ...recordings.map(({ record: name, expr }) => ({ name, expr })),
  ...alerts.map(({ alert: name, expr }) => ({ name, expr })),
];
const recorded = new Set(recordings.map(({ record }) => record));
const exposed = new Map(
  allMetrics.flatMap((definition): [string, MetricDefinition][] =>
    definition.type === 'histogram'
      ? ['_bucket', '_sum', '_count'].map((suffix) => [`${definition.name}${suffix}`, definition])
      : [[definition.name, definition]],
  ),
);

test('every metric of a rule is recorded by a rule or exposed by the server', () => {
  assert.ok(rules.length > 35);
  const missing = rules.flatMap(({ name, expr }) =>
    selections(expr)
      .filter(({ metric }) => !recorded.has(metric) && !exposed.has(metric) && metric !== 'up')
      .map(({ metric }) => `${name}: ${metric}`),
  );
  assert.deepEqual(missing, []);
});

test('every label that a rule asks a metric for has such a value', () => {
  const wrong = rules.flatMap(({ name, expr }) =>
    selections(expr).flatMap(({ metric, matchers }) => {
      const definition = exposed.get(metric);
      if (definition === undefined) return [];
      return matchers
        .filter((matcher) => {
          const [, label = '', operator = '', value = ''] = /^(\w+)(=~|!=|=)"(.*)"$/.exec(matcher) ?? [];
          if (label === 'job') return value !== 'frontshelf';
          if (label === 'le') return !('buckets' in definition && definition.buckets.includes(Number(value)));
          const values = definition.labelSets.map((labels) => labels[label]);
          const wanted = new RegExp(`^(?:${value.replace(/[{}]/g, '\\$&')})$`);
          if (operator === '!=') return !values.includes(value);
          if (operator === '=') return !values.includes(value);
          return !values.some((candidate) => candidate !== undefined && wanted.test(candidate));
        })
        .map((matcher) => `${name}: ${metric}{${matcher}}`);
    }),
  );
  assert.deepEqual(wrong, []);
});

test("rules read the job that prometheus.yml gives the servers, and no other service's", () => {
  const config = parse(read('prometheus.yml'));
  const jobs: string[] = config.scrape_configs.map((job: { job_name: string }) => job.job_name);
  assert.ok(jobs.includes('frontshelf'));
  const strays = rules.flatMap(({ name, expr }) =>
    selections(expr)
      .filter(({ metric, matchers }) => exposed.has(metric) && !matchers.includes('job="frontshelf"'))
      .map(({ metric }) => `${name}: ${metric}`),
  );
  assert.deepEqual(strays, []);
  assert.deepEqual(config.rule_files, ruleFileNames);
});

test('a recording rule is named level:metric:operations and tells its window', () => {
  for (const { record, expr } of recordings) {
    assert.match(record, /^[a-z_]+:[a-z_0-9]+:[a-z0-9_]+$/, record);
    const windows = selections(expr).flatMap(({ range }) => range?.duration ?? []);
    for (const window of windows)
      assert.match(record, new RegExp(`rate${window}$`), `${record} over ${window}`);
  }
  assert.equal(recorded.size, recordings.length, 'no name is recorded twice');
});

test('every alert says how urgent it is, what is the matter, and where its runbook is', () => {
  assert.ok(alerts.length > 15);
  for (const { alert, labels, annotations } of alerts) {
    assert.deepEqual(Object.keys(labels), ['severity'], alert);
    assert.match(labels.severity ?? '', /^(page|ticket)$/, alert);
    assert.deepEqual(Object.keys(annotations), ['summary', 'description', 'runbook_url'], alert);
    assert.ok((annotations.summary ?? '').length < 90, `${alert}: a summary is a headline`);
    assert.equal(annotations.runbook_url, `docs/runbooks/${alert}.md`);
  }
});

test('every alert has a runbook, and every runbook an alert', () => {
  const folder = new URL('../../docs/runbooks/', import.meta.url);
  const names = readdirSync(folder).filter((name) => name !== 'README.md');
  assert.deepEqual(names.sort(), alerts.map(({ alert }) => `${alert}.md`).sort());
  for (const name of names) {
    const text = readFileSync(new URL(name, folder), 'utf8');
    const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading);
    assert.deepEqual(
      headings,
      [name.slice(0, -'.md'.length), 'What it means', 'What to look at', 'What to do'],
      name,
    );
  }
});

test('what a runbook tells to query exists', () => {
  const folder = new URL('../../docs/runbooks/', import.meta.url);
  const missing = readdirSync(folder).flatMap((name) =>
    [...readFileSync(new URL(name, folder), 'utf8').matchAll(/^```promql\n(.*?)^```/gms)].flatMap(
      ([, expression = '']) =>
        expression
          .trim()
          .split('\n')
          .flatMap((line) => selections(line))
          .filter(({ metric }) => !recorded.has(metric) && !exposed.has(metric) && metric !== 'up')
          .map(({ metric }) => `${name}: ${metric}`),
    ),
  );
  assert.deepEqual(missing, []);
});

test('every alert is seen firing in alerts.test.yml', () => {
  const text = read('alerts.test.yml');
  const expected = new Set([...text.matchAll(/labels: '\{alertname="(\w+)"/g)].map(([, name]) => name));
  assert.deepEqual(
    alerts.map(({ alert }) => alert).filter((alert) => !expected.has(alert)),
    [],
  );
});

const promtool = spawnSync('promtool', ['--version']).error === undefined;

test('promtool has nothing to say about the files, and the alerts pass their tests', {
  skip: promtool ? false : 'promtool is not on the PATH; Debian has it in package prometheus',
}, () => {
  for (const args of [
    // Its files are the stack's, the token's among them.
    ['check', 'config', '--syntax-only', 'prometheus.yml'],
    ['check', 'rules', '--lint=all', '--lint-fatal', ...ruleFileNames],
    ['test', 'rules', 'alerts.test.yml'],
  ]) {
    const { status, stdout, stderr } = spawnSync('promtool', args, { cwd: here, encoding: 'utf8' });
    assert.equal(status, 0, `promtool ${args.join(' ')}\n${stdout}${stderr}`);
  }
});
