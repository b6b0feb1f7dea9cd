/** What a product needs and speaks. */
import type { Product } from './document.ts';
import { type Html, html } from './html.ts';
import { section } from './section.ts';
import { icon } from './symbols.ts';

const systems: Readonly<Record<string, string>> = { windows: 'Windows', macos: 'macOS', linux: 'Linux' };
const components: Readonly<Record<string, string>> = {
  os: 'Operating system',
  processor: 'Processor',
  memory: 'Memory',
  graphics: 'Graphics',
  directx: 'DirectX',
  storage: 'Storage',
};
const labelOf = (component: string) =>
  components[component] ?? component.charAt(0).toUpperCase() + component.slice(1);

export function requirementsSection({ systemRequirements }: Product) {
  if (systemRequirements.length === 0) return undefined;
  return section(
    'requirements',
    'System requirements',
    html`<div class="tables">${systemRequirements.map(requirementsTable)}</div>`,
    'Requirements',
  );
}

function requirementsTable({ os, minimum, recommended }: Product['systemRequirements'][number]): Html {
  const named = [...new Set([...minimum, ...recommended].map(({ component }) => component))];
  const valueIn = (list: typeof minimum, component: string) =>
    list.find((requirement) => requirement.component === component)?.value ?? '–';
  return html`<table class="requirements"><caption>${systems[os] ?? os}</caption>
<thead><tr><th scope="col">Component</th><th scope="col">Minimum</th>${recommended.length > 0 && html`<th scope="col">Recommended</th>`}</tr></thead>
<tbody>${named.map(
    (component) =>
      html`<tr><th scope="row">${labelOf(component)}</th><td>${valueIn(minimum, component)}</td>${recommended.length > 0 && html`<td>${valueIn(recommended, component)}</td>`}</tr>`,
  )}</tbody></table>`;
}

export function languagesSection({ languages }: Product) {
  if (languages === null) return undefined;
  const all = new Map([...languages.text, ...languages.audio].map(({ code, name }) => [code, name]));
  const spoken = new Set(languages.audio.map(({ code }) => code));
  const written = new Set(languages.text.map(({ code }) => code));
  const cell = (has: boolean) =>
    html`<td>${has ? html`<span class="yes">${icon('check')}<span class="hidden">Yes</span></span>` : html`<span class="no" aria-hidden="true">–</span><span class="hidden">No</span>`}</td>`;
  return section(
    'languages',
    'Languages',
    html`<table class="languages"><caption class="hidden">Languages spoken and written</caption>
<thead><tr><th scope="col">Language</th><th scope="col">Audio</th><th scope="col">Text</th></tr></thead>
<tbody>${[...all].map(
      ([code, name]) =>
        html`<tr><th scope="row" lang="${code}">${name}</th>${cell(spoken.has(code))}${cell(written.has(code))}</tr>`,
    )}</tbody></table>`,
  );
}
