/**
 * What is asked of lists: from the parameters of a target to a query in one form, whatever their order, which is the key that
 * its answer is kept under; and the cursor with which it is gone on with.
 */
import { hash } from 'node:crypto';
import type { GameFilters, GameListQuery } from '../sql/game-list.ts';
import type { ProductRowKind, ProductRowsQuery } from '../sql/product-rows.ts';
import type { Target } from './target.ts';

export type ListQuery =
  | ({ readonly kind: 'games' } & GameListQuery)
  | ({ readonly kind: ProductRowKind } & ProductRowsQuery)
  | { readonly kind: 'related'; readonly slug: string; readonly limit: number }
  | { readonly kind: 'suggestions'; readonly q: string; readonly limit: number };

export type ListTarget = Extract<
  Target,
  {
    route:
      | '/v1/products'
      | '/v1/products/{slug}/related'
      | '/v1/suggest'
      | '/v1/reviews'
      | '/v1/achievements';
  } & { limit: number }
>;

/** The query that a target asks, or a sentence that says which parameter does not go with the others. */
export function requestedQuery(target: ListTarget): ListQuery | string {
  switch (target.route) {
    case '/v1/products':
      return requestedGames(target);
    case '/v1/products/{slug}/related':
      return { kind: 'related', slug: target.slug, limit: target.limit };
    case '/v1/suggest':
      return { kind: 'suggestions', q: target.q, limit: target.limit };
    case '/v1/reviews':
      return requestedRows('reviews', target);
    case '/v1/achievements':
      return requestedRows('achievements', target);
  }
}

function requestedGames(target: Extract<ListTarget, { route: '/v1/products' }>): ListQuery | string {
  const { q, minPriceMinor, maxPriceMinor, releasedFrom, releasedTo, minRating, limit } = target;
  const sort = target.sort ?? (q === undefined ? 'popularity' : 'relevance');
  if (sort === 'relevance' && q === undefined)
    return 'The query parameter sort can be relevance only together with q.';
  const filters: GameFilters = {
    ...(target.genre && { genre: sortedSet(target.genre) }),
    ...(target.feature && { feature: sortedSet(target.feature) }),
    ...(target.platform && { platform: sortedSet(target.platform) }),
    ...(target.developer !== undefined && { developer: target.developer }),
    ...(target.publisher !== undefined && { publisher: target.publisher }),
    ...(minPriceMinor !== undefined && { minPriceMinor }),
    ...(maxPriceMinor !== undefined && { maxPriceMinor }),
    ...(target.onSale && { onSale: true }),
    ...(releasedFrom !== undefined && { releasedFrom }),
    ...(releasedTo !== undefined && { releasedTo }),
    ...(minRating !== undefined && { minRating: Number(minRating) }),
  };
  const query = { kind: 'games', filters, ...(q !== undefined && { q }), sort } as const;
  const rest = { facets: target.facets, limit };
  if (target.cursor === undefined) return { ...query, ...rest };
  const [key, rank] = decodeCursor(query, target.cursor) ?? [];
  if (rank === undefined || key === undefined || !isKeyOf(sort, key)) return foreignCursor;
  return { ...query, after: { key, rank }, ...rest };
}

function requestedRows(
  kind: ProductRowKind,
  { product, cursor, limit }: { product: string; cursor?: string; limit: number },
): ListQuery | string {
  const query = { kind, slug: product } as const;
  if (cursor === undefined) return { ...query, limit };
  const [key, id] = decodeCursor(query, cursor) ?? [];
  if (id === undefined || typeof key !== 'number') return foreignCursor;
  return { ...query, after: { key, id }, limit };
}

const foreignCursor =
  'The query parameter cursor must be the nextCursor of an earlier answer to a query with the same parameters.';

const sortedSet = (values: readonly string[]) => [...new Set(values)].sort();

/** What an order is by: letters, how well a search fits, or a number that the database holds in 32 bits. */
function isKeyOf(sort: GameListQuery['sort'], key: number | string): boolean {
  if (sort === 'title' || sort === '-title') return typeof key === 'string';
  return typeof key === 'number' && (sort === 'relevance' ? key >= 0 && key <= 2 : Math.abs(key) < 2 ** 31);
}

/** The key of a query, from which `queryOf` makes it again. */
export const keyOf = (query: ListQuery): string => JSON.stringify(query);

/** `key` must come from `keyOf`. */
export function queryOf(key: string): ListQuery {
  const query: ListQuery = JSON.parse(key);
  return query;
}

type CursorKey = number | string;

/**
 * A keyset cursor: the place in its order of what was shown last, and a mark of the query it belongs to. It is opaque to
 * clients, so that what a list is ordered by can change. Whoever makes one up gets a list from another place on, no more.
 */
export const encodeCursor = (query: object, key: CursorKey, rank: number): string =>
  Buffer.from(JSON.stringify([markOf(query), key, rank])).toString('base64url');

function decodeCursor(query: object, cursor: string): [key: CursorKey, rank: number] | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    return undefined;
  }
  if (!Array.isArray(parsed)) return undefined;
  const [, key, rank]: unknown[] = parsed;
  if (!Number.isSafeInteger(key) && !isTitleKey(key)) return undefined;
  if ((typeof key !== 'number' && typeof key !== 'string') || typeof rank !== 'number') return undefined;
  if (!Number.isSafeInteger(rank) || rank < 0) return undefined;
  // The same has several spellings, in JSON as in base64; only ours is one. This compares the mark, too.
  return encodeCursor(query, key, rank) === cursor ? [key, rank] : undefined;
}

/** Text that Postgres can hold; keys of titles are cut to this length. */
const isTitleKey = (key: unknown) =>
  typeof key === 'string' && [...key].length <= 60 && key.isWellFormed() && !key.includes('\0');

/** Limit and facets may change from page to page, what is listed and its order may not. */
function markOf(query: object): string {
  const { after, limit, facets, ...listed }: Record<string, unknown> = { ...query };
  return hash('sha256', JSON.stringify(listed), 'base64url').slice(0, 11);
}

/** The target of the next page, for its `Link`. */
// As short as what was asked for: a target has its bound.
const encoded = (text: string) => encodeURIComponent(text).replaceAll('%20', '+');

export function nextTarget(query: ListQuery, cursor: string): string {
  const parameters = new Map<string, string>();
  const put = (name: string, value: unknown) => void parameters.set(name, encoded(String(value)));
  if (query.kind === 'games') {
    const { filters, q, sort, facets } = query;
    // The comma between values is not one of theirs.
    for (const [name, value] of Object.entries(filters))
      if (Array.isArray(value)) parameters.set(name, value.map(encoded).join(','));
      else put(name, value);
    if (q !== undefined) put('q', q);
    put('sort', sort);
    if (facets) put('facets', true);
  } else if ('slug' in query) put('product', query.slug);
  put('limit', query.limit);
  put('cursor', cursor);
  const path = query.kind === 'games' ? 'products' : query.kind;
  return `/v1/${path}?${[...parameters].map(([name, value]) => `${name}=${value}`).join('&')}`;
}
