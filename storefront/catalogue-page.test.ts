import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cataloguePage } from './catalogue-page.ts';
import { parseCatalogue } from './document.ts';
import { type FilterValues, queryOf } from './filters.ts';
import { catalogue } from './testing.ts';

const all = [
  'q',
  'sort',
  'genre',
  'feature',
  'platform',
  'developer',
  'publisher',
  'minPriceMinor',
  'maxPriceMinor',
].concat(['onSale', 'releasedFrom', 'releasedTo', 'minRating', 'cursor']);
const render = (list: object, values: FilterValues = {}, offered: readonly string[] = all) =>
  cataloguePage(parseCatalogue(JSON.stringify(list)), values, new Set(offered));
const count = (page: string, pattern: RegExp) => page.match(pattern)?.length ?? 0;

test('the front page has a card for each product, the first of them large as well', () => {
  const page = render(catalogue(24));
  assert.equal(count(page, /<li class="card /g), 24);
  assert.equal(count(page, /class="hero banner/g), 1);
  for (let i = 1; i <= 24; i++)
    assert.match(page, new RegExp(`<h2><a href="/products/game-${i}">Game ${i}</a>`));
  assert.doesNotMatch(page, /undefined|null|NaN|\[object/);
});

test('there is a field for each parameter that lists have, and for no other', () => {
  const fields = (page: string) =>
    [...page.matchAll(/<(?:input|select) [^>]*\bname="(\w+)"/g)].map(([, name]) => name).sort();
  assert.deepEqual(fields(render(catalogue(1))), all.filter((name) => name !== 'cursor').sort());
  assert.deepEqual(fields(render(catalogue(1), {}, ['cursor'])), ['q']);
});

test('the form holds what was asked for', () => {
  const values = {
    q: 'Café "Noir"',
    sort: '-rating',
    genre: ['rpg'],
    maxPriceMinor: 2000,
    onSale: true,
    releasedFrom: '2024-02-29',
    developer: 'Cold & Water',
  };
  const page = render(catalogue(3), values);
  assert.match(page, /name="q" type="search" form="filters" value="Café &quot;Noir&quot;"/);
  assert.match(page, /<option value="-rating" selected>/);
  assert.match(page, /<option value="rpg" selected>/);
  assert.match(page, /<option value="2000" selected>/);
  assert.match(page, /name="onSale" type="checkbox" value="true" checked/);
  assert.match(page, /name="releasedFrom" type="date" value="2024-02-29"/);
  assert.match(page, /name="developer" type="text" value="Cold &amp; Water"/);
  assert.equal(count(page, / selected>/g), 3);
  assert.match(page, /<h1 id="results-title">Results for “Café &quot;Noir&quot;”<\/h1>/);
});

test('the next page is the same list further on, and the last page has none', () => {
  const page = render(catalogue(3, 'abc'), { q: 'a b', genre: ['rpg', 'horror'] });
  assert.match(page, /rel="next" href="\/\?q=a\+b&amp;genre=rpg%2Chorror&amp;cursor=abc"/);
  assert.doesNotMatch(page, /rel="first"/);
  const later = render(catalogue(3, 'def'), { q: 'a b', cursor: 'abc' });
  assert.match(later, /rel="first" href="\/\?q=a\+b"/);
  assert.match(later, /rel="next" href="\/\?q=a\+b&amp;cursor=def"/);
  assert.doesNotMatch(render(catalogue(3, null)), /rel="next"/);
});

test('a list in which nothing is says so, and where to go from there', () => {
  const page = render(catalogue(0, null), { q: 'nothing' });
  assert.match(page, /Nothing on this shelf/);
  assert.equal(count(page, /class="card/g), 0);
});

test('the tags to choose from are those that games have, and the chosen one', () => {
  const page = render(catalogue(3), { genre: ['chess'], platform: ['linux'] });
  assert.match(page, /<option value="rpg" >RPG \(3\)</);
  assert.match(page, /<option value="chess" selected>chess</);
  assert.match(page, /<option value="linux" selected>Linux \(2\)</);
  assert.match(page, /On sale \(1\)/);
});

test('a word that was searched for as another is named', () => {
  assert.match(render(catalogue(1), { q: 'Gmae' }), /“Gmae”, so this is also what fits “game” or “gate”/);
});

test('an empty page of a list that goes on leads further', () => {
  const page = render(catalogue(0, 'further'), { q: 'rare' });
  assert.match(page, /rel="next"/);
  assert.doesNotMatch(page, /Nothing on this shelf/);
});

test('an address says what the values are and no more', () => {
  assert.equal(queryOf({}), '');
  assert.equal(queryOf({ q: 'ä&=', onSale: true, limit: undefined }), '?q=%C3%A4%26%3D&onSale=true');
});
