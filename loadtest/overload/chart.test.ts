import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chartOf } from './chart.ts';
import { pass, result, step, withLastStep } from './testing.ts';

/** What stands before and behind each line that is drawn: its class and its points. */
const linesOf = (svg: string) =>
  [...svg.matchAll(/<polyline class="([^"]*)" points="([^"]*)"\/>/g)].map(([, name = '', points = '']) => ({
    name,
    points: points === '' ? [] : points.split(' ').map((point) => point.split(',').map(Number)),
  }));

test('goodput, refusals and three latencies have a line each, dashed for those who retry', () => {
  const lines = linesOf(chartOf(result()));
  const plain = ['a', 'b', 'a', 'b', 'c'].map((color) => `line stroke-${color}`);
  assert.deepEqual(
    lines.map(({ name }) => name),
    plain.flatMap((name) => [name, `${name} dashed`]),
  );
  const [goodput, , refusals, , admitted, , refused] = lines;
  assert.equal(goodput?.points.length, 5);
  assert.equal(refusals?.points.length, 5);
  assert.equal(admitted?.points.length, 5);
  // Nothing is refused below the capacity.
  assert.equal(refused?.points.length, 3);
});

test('more is higher, and loads stand apart by their ratios', () => {
  const [goodput] = linesOf(chartOf(withLastStep({ goodputPerSecond: 300 })));
  const [half, one, two, five, ten] = goodput?.points ?? [];
  const x = (point: number[] | undefined) => point?.[0] ?? Number.NaN;
  const y = (point: number[] | undefined) => point?.[1] ?? Number.NaN;
  assert.ok(y(half) > y(one) && y(one) === y(two) && y(five) > y(ten));
  for (const [from, to] of [
    [one, two],
    [five, ten],
  ])
    assert.ok(Math.abs(x(to) - x(from) - (x(one) - x(half))) < 0.2);
});

test('every point is inside, whatever the figures are', () => {
  for (const more of [{}, { goodputPerSecond: 0, refusalsPerSecond: 123_456, admittedMs: null }]) {
    const svg = chartOf(withLastStep(more));
    const [, width, height] = /viewBox="0 0 (\d+) (\d+)"/.exec(svg)?.map(Number) ?? [];
    for (const [cx = Number.NaN, cy = Number.NaN] of linesOf(svg).flatMap(({ points }) => points))
      assert.ok(cx > 0 && cx < Number(width) && cy > 0 && cy < Number(height), `${cx},${cy}`);
  }
});

test('axes say what they are of, it has colours for dark ground, and words for those who do not see it', () => {
  const svg = chartOf(result());
  for (const unit of ['pages/s', 'answers/s', 'ms']) assert.ok(svg.includes(`>${unit}</text>`), unit);
  assert.equal(svg.split('>offered load, without retries, as a multiple of the capacity<').length, 4);
  assert.equal(svg.split('>10× (1,500/s)<').length, 4);
  assert.ok(svg.includes('@media (prefers-color-scheme: dark)'));
  assert.match(svg, /<desc [^>]*>When refused clients give up, goodput is 75\/s at 0\.5×, 150\/s at 1×/);
});

test('what is drawn is well-formed, also of a run that ended early and with odd conditions', () => {
  const odd = result({
    conditions: { ...result().conditions, commit: '<a & "b">' },
    passes: [pass('give up', { steps: [step(0.5)] })],
  });
  for (const svg of [chartOf(result()), chartOf(odd), chartOf(result({ passes: [] }))]) {
    assert.doesNotMatch(svg, /NaN|undefined|Infinity/);
    const open: string[] = [];
    for (const [, closing, name = '', selfClosing] of svg.matchAll(/<(\/?)([a-z]+)[^<>]*?(\/?)>/g)) {
      if (closing) assert.equal(open.pop(), name);
      else if (!selfClosing) open.push(name);
    }
    assert.deepEqual(open, []);
  }
  assert.ok(chartOf(odd).includes('commit &lt;a &amp; &quot;b&quot;&gt;'));
});

test('the chart of a run that is void says so', () => {
  assert.doesNotMatch(chartOf(result()), /void/i);
  assert.match(chartOf(withLastStep({ generatorCores: 1 })), / s a step\. Void: refused clients give up\.</);
});
