/** A result as one HTML file that asks nothing of any other place. */
import { readFileSync } from 'node:fs';
import type { Result } from '../lab/result.ts';
import { type Chart, chartsOf } from './charts.ts';
import { rowsOf, targetsOf } from './figures.ts';
import { type Html, html, jsonScript, nothing, script, style } from './html.ts';
import {
  chartTable,
  conditionsTable,
  extrasTable,
  publishedSection,
  runsTable,
  speedTable,
  workTable,
} from './tables.ts';
import { countText, decimal } from './text.ts';
import { comparisons, complaints, methodText, sizesText } from './verdict.ts';

const ownFile = (name: string) => readFileSync(new URL(name, import.meta.url), 'utf8');

/** With its licence, and without the address of its source map, which a browser's tools would ask for. */
const chartLibrary = () =>
  readFileSync(new URL('./chart.umd.min.js', import.meta.resolve('chart.js')), 'utf8').replace(
    /\n\/\/# sourceMappingURL=.*\s*$/,
    '\n',
  );

/** The text of the file. */
export function page(result: Result): string {
  const { scenario, runs } = result;
  const rows = rowsOf(result);
  const targets = targetsOf(runs);
  const charts = chartsOf(result);
  const rounds = new Set(runs.map(({ round }) => round)).size;
  const title = `Load test: ${scenario.name}`;
  const document = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>${title}</title>
${style(ownFile('./report.css'))}
</head>
<body>
<main>
<header>
<p class="kind">Load test</p>
<h1>${scenario.name}</h1>
<p class="question">${scenario.question}</p>
<p class="facts">${countText(targets.length, 'target')} · ${sizesText(result)} · ${countText(rounds, 'round')} · ${scenario.timeScale === 1 ? 'full length' : `${decimal(scenario.timeScale)} of full length`}</p>
</header>
<section><h2>Verdict</h2>
${sentences('complaints', complaints(result))}
${sentences('comparisons', comparisons(result))}
<p class="method">${methodText(result)}</p></section>
<section><h2>Figures</h2>
<p>A broken target has no figures but its errors: errors are quick. Of a void round nothing that hangs on time is compared. A response is that of one request; a page view may take several.</p>
${speedTable(rows, targets)}
${workTable(rows, targets)}
${extrasTable(rows, targets)}</section>
${scenario.name === 'old-profile' ? publishedSection(rows) : nothing}
<section><h2>Charts</h2>
<p>Broken targets are in none but that of errors; void rounds are in none that hangs on time. Each chart has its figures below it.</p>
${charts.map(
  (group) => html`<div class="charts">${group.map(figure)}</div>
`,
)}</section>
<section><h2>Conditions</h2>
${conditionsTable(result)}</section>
<section><h2>Every run</h2>
<details><summary>${countText(runs.length, 'run')}</summary>
<p>Times in parentheses are those of void runs.</p>
${runsTable(result)}</details></section>
</main>
${jsonScript('charts', charts.flat())}
${script(chartLibrary())}
${script(ownFile('./draw.js'))}
</body>
</html>
`;
  return document.html;
}

const sentences = (name: string, texts: readonly string[]): Html =>
  texts.length === 0
    ? nothing
    : html`<ul class="${name}">${texts.map(
        (text) => html`<li>${text}</li>
`,
      )}</ul>`;

function figure(chart: Chart): Html {
  const scale = chart.scale === 'logarithmic' ? ', log scale' : '';
  return html`<figure>
<figcaption>${chart.title}<small>${chart.unit}${scale}</small></figcaption>
<div class="canvas"><canvas id="${chart.id}" role="img" aria-label="${chart.title}, ${chart.unit}; figures below"></canvas></div>
<details><summary>Figures</summary>
${chartTable(chart)}</details>
</figure>`;
}
