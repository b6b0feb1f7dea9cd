/**
 * Every resource there is: its path, its parameters and its answers. The parser, the metrics' labels and the OpenAPI
 * document follow this table.
 */
import type { Parameter, Parameters } from './parameters.ts';

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

export const routes = {
  '/v1/products/{slug}': {
    operation: 'ProductPage',
    summary: 'The whole page of a product.',
    path: { slug },
    responses: { 200: 'ProductPage', 404: 'UnknownProduct', ...cached },
  },
  '/v1/products': {
    operation: 'ProductList',
    summary: 'Games in order of popularity, a page at a time.',
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
    },
    responses: { 200: 'ProductList', ...cached },
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
} as const satisfies RouteTable;

/** The path of a route as the table has it; `unmatched` is where every other path leads. */
export type Route = keyof typeof routes | 'unmatched';
