/** The chart of a result, as an SVG that can be read on light and dark ground, in colours and without. */
import { hitsFactor, loadText, queueDeadlineMs, refusedText, refusedWithinMs, voidReasons } from './judge.ts';
import type { Pass, Result, Step } from './result.ts';

interface Panel {
  readonly title: string;
  /** Of the vertical axis. */
  readonly unit: string;
  readonly scale: 'linear' | 'logarithmic';
  readonly height: number;
  readonly lines: readonly Line[];
  readonly bounds: readonly { readonly name: string; readonly value: number }[];
}

interface Line {
  readonly name: string;
  readonly color: 'a' | 'b' | 'c';
  readonly isDashed: boolean;
  /** One for each load; null where there is none. */
  readonly values: readonly (number | null)[];
}

const width = 760;
const left = 70;
const right = 20;
/** From the ends of the horizontal axis to the first and the last load, whose labels are wider than their points. */
const inset = 36;
/** Above a panel's plot, for its title and its legend. */
const headHeight = 62;
/** Below it, for the loads and what they are. */
const footHeight = 48;
const lineHeight = 18;
/** A little more than letters of the legend's size take on average. */
const letterWidth = 6.6;

/** Goodput, refusals and the 99th percentiles of the latencies over the offered load, each pass with lines of its own. */
export function chartOf(result: Result): string {
  const { passes, capacityPerSecond, conditions } = result;
  const loads = passes[0]?.steps.map(({ load }) => load) ?? [];
  const linesOf = (color: Line['color'], name: string, of: (step: Step) => number | null): Line[] =>
    passes.map(({ refused, steps }) => ({
      name: [name, refusedText[refused]].filter(Boolean).join(', '),
      color,
      isDashed: refused === 'retry',
      values: steps.map(of),
    }));
  const panels: readonly Panel[] = [
    {
      title: 'Goodput: cold pages that came',
      unit: 'pages/s',
      scale: 'linear',
      height: 190,
      lines: linesOf('a', '', ({ goodputPerSecond }) => goodputPerSecond),
      bounds: [{ name: 'capacity', value: capacityPerSecond }],
    },
    {
      title: 'Refusals',
      unit: 'answers/s',
      scale: 'linear',
      height: 150,
      lines: linesOf('b', '', ({ refusalsPerSecond }) => refusalsPerSecond),
      bounds: [],
    },
    {
      title: 'Latency: 99th percentile',
      unit: 'ms',
      scale: 'logarithmic',
      height: 260,
      lines: [
        ...linesOf('a', 'cold pages', ({ admittedMs }) => admittedMs?.p99 ?? null),
        ...linesOf('b', 'refusals', ({ refusedMs }) => refusedMs?.p99 ?? null),
        ...linesOf('c', 'pages in memory', ({ hits }) => hits.ms?.p99 ?? null),
      ],
      bounds: [
        { name: `deadline in the queue, ${queueDeadlineMs} ms`, value: queueDeadlineMs },
        { name: `bound for refusals, ${refusedWithinMs} ms`, value: refusedWithinMs },
        {
          name: `bound for pages in memory, ${hitsFactor} × unloaded`,
          value: hitsFactor * (result.unloaded.hits.ms?.p99 ?? 0),
        },
      ],
    },
  ];
  let top = 44;
  const drawn = panels.map((panel) => {
    const svg = panelSvg(panel, loads, capacityPerSecond, top);
    top += headHeight + legendRows(panel).length * lineHeight + panel.height + footHeight;
    return svg;
  });
  const height = top + 16;
  const voids = passes
    .filter((pass) => voidReasons(result, pass).length > 0)
    .map(({ refused }) => refusedText[refused]);
  const { date, commit, availableCores, seconds } = conditions;
  const measured = `Measured ${String(date).slice(0, 10)} at commit ${commit}, on ${availableCores} cores, ${seconds} s a step.${voids.length > 0 ? ` Void: ${voids.join(', ')}.` : ''}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title description">
<title id="title">Frontshelf under more load than its database can bear</title>
<desc id="description">${escaped(descriptionOf(passes))}</desc>
<style>${css}</style>
<rect class="ground" width="${width}" height="${height}"/>
<text class="heading" x="20" y="28">More load than the database can bear</text>
${drawn.join('\n')}
<text class="small" x="20" y="${top + 2}">${escaped(measured)}</text>
</svg>
`;
}

/** Of each pass what the lines show, for those who do not see them. */
const descriptionOf = (passes: readonly Pass[]): string =>
  passes
    .map(
      ({ refused, steps }) =>
        `When ${refusedText[refused]}, goodput is ${steps
          .map(({ load, goodputPerSecond }) => `${shown(goodputPerSecond)}/s at ${loadText(load)}`)
          .join(', ')}.`,
    )
    .join(' ');

const css = `
text { font: 13px system-ui, sans-serif; fill: #1f2328; }
.heading { font-size: 17px; font-weight: 600; }
.title { font-weight: 600; }
.small { font-size: 11px; fill: #59636e; }
.ground { fill: #ffffff; }
.grid { stroke: #d1d9e0; stroke-width: 1; }
.bound { stroke: #59636e; stroke-width: 1; stroke-dasharray: 1 4; }
.line { fill: none; stroke-width: 2; }
.dashed { stroke-dasharray: 7 4; }
.stroke-a { stroke: #0550ae; } .fill-a { fill: #0550ae; }
.stroke-b { stroke: #bc4c00; } .fill-b { fill: #bc4c00; }
.stroke-c { stroke: #116329; } .fill-c { fill: #116329; }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc; }
  .small { fill: #9198a1; }
  .ground { fill: #0d1117; }
  .grid { stroke: #3d444d; }
  .bound { stroke: #9198a1; }
  .stroke-a { stroke: #79c0ff; } .fill-a { fill: #79c0ff; }
  .stroke-b { stroke: #ffa657; } .fill-b { fill: #ffa657; }
  .stroke-c { stroke: #7ee787; } .fill-c { fill: #7ee787; }
}
`;

