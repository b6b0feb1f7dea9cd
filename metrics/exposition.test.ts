import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { allMetrics, cumulativeMetrics, primaryMetrics, workerCounters, workerGauges } from './catalogue.ts';
import { exposition, type MetricsSource, type PrimarySamples } from './exposition.ts';
import { createRecorder, totalSlots } from './recorder.ts';

const gaugeValues = workerGauges.flatMap(({ labelSets }) => labelSets).map((_, i) => i + 0.5);

/** As the primary would tell it of two workers. */
const primary: PrimarySamples = {
  workers: primaryMetrics.workers.labelSets.map((labels) => ({ labels, value: 1 })),
  workersDesired: [{ labels: {}, value: 2 }],
  workerExits: primaryMetrics.workerExits.labelSets.map((labels) => ({ labels, value: 3 })),
  workersReplaced: primaryMetrics.workersReplaced.labelSets.map((labels) => ({ labels, value: 3 })),
  feedUp: primaryMetrics.feedUp.labelSets.map((labels) => ({ labels, value: 1 })),
  feedGaps: [{ labels: {}, value: 4 }],
  changesRead: [{ labels: {}, value: 5 }],
  changesPending: [{ labels: {}, value: 6 }],
  redisJoined: [{ labels: {}, value: 1 }],
  redisJoins: primaryMetrics.redisJoins.labelSets.map((labels) => ({ labels, value: 7 })),
  snapshotAge: ['0', '1'].map((worker) => ({ labels: { worker }, value: 0.25 })),
  workerStartTime: ['0', '1'].map((worker) => ({ labels: { worker }, value: 1_700_000_000.5 })),
  processStartTime: [{ labels: {}, value: 1_700_000_000 }],
  buildInfo: [{ labels: { version: '1.2.3', node: '26.0.0' }, value: 1 }],
  configInfo: [{ labels: { workers: '2', redis: 'on' }, value: 1 }],
};

/** What two workers of some life expose. */
const source = ((): MetricsSource => {
  const recorder = createRecorder();
  for (const durationMs of [0.1, 0.5, 3, 70, 20_000])
    recorder.requestEnded('GET', '/v1/products/{slug}', 200, durationMs, 8000);
  recorder.requestEnded('POST', 'unmatched', 405, 1, 8000);
  recorder.productServed('redis');
  recorder.cache.filled('postgres', 4);
  const totals = Float64Array.from(recorder.totals());
  return {
    totals,
    placeTotals: new Map([
      ['0', totals],
      ['1', totals],
    ]),
    gauges: new Map([
      ['0', gaugeValues],
      ['1', gaugeValues.map((value) => value * 2)],
    ]),
    primary,
  };
})();

function exposed(): string {
  const { contentType, text } = exposition(source);
  assert.equal(contentType, 'text/plain; version=0.0.4; charset=utf-8');
  return text;
}

