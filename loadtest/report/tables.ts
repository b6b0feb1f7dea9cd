/** All figures of a result as tables: a report can be read without its charts. */
import type { Spread } from '../bench/statistics.ts';
import type { Result, Run, Size } from '../lab/result.ts';
import { type Chart, colorOf, missPercentOf } from './charts.ts';
import { type FigureName, figureOf, type Row, spreadOf } from './figures.ts';
import { type Html, html, nothing } from './html.ts';
import { judgeRun, type State } from './judge.ts';
import { flaws, type PublishedRun, published } from './published.ts';
import { decimal, sizeText } from './text.ts';

interface Column {
  readonly head: string;
  readonly unit: string;
  readonly figure: FigureName;
}

const column = (head: string, unit: string, figure: FigureName): Column => ({ head, unit, figure });

const speed: readonly Column[] = [
  column('average', 'ms', 'avgMs'),
  column('p50', 'ms', 'p50Ms'),
  column('p95', 'ms', 'p95Ms'),
  column('p99', 'ms', 'p99Ms'),
  column('page view, average', 'ms', 'pageViewAvgMs'),
  column('page view, p99', 'ms', 'pageViewP99Ms'),
  column('requests', '/s', 'requestsPerSecond'),
  column('page views', '/s', 'pageViewsPerSecond'),
  column('errors', '%', 'errorPercent'),
];
const work: readonly Column[] = [
  column('server CPU', 'ms/page view', 'serverCpuMs'),
  column('Postgres CPU', 'ms/page view', 'postgresCpuMs'),
  column('Redis CPU', 'ms/page view', 'redisCpuMs'),
  column('SQL statements', '/page view', 'sqlStatements'),
  column('Redis commands', '/page view', 'redisCommands'),
  column('peak memory', 'MiB', 'peakMemoryMebibytes'),
  column('generator load', '%', 'generatorPercent'),
];

const heading = (text: string, unit = '') =>
  html`<th scope="col">${text}${unit === '' ? nothing : html`<small>${unit}</small>`}</th>`;

const badge = (state: State): Html => html`<strong class="state ${state}">${state}</strong>`;

/** A row is valid when one round is, and then says how many are not. */
function judgement({ state, runs, timedRuns }: Row): Html {
  const voidRounds = state === 'valid' ? runs.length - timedRuns.length : 0;
  return html`<td>${badge(state)}${voidRounds > 0 ? html`<small>${voidRounds} of ${runs.length} void</small>` : nothing}</td>`;
}

const cell = (figure: Spread | undefined): Html => {
  if (figure === undefined) return html`<td class="none">–</td>`;
  const { median, min, max } = figure;
  return min === max
    ? html`<td>${decimal(median)}</td>`
    : html`<td>${decimal(median)}<small>${decimal(min)}–${decimal(max)}</small></td>`;
};

/** A table may be wider than the screen, and is then scrolled by itself, by keyboard too; its title stays. */
const titled = (title: string, body: Html): Html => html`<h3>${title}</h3>
${scrolled(title, body)}`;

const scrolled = (title: string, body: Html): Html =>
  html`<div class="scroll" role="region" tabindex="0" aria-label="${title}"><table aria-label="${title}">${body}</table></div>`;

function bySize(rows: readonly Row[], columns: number, line: (row: Row) => Html): Html[] {
  const sizes = new Map<string, Size>(rows.map(({ size }) => [size.name, size]));
  return [...sizes.values()].map(
    (size) =>
      html`<tbody><tr><th class="size" scope="rowgroup" colspan="${columns}">${sizeText(size)}</th></tr>
${rows.filter((row) => row.size.name === size.name).map(line)}</tbody>
`,
  );
}

const targetHead = (target: string, color: number) =>
  html`<th scope="row"><span class="swatch" style="--swatch: var(--target-${color})"></span>${target}</th>`;

function figuresTable(
  caption: string,
  columns: readonly Column[],
  rows: readonly Row[],
  targets: readonly string[],
): Html {
  return titled(
    caption,
    html`<thead><tr>${heading('target')}${columns.map(({ head, unit }) => heading(head, unit))}${heading('judgement')}</tr></thead>
${bySize(
  rows,
  columns.length + 2,
  (row) =>
    html`<tr>${targetHead(row.target, colorOf(row.target, targets))}${columns.map(({ figure }) => cell(row.figures[figure]))}${judgement(row)}</tr>
`,
)}`,
  );
}

export const speedTable = (rows: readonly Row[], targets: readonly string[]): Html =>
  figuresTable(
    'What clients saw: time of a response and of a page view, throughput, errors',
    speed,
    rows,
    targets,
  );

export const workTable = (rows: readonly Row[], targets: readonly string[]): Html =>
  figuresTable(
    'What it cost: work for a page view, memory, and how busy the generator was',
    work,
    rows,
    targets,
  );

