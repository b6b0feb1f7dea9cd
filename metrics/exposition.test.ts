import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { cumulativeMetrics, workerGauges } from './catalogue.ts';
import { exposition } from './exposition.ts';
import { createRecorder } from './recorder.ts';

const gaugeValues = workerGauges.flatMap(({ labelSets }) => labelSets).map((_, i) => i + 0.5);

/** What two workers of some life expose. */
async function exposed(): Promise<string> {
  const recorder = createRecorder();
  for (const durationMs of [0.1, 0.5, 3, 70, 20_000])
    recorder.requestEnded('GET', '/v1/products/{slug}', 200, durationMs);
  recorder.requestEnded('POST', 'unmatched', 405, 1);
  recorder.productServed('redis');
  recorder.cache.filled('postgres', 4);
  const gauges = new Map([
    ['0', gaugeValues],
    ['1', gaugeValues.map((value) => value * 2)],
  ]);
  const { contentType, text } = await exposition({ totals: Float64Array.from(recorder.totals()), gauges });
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
      const pairs = [...labels.matchAll(/([a-z_]+)="([^"\\]*)"(?:,|$)/g)];
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

test('every metric of the catalogue is exposed, with its type and all of its series', async () => {
  const families = parse(await exposed());
  assert.deepEqual(
    [...families].map(([name, { type }]) => [name, type]),
    [...cumulativeMetrics, ...workerGauges].map(({ name, type }) => [name, type]),
  );
  for (const { name, type, labelSets } of [...cumulativeMetrics, ...workerGauges]) {
    const samples = families
      .get(name)
      ?.samples.filter((sample) => sample.name === (type === 'histogram' ? `${name}_count` : name));
    assert.equal(samples?.length, type === 'gauge' ? 2 * labelSets.length : labelSets.length, name);
  }
});

test('no series is there twice', async () => {
  const series = (await exposed())
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.slice(0, line.lastIndexOf(' ')));
  assert.equal(new Set(series).size, series.length);
});

test('buckets are in order, never fall, and end at the count', async () => {
  const families = parse(await exposed());
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
        [...definition.buckets.map(String), '+Inf'],
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

test('recorded durations appear where they belong', async () => {
  const { samples } = parse(await exposed()).get('http_server_request_duration_seconds') ?? assert.fail();
  const page = samples.filter(
    ({ labels }) =>
      labels.get('http_route') === '/v1/products/{slug}' &&
      labels.get('http_request_method') === 'GET' &&
      labels.get('http_response_status_code') === '200',
  );
  const value = (le: string) => page.find(({ labels }) => labels.get('le') === le)?.value;
  assert.deepEqual(['0.0005', '0.001', '0.005', '0.075', '10', '+Inf'].map(value), [2, 2, 3, 4, 4, 5]);
  const sum = page.find(({ name }) => name.endsWith('_sum'))?.value ?? 0;
  assert.ok(Math.abs(sum - 20.0736) < 1e-9);
});

test("each living worker's gauges bear its number, in the catalogue's order", async () => {
  const families = parse(await exposed());
  for (const [i, { name }] of workerGauges.entries()) {
    const samples = families.get(name)?.samples ?? [];
    assert.deepEqual(
      samples.map(({ labels, value }) => [labels.get('worker'), value]),
      [
        ['0', i + 0.5],
        ['1', 2 * i + 1],
      ],
      name,
    );
  }
});

test('before any worker has told of itself, every total is 0 and no worker has a gauge', async () => {
  const { text } = await exposition({
    totals: new Float64Array(createRecorder().totals().length),
    gauges: new Map(),
  });
  const families = parse(text);
  for (const { name } of workerGauges) assert.deepEqual(families.get(name)?.samples, []);
  for (const { samples } of families.values()) for (const { value } of samples) assert.equal(value, 0);
});

const hasPromtool = spawnSync('promtool', ['--version']).status === 0;

test('promtool finds nothing to say about the exposition', {
  skip: hasPromtool ? false : 'promtool is not installed (Debian package prometheus)',
}, async () => {
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
    input: await exposed(),
    encoding: 'utf8',
  });
  assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: '', stderr: '' });
});
