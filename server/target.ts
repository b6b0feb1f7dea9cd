/**
 * The request target, parsed by hand and against an allow-list: nothing is decoded but the texts of people, and only what
 * has been validated becomes a key. One target means one thing, so no cache in front can be told another story.
 */
import { targetMaxBytes } from './limits.ts';
import { pageRoutes } from './page-routes.ts';
import {
  enumeration,
  expectation,
  type ParameterReader,
  type Parameters,
  parameterReader,
  type ValueOf,
} from './parameters.ts';
import type { ProblemCode } from './problems.ts';
import { type RouteDefinition, routes } from './routes.ts';

type Flat<T> = { [K in keyof T]: T[K] };
type PathValues<R> = R extends { readonly path: infer P extends Parameters }
  ? { readonly [K in keyof P]: ValueOf<P[K]['schema']> }
  : object;
type AlwaysThere = { readonly required: true } | { readonly schema: { readonly default: unknown } };
type QueryValues<R> = R extends { readonly query: infer Q extends Parameters }
  ? { readonly [K in keyof Q as Q[K] extends AlwaysThere ? K : never]: ValueOf<Q[K]['schema']> } & {
      readonly [K in keyof Q as Q[K] extends AlwaysThere ? never : K]?: ValueOf<Q[K]['schema']>;
    }
  : object;

/** Of the tables of routes, what the parser looks at. */
type Addressed = Partial<RouteDefinition>;
type AddressTable = Readonly<Record<`/${string}`, Addressed>>;

export interface TargetProblem<Name> {
  readonly route: Name;
  readonly problem: ProblemCode;
  readonly detail: string;
}

/** A route with the values of its parameters, as its schemas say they are; or what is wrong with the target. */
export type TargetOf<T extends AddressTable> =
  | {
      [Name in keyof T]: Flat<{ readonly route: Name } & PathValues<T[Name]> & QueryValues<T[Name]>>;
    }[keyof T]
  | TargetProblem<keyof T | 'unmatched'>;

export type Target = TargetOf<typeof routes & typeof pageRoutes>;

const productPrefix = '/v1/products/';
const slugPattern = new RegExp(routes['/v1/products/{slug}'].path.slug.schema.pattern);
const parseOther = targetParser({ ...routes, ...pageRoutes });

export function parseTarget(target: string): Target {
  // What most requests are for, and nothing else has this form.
  if (target.startsWith(productPrefix)) {
    const slug = target.slice(productPrefix.length);
    if (slugPattern.test(slug)) return { route: '/v1/products/{slug}', slug };
  }
  return parseOther(target.startsWith('/?') ? withoutEmptyFields(target) : target);
}

/** A form sends its fields that nobody filled in as well, which say nothing. */
const withoutEmptyFields = (target: string): string => {
  const pairs = target.slice(2).split('&');
  return `/?${pairs.filter((pair) => !/^\w+=(?:\+|%20)*$/.test(pair)).join('&')}`;
};

