/**
 * Every resource there is: its path, its parameters and its answers. The parser, the metrics' labels and the OpenAPI
 * document follow this table.
 */
import type { pageRoutes } from './page-routes.ts';
import type { Parameter, Parameters } from './parameters.ts';
import { problemCodes } from './problems.ts';

export interface RouteDefinition {
  /** Names the operations: `getProductPage`. */
  readonly operation: string;
  /** One sentence. */
  readonly summary: string;
  readonly description?: string;
  /** Those in braces in the path. */
  readonly path?: Parameters;
  readonly query?: Parameters;
  /**
   * Query parameters that ask for something else than the others: the first must be there for the rest to have a meaning, and none
   * goes with a parameter that is not among them.
   */
  readonly apart?: readonly string[];
  /**
   * What GET and HEAD may answer, by status: names of responses in `openapi.base.json`. What any request may be
   * answered is added, and a resource that knows 304 has the parameters that conditional requests and content codings need.
   */
  readonly responses: Readonly<Record<number, string>>;
}
export type RouteTable = Readonly<Record<`/${string}`, RouteDefinition>>;

/** What is made of a document: compressed as asked for, and 304 for who has it. */
const representation = { 304: 'NotModified', 500: 'InternalError' } as const;
/** The same, read through the cache. */
const cached = { ...representation, 503: 'Unavailable' } as const;

const slug = {
  schema: { type: 'string', pattern: '^[a-z0-9-]{1,80}$' },
  description: 'Public key of a product.',
  form: '1 to 80 characters long, each a lower-case letter, a digit or a hyphen',
  problem: 'malformed-slug',
} as const satisfies Parameter;

/** What a product page consists of, in its order. */
const modules = [
  'id',
  'slug',
  'title',
  'type',
  'shortDescription',
  'description',
  'rating',
  'trailer',
  'media',
  'genres',
  'features',
  'platforms',
  'developers',
  'publishers',
  'releaseDate',
  'ageRating',
  'price',
  'refundType',
  'editions',
  'addOns',
  'achievements',
  'critics',
  'polls',
  'reviews',
  'systemRequirements',
  'languages',
  'socialLinks',
  'legalText',
] as const;

const fields = {
  schema: {
    type: 'array',
    items: { type: 'string', enum: modules },
    minItems: 1,
    maxItems: modules.length,
  },
  description:
    'The modules of the page to answer with, instead of all. Their order makes no difference to the answer.',
  example: ['slug', 'price', 'media'],
} as const satisfies Parameter;

export const routes = {
  '/v1/products/{slug}': {
    operation: 'ProductPage',
    summary: 'The whole page of a product, or some of its modules.',
    path: { slug },
    query: { fields },
    responses: { 200: 'ProductPage', 404: 'UnknownProduct', ...cached },
  },
  '/v1/products/{slug}/{module}': {
    operation: 'ProductModule',
    summary: 'One module of the page of a product.',
    description:
      'Its ETag changes with the module alone, so that a client keeps its copy while the rest of the page changes.',
    path: {
      slug,
      module: {
        schema: { type: 'string', enum: modules },
        description: 'Name of a member of the product page.',
        problem: 'unknown-module',
        example: 'media',
      },
    },
    responses: { 200: 'ProductModule', 404: 'UnknownProductOrModule', ...cached },
  },
  '/v1/products': {
    operation: 'ProductList',
    summary: 'Games in order of popularity, a page at a time; or the pages of the products that are named.',
    description:
      'With slugs, the pages of these products in the order in which they are named; those that do not exist are listed apart.',
    query: {
      limit: {
        schema: { type: 'integer', minimum: 1, maximum: 100, default: 24 },
        description: 'Most products in the answer.',
      },
      cursor: {
        schema: { type: 'string', pattern: '^[A-Za-z0-9_-]{1,32}$' },
        description: 'The nextCursor of an earlier answer; it continues there.',
        form: 'the nextCursor of an earlier answer',
      },
      slugs: {
        schema: { type: 'array', items: slug.schema, minItems: 1, maxItems: 100 },
        description:
          'Products whose pages to answer with, each once. It goes with fields alone, and the whole target must not have more than 4096 bytes.',
        form: slug.form,
      },
      fields: { ...fields, description: `${fields.description} It goes with slugs alone.` },
    },
    apart: ['slugs', 'fields'],
    responses: { 200: 'ProductListOrBatch', ...cached },
  },
  '/livez': {
    operation: 'Liveness',
    summary: 'Whether the process answers.',
    responses: { 200: 'Alive' },
  },
  '/readyz': {
    operation: 'Readiness',
    summary: 'Whether the process may be sent requests.',
    responses: { 200: 'Ready', 503: 'NotReady' },
  },
  '/openapi.json': {
    operation: 'Contract',
    summary: 'This document.',
    responses: { 200: 'OpenAPIDocument', ...representation },
  },
  '/problems/{code}': {
    operation: 'ProblemPage',
    summary: 'What a problem means, and what to do about it; for people.',
    path: {
      code: {
        schema: { type: 'string', enum: problemCodes },
        description: 'The last part of the type of a problem.',
        problem: 'not-found',
        example: 'unknown-product',
      },
    },
    responses: { 200: 'ProblemPage', 404: 'NotFound', ...representation },
  },
} as const satisfies RouteTable;

/** The path of a route as the table has it; `unmatched` is where every other path leads. */
export type Route = keyof typeof routes | keyof typeof pageRoutes | 'unmatched';
