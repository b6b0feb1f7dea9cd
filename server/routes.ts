/**
 * Every resource there is: its path, its parameters and its answers. The parser, the metrics' labels and the OpenAPI
 * document follow this table.
 */
import type { pageRoutes } from './page-routes.ts';
import { type Parameter, type Parameters, readable } from './parameters.ts';
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
  /** It is made as it is sent: compressed as asked for, and never the same as before. */
  readonly isStreamed?: true;
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

const product = {
  ...slug,
  description: 'Slug of the product.',
  required: true,
  problem: 'malformed-parameter',
} as const satisfies Parameter;
const limit = {
  schema: { type: 'integer', minimum: 1, maximum: 100, default: 24 },
  description: 'Most items in the answer.',
} as const satisfies Parameter;
const cursor = {
  // Two thirds of it may be the beginning of a title.
  schema: { type: 'string', pattern: '^[A-Za-z0-9_-]{1,512}$' },
  description: 'The nextCursor of an earlier answer to a query with the same parameters; it continues there.',
  form: 'the nextCursor of an earlier answer',
} as const satisfies Parameter;

const tagFilter = <const Example extends string>(kind: string, example: Example) =>
  ({
    schema: {
      type: 'array',
      items: { type: 'string', pattern: '^[a-z0-9-]{1,80}$' },
      minItems: 1,
      maxItems: 16,
    },
    description: `Slugs of ${kind}, of which a game must have one.`,
    form: '1 to 80 characters long, each a lower-case letter, a digit or a hyphen',
    example: example.split(','),
  }) as const satisfies Parameter;
const companyFilter = (verb: string) =>
  ({
    schema: { type: 'string', minLength: 1, maxLength: 200, pattern: readable },
    description: `Name, in full, of a company that ${verb} the game.`,
    form: 'a text of 1 to 200 characters in percent-encoded UTF-8, not all of them spaces',
    isText: true,
  }) as const satisfies Parameter;
const priceFilter = (bound: string) =>
  ({
    schema: { type: 'integer', minimum: 0, maximum: 2_147_483_646 },
    description: `What a game may cost at ${bound} now, in the minor unit of the currency: cents.`,
    example: 1999,
  }) as const satisfies Parameter;
