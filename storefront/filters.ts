/** The form that narrows the catalogue down, and addresses that say the same. */
import type { Facets } from './document.ts';
import { type Html, html, type Part } from './html.ts';

/** Parameters of a list by name, as they were checked. */
export type FilterValues = Readonly<
  Record<string, string | number | boolean | readonly string[] | undefined>
>;

export const formId = 'filters';

const notFilters = new Set(['cursor', 'limit', 'sort']);

/** Whether the list is not simply all products. */
export const isFiltered = (values: FilterValues): boolean =>
  Object.entries(values).some(
    ([name, value]) => value !== undefined && value !== false && !notFilters.has(name),
  );

/** `?name=value&…` of the values that say something, or nothing when there are none. */
export function queryOf(values: FilterValues): string {
  const pairs = Object.entries(values).flatMap(([name, value]) =>
    value === undefined || value === false
      ? []
      : [`${name}=${encodeURIComponent(String(value)).replaceAll('%20', '+')}`],
  );
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}

type Choice = readonly [value: string, label: string];

const sorts: readonly Choice[] = [
  ['popularity', 'Most popular'],
  ['-releaseDate', 'Newest'],
  ['-rating', 'Best rated'],
  ['price', 'Cheapest'],
  ['-price', 'Most expensive'],
  ['title', 'Title, A to Z'],
];
const prices: readonly Choice[] = [500, 1000, 2000, 3000, 4000, 6000].map((minor) => [
  String(minor),
  `$${minor / 100}`,
]);
const ratings: readonly Choice[] = ['4.5', '4', '3.5', '3'].map((value) => [value, `${value} and more`]);

/** Each with the number of games, as far as these were all counted. */
const tagsOf = (tags: Facets['genre'] = [], isComplete = false): readonly Choice[] =>
  tags.map(({ slug, name, count }) => [slug, isComplete ? `${name} (${count})` : name]);

/** `offered` are the names of the parameters that lists have: there is a field for each of these, and for no other. */
export function filterForm(values: FilterValues, offered: ReadonlySet<string>, facets: Facets | null): Html {
  const field = (name: string, label: string, control: (id: string, value: string) => Html): Part =>
    offered.has(name) &&
    html`<p class="field"><label for="f-${name}">${label}</label>${control(`f-${name}`, String(values[name] ?? ''))}</p>`;
  const select = (name: string, label: string, any: string, choices: readonly Choice[]): Part =>
    field(
      name,
      label,
      (id, value) =>
        html`<select id="${id}" name="${name}"><option value="">${any}</option>${choices.map(
          ([choice, text]) =>
            html`<option value="${choice}" ${choice === value && html`selected`}>${text}</option>`,
        )}</select>`,
    );
  const date = (name: string, label: string): Part =>
    field(name, label, (id, value) => html`<input id="${id}" name="${name}" type="date" value="${value}">`);
  const words = (name: string, label: string): Part =>
    field(
      name,
      label,
      (id, value) =>
        html`<input id="${id}" name="${name}" type="text" value="${value}" maxlength="200" autocomplete="off">`,
    );
  const tags = (name: 'genre' | 'platform' | 'feature', label: string, any: string): Part => {
    const counted = tagsOf(facets?.[name], facets?.isComplete);
    // What was chosen stays on offer, though no game that is shown has it.
    const chosen = values[name] === undefined ? undefined : String(values[name]);
    const isKnown = chosen === undefined || counted.some(([slug]) => slug === chosen);
    return select(name, label, any, isKnown ? counted : [[chosen, chosen], ...counted]);
  };
  const fields = [
    select(
      'sort',
      'Sort by',
      values.q === undefined ? 'Most popular' : 'Best match',
      values.q === undefined ? sorts.slice(1) : sorts,
    ),
    tags('genre', 'Genre', 'All genres'),
    tags('platform', 'Platform', 'All platforms'),
    tags('feature', 'Feature', 'Any features'),
    offered.has('minPriceMinor') &&
      html`<div class="pair">${select('minPriceMinor', 'Price from', 'Any', prices)}${select('maxPriceMinor', 'to', 'Any', prices)}</div>`,
    offered.has('onSale') &&
      html`<p class="check"><input id="f-onSale" name="onSale" type="checkbox" value="true" ${values.onSale === true && html`checked`}><label for="f-onSale">On sale${facets?.isComplete && ` (${facets.onSale})`}</label></p>`,
    select('minRating', 'Players’ rating', 'Any', ratings),
    date('releasedFrom', 'Released from'),
    date('releasedTo', 'Released until'),
    words('developer', 'Developer'),
    words('publisher', 'Publisher'),
  ].filter((found) => found !== false);
  const { q, ...chosen } = values;
  const count = Object.entries(chosen).filter(([name, value]) => isFiltered({ [name]: value })).length;
  return html`<form id="${formId}" class="filters" action="/">
${
  fields.length > 0 &&
  html`<details><summary><span>Sort and filter${count > 0 && html` <b class="score">${count}<span class="hidden"> filters chosen</span></b>`}</span></summary>
<div class="fields">${fields}
<p class="actions"><button class="button">Show games</button>${isFiltered(values) && html`<a href="/">Clear all</a>`}</p></div></details>`
}
</form>`;
}
