/** The resources for people with a browser, which are no part of the contract of the API. */
import type { Parameter } from './parameters.ts';
import { type RouteTable, routes } from './routes.ts';

const { limit, facets, slugs, fields, ...listParameters } = routes['/v1/products'].query;
const { slug } = routes['/v1/products/{slug}'].path;

const file = {
  schema: { type: 'string', pattern: '^[a-z0-9-]{1,40}\\.[a-z]{2,4}$' },
  description: 'Name of a file.',
  form: 'the name of a file',
  problem: 'not-found',
} as const satisfies Parameter;

/** `/` takes what lists do, but for what says nothing to people. */
export const pageRoutes = {
  '/': { query: listParameters },
  '/products/{slug}': { path: { slug } },
  '/assets/{file}': { path: { file } },
  '/assets/art/{slug}/{file}': { path: { slug, file } },
} as const satisfies Readonly<Record<`/${string}`, Pick<RouteTable[`/${string}`], 'path' | 'query'>>>;

/** What a page says of the parameters that it does not take: a list's route is answered with its page. */
export const pageListDefaults = {
  route: '/v1/products',
  limit: limit.schema.default,
  facets: true,
} as const;
export const pageListParameters: readonly string[] = Object.keys(listParameters);
export const isPageRoute = (route: string): route is keyof typeof pageRoutes =>
  Object.hasOwn(pageRoutes, route);
