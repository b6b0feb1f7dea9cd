/** The form that narrows the catalogue down, and addresses that say the same. */
import { type Html, html, type Part } from './html.ts';

/** Parameters of a list by name, as they were checked. */
export type FilterValues = Readonly<
  Record<string, string | number | boolean | readonly string[] | undefined>
>;

export const formId = 'filters';

const notFilters = new Set(['cursor', 'limit', 'sort']);

/** Whether the list is not simply all products. */
export const isFiltered = (values: FilterValues): boolean =>
  Object.entries(values).some(([name, value]) => value !== undefined && !notFilters.has(name));

/** `?name=value&…`, or nothing when there are no values. */
export function queryOf(values: FilterValues): string {
  const pairs = Object.entries(values).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeURIComponent(String(value)).replaceAll('%20', '+')}`],
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
const tagNames = {
  genre:
    'Action,Adventure,RPG,Strategy,Simulation,Puzzle,Racing,Platformer,Shooter,Survival,Card Game,Horror,Sports,Rogue-Lite,City Builder,Narration',
  platform: 'Windows,macOS,Linux,PlayStation 5,Xbox Series X|S,Nintendo Switch',
  feature:
    'Single Player,Multiplayer,Co-op,Online Multiplayer,Local Multiplayer,Cross Platform,Controller Support,Cloud Saves,Achievements,Leaderboards,VR,Mod Support',
};
const tags = (names: string): readonly Choice[] =>
  names.split(',').map((name) => [name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-'), name]);
const prices: readonly Choice[] = [500, 1000, 2000, 3000, 4000, 6000].map((minor) => [
  String(minor),
  `$${minor / 100}`,
]);
const ratings: readonly Choice[] = ['4.5', '4', '3.5', '3'].map((value) => [
  value,
  `${value} stars and more`,
]);

/** `offered` are the names of the parameters that lists have: there is a field for each of these, and for no other. */
export function filterForm(values: FilterValues, offered: ReadonlySet<string>): Html {
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
        html`<input id="${id}" name="${name}" type="text" value="${value}" maxlength="100" autocomplete="off">`,
    );
  const fields = [
    select('sort', 'Sort by', 'Most popular', sorts.slice(1)),
    select('genre', 'Genre', 'All genres', tags(tagNames.genre)),
    select('platform', 'Platform', 'All platforms', tags(tagNames.platform)),
    select('feature', 'Feature', 'Any features', tags(tagNames.feature)),
    offered.has('price_min') &&
      html`<div class="pair">${select('price_min', 'Price from', 'Any', prices)}${select('price_max', 'to', 'Any', prices)}</div>`,
    offered.has('on_sale') &&
      html`<p class="check"><input id="f-on_sale" name="on_sale" type="checkbox" value="true" ${values.on_sale === true && html`checked`}><label for="f-on_sale">On sale</label></p>`,
    select('min_rating', 'Players’ rating', 'Any', ratings),
    offered.has('released_after') &&
      html`<div class="pair">${date('released_after', 'Released after')}${date('released_before', 'and before')}</div>`,
    words('developer', 'Developer'),
    words('publisher', 'Publisher'),
  ].filter((found) => found !== false);
  const isOpen = isFiltered(values);
  return html`<form id="${formId}" class="filters" action="/">
${
  fields.length > 0 &&
  html`<details ${isOpen && html`open`}><summary>Sort and filter</summary>
<div class="fields">${fields}
<p class="actions"><button class="button">Show games</button>${isOpen && html`<a href="/">Clear all</a>`}</p></div></details>`
}
</form>`;
}
