import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeCursor, keyOf, type ListQuery, nextTarget, queryOf, requestedQuery } from './list-query.ts';
import { parseTarget } from './target.ts';

/** What a target asks of the lists, or the sentence or code of what is wrong with it. */
function asked(target: string): ListQuery | string {
  const parsed = parseTarget(target);
  if ('problem' in parsed) return parsed.problem;
  switch (parsed.route) {
    case '/v1/products':
    case '/v1/products/{slug}/related':
    case '/v1/suggest':
    case '/v1/reviews':
    case '/v1/achievements':
      return requestedQuery(parsed);
    default:
      return parsed.route;
  }
}

function query(target: string): ListQuery {
  const found = asked(target);
  assert.ok(typeof found !== 'string', `${target}: ${found}`);
  return found;
}

test('one question has one key, whatever the order and number of its words', () => {
  const keys = [
    '/v1/products?genre=action,rpg&platform=linux&sort=price',
    '/v1/products?sort=price&platform=linux&genre=rpg,action',
    '/v1/products?platform=linux,linux&genre=rpg,action,rpg&sort=price&limit=24&onSale=false&facets=false',
  ].map((target) => keyOf(query(target)));
  assert.equal(new Set(keys).size, 1);
});

test('a list is in order of popularity, and a search in that of relevance, if nothing else is said', () => {
  const sortOf = (target: string) => Object(query(target)).sort;
  assert.equal(sortOf('/v1/products'), 'popularity');
  assert.equal(sortOf('/v1/products?q=a'), 'relevance');
  assert.equal(sortOf('/v1/products?q=a&sort=title'), 'title');
  assert.equal(
    asked('/v1/products?sort=relevance'),
    'The query parameter sort can be relevance only together with q.',
  );
});

test('a rating has one spelling, and only those that there can be are one', () => {
  for (const rating of ['1', '5', '3.5', '4.25', '1.01'])
    assert.equal(Object(query(`/v1/products?minRating=${rating}`)).filters.minRating, Number(rating));
  for (const rating of ['0', '6', '5.1', '3.50', '3.0', '03', '+3', '3.123', '', 'x', '1e0'])
    assert.equal(asked(`/v1/products?minRating=${rating}`), 'malformed-parameter', rating);
});

/** Every filter, search and order that there is, now and then. */
const gamesTarget = fc
  .record(
    {
      q: fc.constantFrom('golden%20crown', '%E6%9D%B1%E4%BA%AC', 'a+b'),
      genre: fc.constantFrom('action', 'rpg,action'),
      developer: fc.constantFrom('A%2C%20B%20%26%20C', 'D'),
      minPriceMinor: fc.nat(9999),
      onSale: fc.constant('true'),
      releasedFrom: fc.constant('2020-02-29'),
      minRating: fc.constantFrom('3.5', '4'),
      sort: fc.constantFrom('popularity', '-releaseDate', '-rating', 'price', 'title', '-title'),
      limit: fc.integer({ min: 1, max: 100 }),
      facets: fc.constant('true'),
    },
    { requiredKeys: [] },
  )
  .map(
    (parameters) =>
      `/v1/products?${Object.entries(parameters)
        .map((pair) => pair.join('='))
        .join('&')}`,
  );

test('every query survives the way through its key, and every position through a cursor and the target of the next page', () => {
  fc.assert(
    fc.property(
      gamesTarget,
      fc.integer({ min: -(2 ** 31) + 1, max: 2 ** 31 - 1 }),
      fc.string({ maxLength: 30, unit: 'grapheme' }).filter((text) => !text.includes('\0')),
      fc.maxSafeNat(),
      (target, number, text, rank) => {
        const first = query(target);
        assert.deepEqual(queryOf(keyOf(first)), first);
        assert.ok(first.kind === 'games');
        const key =
          first.sort === 'relevance'
            ? Math.abs(number) % 3
            : first.sort.endsWith('title')
              ? [...text].slice(0, 60).join('')
              : number;
        const next = query(nextTarget(first, encodeCursor(first, key, rank)));
        assert.deepEqual(next, { ...first, after: { key, rank } });
      },
    ),
  );
});

test('the pages of reviews and achievements follow one another in the same way', () => {
  for (const path of ['/v1/reviews', '/v1/achievements']) {
    const first = query(`${path}?product=a-game&limit=7`);
    const next = query(nextTarget(first, encodeCursor(first, -1_789_166_769_000_000, 12)));
    assert.deepEqual(next, { ...first, after: { key: -1_789_166_769_000_000, id: 12 } });
    assert.match(
      String(asked(`${path}?product=other&cursor=${encodeCursor(first, 1, 2)}`)),
      /cursor must be/,
    );
  }
});

test('a cursor goes on with the query it was made for and no other, with any limit', () => {
  const first = query('/v1/products?genre=rpg&sort=price');
  const cursor = encodeCursor(first, 1999, 5);
  assert.equal(
    typeof asked(`/v1/products?genre=rpg&sort=price&limit=3&facets=true&cursor=${cursor}`),
    'object',
  );
  for (const other of [
    'sort=price',
    'genre=rpg',
    'genre=rpg&sort=-price',
    'genre=rpg&sort=price&onSale=true',
    'genre=rpg&sort=price&q=a',
  ])
    assert.match(
      String(asked(`/v1/products?${other}&cursor=${cursor}`)),
      /cursor must be the nextCursor/,
      other,
    );
});

test('whatever is given as a cursor is refused unless it is spelt as ours, with a key that the order can have', () => {
  const of = (sort: string) => query(`/v1/products?sort=${sort}&q=a`);
  const refused = (sort: string, cursor: string) =>
    assert.equal(typeof asked(`/v1/products?sort=${sort}&q=a&cursor=${cursor}`), 'string', cursor);
  const good = encodeCursor(of('price'), 0, 1);
  assert.equal(typeof asked(`/v1/products?sort=price&q=a&cursor=${good}`), 'object');
  for (const bad of ['', 'x', `${good}=`, `${good}A`, good.slice(1), good.toUpperCase()])
    refused('price', bad);
  for (const key of ['text', 2 ** 31, 1.5, -(2 ** 31)]) refused('price', encodeCursor(of('price'), key, 1));
  for (const rank of [-1, 1.5, 2 ** 53]) refused('price', encodeCursor(of('price'), 0, rank));
  for (const key of [1, 'a\0b', '\ud800', 'x'.repeat(61)])
    refused('title', encodeCursor(of('title'), key, 1));
  for (const key of [3, -1, 'text']) refused('relevance', encodeCursor(of('relevance'), key, 1));
  const raw = (text: string) => Buffer.from(text).toString('base64url');
  const mark = JSON.parse(Buffer.from(good, 'base64url').toString())[0];
  for (const text of [
    `["${mark}",0, 1]`,
    `["${mark}",0,1,2]`,
    `["${mark}",0,01]`,
    `["${mark}",-0,1]`,
    '{}',
    'null',
    '[[]]',
    `["${mark}",[0],1]`,
  ])
    refused('price', raw(text));
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (key, rank) => {
      const cursor = raw(JSON.stringify([mark, key, rank]));
      const found = asked(`/v1/products?sort=price&q=a&cursor=${cursor}`);
      if (typeof found !== 'string') assert.deepEqual(Object(found).after, { key, rank });
    }),
  );
});