// Visible ASCII without `#` and `\`: the characters of which a target may consist.
const targetPattern = /^\/(?!\/)[!"$-[\]-~]*$/;

const malformed = {
  route: 'unmatched',
  problem: 'malformed-target',
  detail:
    'The request target must be a path with one leading slash, without "#", backslash, control or encoded slash characters.',
} as const;
const tooLong = {
  route: 'unmatched',
  problem: 'target-too-long',
  detail: `The request target must be at most ${targetMaxBytes} bytes long.`,
} as const;
const notFound = {
  route: 'unmatched',
  problem: 'not-found',
  detail: 'There is nothing at this path.',
} as const;

interface CompiledParameter {
  readonly name: string;
  readonly read: ParameterReader;
  readonly problem: ProblemCode;
  readonly detail: string;
}
interface CompiledRoute {
  readonly route: string;
  /** A parameter, or the text that must stand there. */
  readonly segments: readonly (CompiledParameter | string)[];
  readonly query: ReadonlyMap<string, CompiledParameter>;
  readonly required: readonly CompiledParameter[];
  readonly defaults: Readonly<Record<string, unknown>>;
  readonly unknownParameter: string;
  readonly apart: readonly string[];
}

/** The parser of these routes alone. */
export function targetParser<T extends AddressTable>(table: T): (target: string) => TargetOf<T> {
  // In this order a segment that is named comes before a parameter in its place, as `{` is beyond all letters.
  const compiled = Object.entries(table)
    .map(([route, definition]) => compile(route, definition))
    .sort((a, b) => (a.route < b.route ? -1 : 1));
  // The types follow from the schemas by which the values were read, which no guard could tell again.
  return (target) => parse(compiled, target) as TargetOf<T>;
}

function compile(route: string, { path = {}, query = {}, apart = [] }: Addressed): CompiledRoute {
  const compileAll = (kind: 'path' | 'query', parameters: Parameters) =>
    new Map(
      Object.entries(parameters).map(([name, parameter]) => [
        name,
        {
          name,
          read: parameterReader(parameter),
          problem: parameter.problem ?? 'malformed-parameter',
          detail: `The ${kind} parameter ${name} must be ${expectation(parameter)}.`,
        },
      ]),
    );
  const inPath = compileAll('path', path);
  const inQuery = compileAll('query', query);
  const names = [...inQuery.keys()];
  return {
    route,
    segments: route
      .slice(1)
      .split('/')
      .map((segment) => inPath.get(/^\{(.*)\}$/.exec(segment)?.[1] ?? '') ?? segment),
    query: inQuery,
    required: [...inQuery.values()].filter(({ name }) => query[name]?.required),
    defaults: Object.fromEntries(
      Object.entries(query).flatMap(([name, { schema }]) =>
        'default' in schema ? [[name, schema.default]] : [],
      ),
    ),
    unknownParameter:
      names.length === 0
        ? 'This resource takes no query parameters.'
        : names.length === 1
          ? `The query parameter of this resource is ${names[0]}.`
          : `The query parameters of this resource are ${enumeration(names, 'and')}.`,
    apart,
  };
}

function parse(compiled: readonly CompiledRoute[], target: string): object {
  if (target.length > targetMaxBytes) return tooLong;
  if (!targetPattern.test(target)) return malformed;
  const queryAt = target.indexOf('?');
  const path = queryAt < 0 ? target : target.slice(0, queryAt);
  if (/%2f|%5c|%00/i.test(path)) return malformed;

  const segments = path.slice(1).split('/');
  for (const candidate of compiled) {
    if (!isOf(candidate, segments)) continue;
    const values: Record<string, unknown> = { route: candidate.route, ...candidate.defaults };
    const problem =
      readPath(candidate, segments, values) ??
      readQuery(candidate, queryAt < 0 ? '' : target.slice(queryAt + 1), values);
    return problem === undefined ? values : { route: candidate.route, ...problem };
  }
  return notFound;
}

const isOf = (candidate: CompiledRoute, segments: readonly string[]) =>
  candidate.segments.length === segments.length &&
  candidate.segments.every((expected, i) => typeof expected !== 'string' || expected === segments[i]);

type Problem = Omit<TargetProblem<never>, 'route'>;

function readPath(
  candidate: CompiledRoute,
  segments: readonly string[],
  values: Record<string, unknown>,
): Problem | undefined {
  for (const [i, parameter] of candidate.segments.entries()) {
    if (typeof parameter === 'string') continue;
    const value = parameter.read(segments[i] ?? '');
    if (value === undefined) return { problem: parameter.problem, detail: parameter.detail };
    values[parameter.name] = value;
  }
  return undefined;
}

function readQuery(
  candidate: CompiledRoute,
  query: string,
  values: Record<string, unknown>,
): Problem | undefined {
  const seen = new Set<string>();
  for (const pair of query === '' ? [] : query.split('&')) {
    const equalsAt = pair.indexOf('=');
    const name = equalsAt < 0 ? pair : pair.slice(0, equalsAt);
    const parameter = candidate.query.get(name);
    if (parameter === undefined) return { problem: 'unknown-parameter', detail: candidate.unknownParameter };
    if (seen.has(name))
      return {
        problem: 'malformed-parameter',
        detail: `The query parameter ${name} must be given at most once.`,
      };
    seen.add(name);
    const value = parameter.read(equalsAt < 0 ? '' : pair.slice(equalsAt + 1));
    if (value === undefined) return { problem: parameter.problem, detail: parameter.detail };
    values[name] = value;
  }
  const mixed = mixture(candidate.apart, seen);
  if (mixed !== undefined) return { problem: 'malformed-parameter', detail: mixed };
  const missing = candidate.required.find(({ name }) => !seen.has(name));
  return missing && { problem: missing.problem, detail: missing.detail };
}

/** What is wrong when parameters that ask for different things are given together. */
function mixture(apart: readonly string[], given: ReadonlySet<string>): string | undefined {
  const [leader = '', ...followers] = apart;
  const orphan = followers.find((name) => given.has(name) && !given.has(leader));
  if (orphan !== undefined) return `The query parameter ${orphan} goes with ${leader} alone.`;
  if (!given.has(leader) || [...given].every((name) => apart.includes(name))) return undefined;
  return followers.length === 0
    ? `The query parameter ${leader} must be the only one.`
    : `The query parameter ${leader} goes with ${enumeration(followers, 'and')} alone.`;
}
