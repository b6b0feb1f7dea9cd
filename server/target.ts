/**
 * The request target, parsed by hand and against an allow-list: nothing is decoded, and only what has been
 * validated becomes a key. One target means one thing, so no cache in front can be told another story.
 */
import { targetMaxBytes } from './limits.ts';
import type { ProblemCode } from './problems.ts';

export type Target =
  | { readonly route: '/v1/products/{slug}'; readonly slug: string }
  | ({ readonly route: '/v1/products' } & ListPosition)
  | { readonly route: '/v1/products.ndjson'; readonly afterId: string }
  | { readonly route: '/livez' | '/readyz' | '/openapi.json' }
  | { readonly route: Route; readonly problem: ProblemCode; readonly detail: string };

/** A page of the list: the `limit` products whose popularity rank comes next after `afterRank` (0: the first). */
export interface ListPosition {
  readonly afterRank: number;
  readonly limit: number;
}

export const routes = [
  '/v1/products/{slug}',
  '/v1/products',
  '/v1/products.ndjson',
  '/livez',
  '/readyz',
  '/openapi.json',
  'unmatched',
] as const;
export type Route = (typeof routes)[number];

const productPrefix = '/v1/products/';
const slugPattern = /^[a-z0-9-]{1,80}$/;
// Visible ASCII without `#` and `\`: the characters of which a target may consist.
const targetPattern = /^\/(?!\/)[!"$-[\]-~]*$/;

export function parseTarget(target: string): Target {
  if (target.startsWith(productPrefix)) {
    const slug = target.slice(productPrefix.length);
    if (slugPattern.test(slug)) return { route: '/v1/products/{slug}', slug };
  }
  return parseOther(target);
}

function parseOther(target: string): Target {
  if (target.length > targetMaxBytes)
    return {
      route: 'unmatched',
      problem: 'target-too-long',
      detail: `The request target must be at most ${targetMaxBytes} bytes long.`,
    };
  if (!targetPattern.test(target) || /%2f|%5c|%00/i.test(target))
    return {
      route: 'unmatched',
      problem: 'malformed-target',
      detail:
        'The request target must be a path with one leading slash, without "#", backslash, control or encoded slash characters.',
    };
  const queryAt = target.indexOf('?');
  const path = queryAt < 0 ? target : target.slice(0, queryAt);
  const query = queryAt < 0 ? '' : target.slice(queryAt + 1);

  if (path.startsWith(productPrefix)) {
    const route = '/v1/products/{slug}';
    if (!slugPattern.test(path.slice(productPrefix.length)))
      return {
        route,
        problem: 'malformed-slug',
        detail: 'A slug must be 1 to 80 characters long, each a lower-case letter, a digit or a hyphen.',
      };
    return query === ''
      ? { route, slug: path.slice(productPrefix.length) }
      : { route, ...unknownParameter('This resource takes no query parameters.') };
  }
  if (path === '/v1/products') return parseList(query);
  if (path === '/v1/products.ndjson') return parseExport(query);
  if (path === '/livez' || path === '/readyz' || path === '/openapi.json')
    return query === ''
      ? { route: path }
      : { route: path, ...unknownParameter('This resource takes no query parameters.') };
  return { route: 'unmatched', problem: 'not-found', detail: 'There is nothing at this path.' };
}

const defaultLimit = 24;
const largestLimit = 100;

function parseList(query: string): Target {
  const route = '/v1/products';
  let afterRank = 0;
  let limit = defaultLimit;
  const seen = new Set<string>();
  for (const pair of query === '' ? [] : query.split('&')) {
    const equalsAt = pair.indexOf('=');
    const name = equalsAt < 0 ? pair : pair.slice(0, equalsAt);
    const value = equalsAt < 0 ? '' : pair.slice(equalsAt + 1);
    if (name !== 'limit' && name !== 'cursor')
      return { route, ...unknownParameter('The query parameters of this resource are limit and cursor.') };
    if (seen.has(name))
      return { route, ...badParameter(`The query parameter ${name} must be given at most once.`) };
    seen.add(name);
    if (name === 'limit') {
      limit = Number(value);
      if (!/^[1-9]\d{0,2}$/.test(value) || limit > largestLimit)
        return {
          route,
          ...badParameter(`The query parameter limit must be a whole number from 1 to ${largestLimit}.`),
        };
    } else {
      const rank = decodeCursor(value);
      if (rank === undefined)
        return {
          route,
          ...badParameter('The query parameter cursor must be the nextCursor of an earlier answer.'),
        };
      afterRank = rank;
    }
  }
  return { route, afterRank, limit };
}

/** The id of the last document that a client has, as it stands there: nothing to encode, and a client knows it in any case. */
const idPattern = /^(?:0|[1-9]\d{0,17})$/;

function parseExport(query: string): Target {
  const route = '/v1/products.ndjson';
  if (query === '') return { route, afterId: '0' };
  const [, name, afterId = ''] = /^([^=&]*)=?([^&]*)$/.exec(query) ?? [];
  if (name === undefined && /^cursor=[^&]*&cursor=/.test(query))
    return { route, ...badParameter('The query parameter cursor must be given at most once.') };
  if (name !== 'cursor')
    return { route, ...unknownParameter('The only query parameter of this resource is cursor.') };
  return idPattern.test(afterId)
    ? { route, afterId }
    : {
        route,
        ...badParameter(
          'The query parameter cursor must be the id of the last document that arrived whole: a whole number of at most 18 digits.',
        ),
      };
}

const unknownParameter = (detail: string) => ({ problem: 'unknown-parameter', detail }) as const;
const badParameter = (detail: string) => ({ problem: 'malformed-parameter', detail }) as const;

/** A list position as a cache key, and back. */
export const listKey = ({ afterRank, limit }: ListPosition): string => `${afterRank}/${limit}`;

export function listPosition(key: string): ListPosition {
  const [afterRank, limit] = key.split('/');
  return { afterRank: Number(afterRank), limit: Number(limit) };
}

/** A keyset cursor: opaque to clients, so that what a list is ordered by can change. */
export const encodeCursor = (rank: number): string => Buffer.from(`rank:${rank}`).toString('base64url');

function decodeCursor(cursor: string): number | undefined {
  if (cursor.length > 32) return undefined;
  const match = /^rank:([1-9]\d{0,14})$/.exec(Buffer.from(cursor, 'base64url').toString('latin1'));
  const rank = match?.[1] === undefined ? undefined : Number(match[1]);
  // Base64 has several spellings of the same bytes; only ours is a key.
  return rank !== undefined && encodeCursor(rank) === cursor ? rank : undefined;
}