function panelSvg(panel: Panel, loads: readonly number[], capacityPerSecond: number, top: number): string {
  const { title, unit, lines, bounds, height } = panel;
  const legend = legendRows(panel);
  const plotTop = top + headHeight - lineHeight + legend.length * lineHeight;
  const { ticks, positionOf } = axisOf(panel);
  const y = (value: number) => rounded(plotTop + height * (1 - positionOf(value)));
  const least = Math.log(loads[0] ?? 1);
  const range = Math.log(loads.at(-1) ?? 1) - least || 1;
  const x = (load: number) =>
    rounded(left + inset + ((width - left - right - 2 * inset) * (Math.log(load) - least)) / range);
  const bottom = plotTop + height;
  const end = width - right;
  return [
    `<g role="presentation">`,
    `<text class="title" x="20" y="${top + 16}">${escaped(title)}</text>`,
    ...legend.flatMap((row, index) => legendSvg(row, top + 16 + (index + 1) * lineHeight)),
    ...ticks.flatMap((tick) => [
      `<line class="grid" x1="${left}" x2="${end}" y1="${y(tick)}" y2="${y(tick)}"/>`,
      `<text class="small" x="${left - 8}" y="${rounded(y(tick) + 4)}" text-anchor="end">${shown(tick)}</text>`,
    ]),
    `<text class="small" transform="translate(16 ${rounded(plotTop + height / 2)}) rotate(-90)" text-anchor="middle">${escaped(unit)}</text>`,
    ...loads.map(
      (load) =>
        `<text class="small" x="${x(load)}" y="${bottom + 16}" text-anchor="middle">${loadText(load)} (${shown(load * capacityPerSecond)}/s)</text>`,
    ),
    `<text class="small" x="${rounded((left + end) / 2)}" y="${bottom + 33}" text-anchor="middle">offered load, without retries, as a multiple of the capacity</text>`,
    ...bounds.flatMap(({ name, value }) => [
      `<line class="bound" x1="${left}" x2="${end}" y1="${y(value)}" y2="${y(value)}"/>`,
      `<text class="small" x="${left + 4}" y="${rounded(y(value) - 4)}">${escaped(name)}</text>`,
    ]),
    ...lines.flatMap((line) => {
      const points = line.values.flatMap((value, index) => {
        const load = loads[index];
        return value === null || load === undefined ? [] : [[x(load), y(value)] as const];
      });
      return [
        `<polyline class="${lineClass(line)}" points="${points.map((point) => point.join(',')).join(' ')}"/>`,
        ...points.map(([cx, cy]) => `<circle class="fill-${line.color}" cx="${cx}" cy="${cy}" r="3"/>`),
      ];
    }),
    '</g>',
  ].join('\n');
}

const sampleWidth = 34;
const entryWidth = ({ name }: Line) => sampleWidth + name.length * letterWidth + 16;

/** As many entries to a row as there is room for. */
function legendRows({ lines }: Panel): Line[][] {
  const rows: Line[][] = [];
  let used = Number.POSITIVE_INFINITY;
  for (const line of lines) {
    if (used + entryWidth(line) > width - left - right) {
      rows.push([]);
      used = 0;
    }
    rows.at(-1)?.push(line);
    used += entryWidth(line);
  }
  return rows;
}

function legendSvg(row: readonly Line[], y: number): string[] {
  let x = left;
  return row.flatMap((line) => {
    const from = rounded(x);
    x += entryWidth(line);
    return [
      `<line class="${lineClass(line)}" x1="${from}" x2="${from + sampleWidth - 8}" y1="${y - 4}" y2="${y - 4}"/>`,
      `<text class="small" x="${from + sampleWidth}" y="${y}">${escaped(line.name)}</text>`,
    ];
  });
}

const lineClass = ({ color, isDashed }: Line) => `line stroke-${color}${isDashed ? ' dashed' : ''}`;

/** Where its ticks are, and how far up from 0 to 1 a value stands. */
function axisOf({ scale, lines, bounds }: Panel): { ticks: number[]; positionOf(value: number): number } {
  const values = [
    ...lines.flatMap((line) => line.values.filter((value) => value !== null)),
    ...bounds.map(({ value }) => value),
  ];
  if (scale === 'linear') {
    const step = niceStep(Math.max(1, ...values) / 4);
    const count = Math.max(1, Math.ceil(Math.max(...values, 0) / step));
    return {
      ticks: Array.from({ length: count + 1 }, (_, index) => index * step),
      positionOf: (value) => value / (count * step),
    };
  }
  const positive = values.filter((value) => value > 0);
  const low = Math.floor(Math.log10(Math.min(1, ...positive)));
  const high = Math.ceil(Math.log10(Math.max(10, ...positive)));
  return {
    ticks: Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index)),
    // Nothing is below the lowest tick but what is 0.
    positionOf: (value) => Math.max(0, (Math.log10(value) - low) / (high - low)),
  };
}

/** 1, 2 or 5 times a power of ten, from `least` up. */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return power * ([1, 2, 5].find((factor) => factor * power >= least) ?? 10);
}

const rounded = (value: number) => Math.round(value * 10) / 10;

const shown = (value: number) =>
  value >= 10 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(2)));

const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