/** What the scenario measured beside; empty when it measured nothing. */
export function extrasTable(rows: readonly Row[], targets: readonly string[]): Html {
  const names = [...new Set(rows.flatMap(({ runs }) => runs.flatMap(({ extra }) => Object.keys(extra))))];
  const counted = rows.some(({ runs }) => runs.some(({ countedByServer }) => countedByServer !== null));
  if (names.length === 0 && !counted) return nothing;
  const ratio = names.includes('pageStatements');
  const columns: [head: string, unit: string, read: (run: Run) => number | null | undefined][] = [
    ...names.map((name): (typeof columns)[number] => [name, '', ({ extra }) => extra[name]]),
    ...(ratio
      ? [['pages read from Postgres', '% of page views', missPercentOf] satisfies (typeof columns)[number]]
      : []),
    ...(counted
      ? [
          ['requests that k6 counted', '', (run: Run) => run.requests] satisfies (typeof columns)[number],
          [
            'requests that the server counted',
            '',
            (run: Run) => run.countedByServer,
          ] satisfies (typeof columns)[number],
        ]
      : []),
  ];
  const caption = 'Measured beside';
  return titled(
    caption,
    html`<thead><tr>${heading('target')}${columns.map(([head, unit]) => heading(head, unit))}${heading('judgement')}</tr></thead>
${bySize(
  rows,
  columns.length + 2,
  (row) =>
    html`<tr>${targetHead(row.target, colorOf(row.target, targets))}${columns.map(([, , read]) => cell(row.state === 'broken' ? undefined : spreadOf(row.runs.flatMap((run) => read(run) ?? []))))}${judgement(row)}</tr>
`,
)}`,
  );
}

/** Every run as it was made. Of broken ones only errors; times of void ones in parentheses. */
export function runsTable({ runs, scenario }: Result): Html {
  const caption = 'Every run, in the order in which they were made';
  const columns = [...speed, ...work];
  return titled(
    caption,
    html`<thead><tr>${heading('target')}${heading('size')}${heading('round')}${columns.map(({ head, unit }) => heading(head, unit))}${heading('judgement')}</tr></thead>
<tbody>${runs.map((run) => {
      const { state, reasons } = judgeRun(run, scenario.name);
      const shown = ({ figure }: Column) => {
        const text = decimal(figureOf(run, figure));
        if (state === 'broken' && figure !== 'errorPercent' && figure !== 'generatorPercent') return '–';
        return state === 'void' && speed.some((one) => one.figure === figure) ? `(${text})` : text;
      };
      return html`<tr><th scope="row">${run.target}</th><td>${run.size.name}</td><td>${run.round}</td>${columns.map((one) => html`<td>${shown(one)}</td>`)}<td class="words">${badge(state)} ${reasons.join(' ')}</td></tr>
`;
    })}</tbody>`,
  );
}

export function conditionsTable({ scenario, conditions }: Result): Html {
  const lines = Object.entries({
    scenario: scenario.name,
    timeScale: scenario.timeScale,
    ...scenario.settings,
    ...conditions,
  });
  return html`<table class="conditions"><tbody>${lines.map(
    ([name, value]) => html`<tr><th scope="row">${name}</th><td>${String(value)}</td></tr>
`,
  )}</tbody></table>`;
}

/** The figures that a chart draws. */
export function chartTable({ title, unit, axis, labels, series }: Chart): Html {
  return scrolled(
    title,
    html`<thead><tr>${heading(axis)}${series.map(({ target }) => heading(target, unit))}</tr></thead>
<tbody>${labels.map(
      (label, index) =>
        html`<tr><th scope="row">${label}</th>${series.map(({ values }) => html`<td>${decimal(values[index] ?? Number.NaN)}</td>`)}</tr>
`,
    )}</tbody>`,
  );
}

/** The published figures beside ours, of the same scenario. */
export function publishedSection(rows: readonly Row[]): Html {
  const caption = 'The first store: its published figures beside what was measured here';
  const sizes = ['base', 'scaled'] as const;
  const theirs = ({ avgMs, requestsPerSecond, failedPercent }: PublishedRun) =>
    html`<td>${avgMs}</td><td>${requestsPerSecond}</td><td>${failedPercent}</td>`;
  const ours = (target: string, size: string) => {
    const row = rows.find((one) => one.target === target && one.size.name === size);
    const { avgMs, requestsPerSecond, errorPercent } = row?.figures ?? {};
    return html`${cell(avgMs)}${cell(requestsPerSecond)}${cell(errorPercent)}${row ? judgement(row) : html`<td>not measured</td>`}`;
  };
  const units = [heading('average', 'ms'), heading('requests', '/s'), heading('failed', '%')];
  return html`<section><h2>Theirs and ours</h2>
${titled(
  caption,
  html`<thead><tr><th scope="col" rowspan="2">architecture</th><th scope="col" rowspan="2">size</th><th scope="colgroup" colspan="3">theirs, as published</th><th scope="colgroup" colspan="4">ours</th></tr>
<tr>${units}${units}${heading('judgement')}</tr></thead>
<tbody>${published.flatMap((one) =>
    sizes.map(
      (size) =>
        html`<tr><th scope="row">${one.architecture}<small>${one.target}</small></th><td>${size}</td>${theirs(one[size])}${ours(one.target, size)}</tr>
`,
    ),
  )}</tbody>`,
)}
<p>Their sizes were 2 vCPU with 2 GB and 4 vCPU with 8 GB; ours are in the tables above. What is known to be wrong with their figures:</p>
<ul>${flaws.map(
    (
      flaw,
    ) => html`<li>${flaw.split('`').map((text, index) => (index % 2 ? html`<code>${text}</code>` : html`${text}`))}</li>
`,
  )}</ul></section>`;
}