const dayFilter = (bound: string) =>
  ({
    schema: { type: 'string', format: 'date' },
    description: `The ${bound} day on which a game may come out.`,
    example: '2026-01-31',
  }) as const satisfies Parameter;

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
  '/v1/products/{slug}/related': {
    operation: 'RelatedProducts',
    summary: 'Games that have much in common with a product, most first.',
    description:
      'Games are related by tags and companies that they share; one that few games have says more. Compared are the most popular games and others of the same companies. Those of an edition or add-on are those of its game.',
    path: { slug },
    query: { limit: { ...limit, schema: { type: 'integer', minimum: 1, maximum: 48, default: 12 } } },
    responses: { 200: 'RelatedProducts', 404: 'UnknownProduct', ...cached },
  },
  '/v1/products': {
    operation: 'ProductList',
    summary:
      'Games that fit all of the filters and the search, a page at a time; or the pages of the products that are named.',
    description:
      'An answer takes a bounded amount of work. So a page may have fewer items than its limit, and even none, while its nextCursor is not null; follow the cursor until it is. Prices are those of the US market. What a list shows may be a few seconds old, as its Cache-Control says. With slugs, the pages of these products in the order in which they are named; those that do not exist are listed apart.',
    query: {
      q: {
        schema: { type: 'string', minLength: 1, maxLength: 100, pattern: readable },
        description:
          'Words to search for in titles, companies and descriptions; all must be found. The last may be unfinished. A mistyped word finds what it may have been meant to be, as corrections says. The first eight words count.',
        form: 'a text of 1 to 100 characters in percent-encoded UTF-8, not all of them spaces',
        example: 'golden lighthouse',
        isText: true,
      },
      genre: tagFilter('genres', 'action,puzzle'),
      feature: tagFilter('features', 'co-op'),
      platform: tagFilter('platforms', 'windows,linux'),
      developer: companyFilter('developed'),
      publisher: companyFilter('published'),
      minPriceMinor: priceFilter('least'),
      maxPriceMinor: priceFilter('most'),
      onSale: {
        schema: { type: 'boolean', default: false },
        description: 'With true, only games whose price has a saleMinor.',
      },
      releasedFrom: dayFilter('first'),
      releasedTo: dayFilter('last'),
      minRating: {
        schema: { type: 'string', pattern: '^(?:[1-4](?:\\.[0-9]?[1-9])?|5)$' },
        description: 'Least average of the stars.',
        form: 'a number from 1 to 5 with up to two decimals and no zero at their end',
        example: '3.5',
      },
      sort: {
        schema: {
          type: 'string',
          enum: [
            'relevance',
            'popularity',
            '-releaseDate',
            'releaseDate',
            '-rating',
            'price',
            '-price',
            'title',
            '-title',
          ],
        },
        description:
          'The order; with a minus it is descending. Equals come in order of popularity, and what has no such value comes last. Without it, relevance in a search and popularity otherwise. Relevance is only for a search: titles that are what was searched for, titles with all of the words, and the rest, in each the most popular first.',
      },
      facets: {
        schema: { type: 'boolean', default: false },
        description: 'With true, the answer counts the tags of the games that fit.',
      },
      limit,
      cursor,
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
  '/v1/suggest': {
    operation: 'Suggestions',
    summary: 'Titles in which there is what has been typed so far, the most popular first.',
    query: {
      q: {
        schema: { type: 'string', minLength: 1, maxLength: 100, pattern: readable },
        description: 'Words, the last of which may be unfinished.',
        form: 'a text of 1 to 100 characters in percent-encoded UTF-8, not all of them spaces',
        required: true,
        example: 'golden li',
        isText: true,
      },
      limit: { ...limit, schema: { type: 'integer', minimum: 1, maximum: 20, default: 10 } },
    },
    responses: { 200: 'Suggestions', ...cached },
  },
  '/v1/reviews': {
    operation: 'Reviews',
    summary: 'What players wrote of a product, newest first, a page at a time.',
    query: { product, limit, cursor },
    responses: { 200: 'ReviewList', 404: 'UnknownProduct', ...cached },
  },
  '/v1/achievements': {
    operation: 'Achievements',
    summary: 'What there is to achieve in a product, of most points first, a page at a time.',
    query: { product, limit, cursor },
    responses: { 200: 'AchievementList', 404: 'UnknownProduct', ...cached },
  },
  '/v1/products.ndjson': {
    operation: 'ProductExport',
    summary: 'The whole catalogue: the page of every game, a JSON document a line, in order of their ids.',
    description: `A stream that takes as long as its client, and minutes for a million products. Each page is as of some time while the answer is sent; a game that is in the catalogue from beginning to end comes exactly once.

Only an answer that ends as chunked transfer coding does (RFC 9112 section 7.1) is complete. If the connection ends before that, drop the last line unless a line feed ends it, and ask again with the \`id\` of the last line that is left as \`cursor\`: the answer goes on after it. That is also how to go on with an export of yesterday for what has been added.

A server sends few exports at once. One too many is answered 503; come again on another connection.`,
    query: {
      cursor: {
        schema: { type: 'string', pattern: '^(?:0|[1-9][0-9]{0,17})$', default: '0' },
        description:
          'The id of the last document that arrived whole; it continues after that. 0 is the beginning.',
        form: 'the id of the last document that arrived whole, a whole number of at most 18 digits',
      },
    },
    isStreamed: true,
    responses: { 200: 'ProductExport', 500: 'InternalError', 503: 'Unavailable' },
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