interface Sample {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

/** The text format, strictly: a family is HELP, TYPE and then its samples; nothing else is there. */
function parse(text: string): Map<string, { type: string; samples: Sample[] }> {
  assert.ok(text.endsWith('\n'));
  const families = new Map<string, { type: string; samples: Sample[] }>();
  let helped = '';
  let family: { type: string; samples: Sample[] } | undefined;
  for (const line of text.split('\n').filter((line) => line !== '')) {
    const [, keyword, name = '', rest = ''] = /^# (HELP|TYPE) ([a-z0-9_]+) (.+)$/.exec(line) ?? [];
    if (keyword === 'HELP') helped = name;
    else if (keyword === 'TYPE') {
      assert.equal(name, helped, 'HELP comes first');
      assert.ok(!families.has(name), `${name} comes once`);
      family = { type: rest, samples: [] };
      families.set(name, family);
    } else {
      const [, name = '', , labels = '', value = ''] =
        /^([a-z0-9_]+)(\{(.*)\})? (\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/.exec(line) ?? assert.fail(line);
      assert.ok(name.startsWith(helped), line);
      const pairs = [...labels.matchAll(/([a-z_][a-z0-9_]*)="([^"\\]*)"(?:,|$)/g)];
      assert.equal(pairs.map(([pair]) => pair).join(''), labels, line);
      family?.samples.push({
        name,
        labels: new Map(pairs.map(([, label = '', text = '']) => [label, text])),
        value: Number(value),
      });
    }
  }
  return families;
}

test('every metric of the catalogue is exposed, with its type and all of its series', () => {
  const families = parse(exposed());
  assert.deepEqual(
    [...families].map(([name, { type }]) => [name, type]),
    allMetrics.map(({ name, type }) => [name, type]),
  );
  const perWorker = new Set<string>(
    [...workerCounters, ...workerGauges, primaryMetrics.snapshotAge, primaryMetrics.workerStartTime].map(
      ({ name }) => name,
    ),
  );
  for (const { name, type, labelSets } of allMetrics) {
    const samples = families
      .get(name)
      ?.samples.filter((sample) => sample.name === (type === 'histogram' ? `${name}_count` : name));
    assert.equal(samples?.length, (perWorker.has(name) ? 2 : 1) * labelSets.length, name);
  }
});

test('no help text has what a format would want escaped', () => {
  for (const { help } of allMetrics) assert.match(help, /^[^"\\\n]+$/);
});

test('a label value has its quotation marks, backslashes and line breaks escaped', () => {
  const configInfo = [{ labels: { workers: 'a"b\\c\nd' }, value: 1 }];
  const { text } = exposition({ ...source, primary: { ...primary, configInfo } });
  assert.ok(text.includes('{workers="a\\"b\\\\c\\nd"} 1\n'));
});

test('no series is there twice', () => {
  const series = exposed()
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.slice(0, line.lastIndexOf(' ')));
  assert.equal(new Set(series).size, series.length);
});

test('buckets are in order, never fall, and end at the count', () => {
  const families = parse(exposed());
  let histograms = 0;
  for (const definition of cumulativeMetrics) {
    if (definition.type !== 'histogram') continue;
    const { samples } = families.get(definition.name) ?? assert.fail(definition.name);
    const key = ({ labels }: Sample) =>
      JSON.stringify([...labels].filter(([name]) => name !== 'le').toSorted());
    for (const [series, own] of Map.groupBy(samples, key)) {
      histograms++;
      const buckets: Sample[] = own.filter(({ name }) => name === `${definition.name}_bucket`);
      assert.deepEqual(
        buckets.map(({ labels }) => labels.get('le')),
        [...definition.buckets.map((bound) => (bound % 1 === 0 ? `${bound}.0` : String(bound))), '+Inf'],
      );
      for (const [i, { value }] of buckets.entries())
        assert.ok(value >= (buckets[i - 1]?.value ?? 0), series);
      const count: Sample | undefined = own.find(({ name }) => name === `${definition.name}_count`);
      assert.equal(buckets.at(-1)?.value, count?.value, series);
      assert.equal(own.length, buckets.length + 2, 'and there is one sum');
    }
  }
  assert.ok(histograms > 50);
});

test('recorded durations appear where they belong', () => {
  const { samples } = parse(exposed()).get('http_server_request_duration_seconds') ?? assert.fail();
  const page = samples.filter(
    ({ labels }) =>
      labels.get('http_route') === '/v1/products/{slug}' &&
      labels.get('http_request_method') === 'GET' &&
      labels.get('http_response_status_code') === '200',
  );
  const value = (le: string) => page.find(({ labels }) => labels.get('le') === le)?.value;
  assert.deepEqual(['0.0005', '0.001', '0.005', '0.075', '10.0', '+Inf'].map(value), [2, 2, 3, 4, 4, 5]);
  const sum = page.find(({ name }) => name.endsWith('_sum'))?.value ?? 0;
  assert.ok(Math.abs(sum - 20.0736) < 1e-6);
});

test("each living worker's gauges bear its number, in the catalogue's order", () => {
  const families = parse(exposed());
  const values = (worker: string) =>
    workerGauges.flatMap(({ name }) =>
      (families.get(name)?.samples ?? []).flatMap(({ labels, value }) =>
        labels.get('worker') === worker ? value : [],
      ),
    );
  assert.deepEqual(values('0'), gaugeValues);
  assert.deepEqual(
    values('1'),
    gaugeValues.map((value) => 2 * value),
  );
});

test('a gauge that a worker does not have is not exposed', () => {
  const gauges = new Map([['0', gaugeValues.map(() => null)]]);
  const families = parse(exposition({ ...source, gauges }).text);
  for (const { name } of workerGauges) assert.deepEqual(families.get(name)?.samples, [], name);
});

test('before any worker has told of itself, every total is there and is 0', () => {
  const nothing = new Float64Array(totalSlots);
  const { text } = exposition({
    totals: nothing,
    placeTotals: new Map([['0', nothing]]),
    gauges: new Map(),
    primary,
  });
  const families = parse(text);
  for (const { name, labelSets } of cumulativeMetrics) {
    const { samples } = families.get(name) ?? assert.fail(name);
    assert.ok(samples.length >= labelSets.length, name);
    for (const { value } of samples) assert.equal(value, 0, name);
  }
});

test('OpenMetrics has the same series under the same names, by its own rules for families and the end', () => {
  const { contentType, text } = exposition(source, 'openmetrics');
  assert.equal(contentType, 'application/openmetrics-text; version=1.0.0; charset=utf-8');
  assert.ok(text.endsWith('\n# EOF\n'));
  assert.doesNotMatch(text, /\n\n/);
  const samplesOf = (text: string) => text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  assert.deepEqual(samplesOf(text), samplesOf(exposed()));
  const types = new Map(
    [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type]),
  );
  assert.deepEqual(
    [...types],
    allMetrics.map(({ name, type }) => [type === 'counter' ? name.replace(/_total$/, '') : name, type]),
  );
});

test('the format of one scrape does not change that of the next', () => {
  const plain = exposed();
  exposition(source, 'openmetrics');
  assert.equal(exposed(), plain);
});

const hasPromtool = spawnSync('promtool', ['--version']).status === 0;

test('promtool finds nothing to say about the exposition', {
  skip: hasPromtool ? false : 'promtool is not installed (Debian package prometheus)',
}, () => {
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
    input: exposed(),
    encoding: 'utf8',
  });
  assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: '', stderr: '' });
});
