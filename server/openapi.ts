/** The contract as an OpenAPI 3.1 document: paths and parameters from the table of routes, answers from a file beside it. */
import { readFileSync } from 'node:fs';
import type { Parameters } from './parameters.ts';
import { problems, problemTypes } from './problems.ts';
import { type RouteDefinition, type RouteTable, routes } from './routes.ts';
import { targetParser } from './target.ts';

interface ObjectSchema {
  readonly properties: Readonly<Record<string, object>>;
}
interface Content {
  readonly [mediaType: string]: object;
}
interface Base {
  readonly components: {
    readonly responses: Readonly<Record<string, { readonly content?: Content }>>;
    readonly schemas: Readonly<Record<string, object>> & { readonly ProductPage: ObjectSchema };
  };
}

/** A real answer: of a server over a generated catalogue of 300 products. */
interface Example {
  readonly target: string;
  readonly value: unknown;
}

const readJson = (file: URL) => JSON.parse(readFileSync(file, 'utf8'));

export const examples: readonly Example[] = readJson(new URL('./openapi.examples.json', import.meta.url));

/** What any request may be answered, and OPTIONS with what there is to say of a path. */
const always = {
  400: 'BadRequest',
  408: 'RequestTimeout',
  413: 'ContentTooLarge',
  414: 'TargetTooLong',
  431: 'HeadersTooLarge',
};

const reference = (kind: string, name: string) => ({ $ref: `#/components/${kind}/${name}` });

const responsesOf = (names: Readonly<Record<number, string>>) =>
  Object.fromEntries(
    Object.entries({ ...names, ...always }).map(([status, name]) => [status, reference('responses', name)]),
  );

const parametersOf = (place: 'path' | 'query', parameters: Parameters = {}) =>
  Object.entries(parameters).map(([name, { schema, description, example, required }]) => ({
    name,
    in: place,
    ...((place === 'path' || required) && { required: true }),
    description,
    ...(schema.type === 'array' && { style: 'form', explode: false }),
    schema,
    ...(example !== undefined && { example }),
  }));

/** Whether a value of another form is a path that does not exist, rather than malformed. */
const canBeUnknown = (path: Parameters) =>
  Object.values(path).some(({ problem }) => problem !== undefined && problems[problem].status === 404);

function pathItem({ operation, summary, description, path, query, responses }: RouteDefinition): object {
  const fields = 304 in responses ? ['IfNoneMatch', 'AcceptEncoding'] : [];
  const described = (method: string, sentence: string) => ({
    operationId: `${method}${operation}`,
    summary: sentence,
    ...(description !== undefined && { description }),
    ...(fields.length > 0 && { parameters: fields.map((name) => reference('parameters', name)) }),
    responses: responsesOf(responses),
  });
  return {
    parameters: [
      reference('parameters', 'RequestId'),
      ...parametersOf('path', path),
      ...parametersOf('query', query),
    ],
    get: described('get', summary),
    head: described('head', summary.replace(/\.$/, ': the header section alone.')),
    options: {
      operationId: `options${operation}`,
      summary: 'The methods there are.',
      responses: responsesOf({ 204: 'Options', ...(path && canBeUnknown(path) && { 404: 'NotFound' }) }),
    },
  };
}

function withExamples(table: RouteTable, responses: Base['components']['responses']) {
  const routeOf = targetParser(table);
  const byResponse = Map.groupBy(
    examples,
    ({ target }) => definitionOf(table, routeOf(target).route)?.responses[200],
  );
  return Object.fromEntries(
    Object.entries(responses).map(([name, response]) => {
      const own = byResponse.get(name);
      const content = response.content?.['application/json'];
      if (own === undefined || content === undefined) return [name, response];
      const named = Object.fromEntries(own.map(({ target, value }) => [target, { value }]));
      return [name, { ...response, content: { 'application/json': { ...content, examples: named } } }];
    }),
  );
}

const definitionOf = (table: RouteTable, route: string): RouteDefinition | undefined =>
  Object.entries(table).find(([path]) => path === route)?.[1];

/** The document of these routes as a value. */
export function describeContract(table: RouteTable): object {
  const { components, ...base }: Base = readJson(new URL('./openapi.base.json', import.meta.url));
  const { properties, ...page } = components.schemas.ProductPage;
  const schemas = {
    ...components.schemas,
    ProductFields: {
      ...page,
      description: 'The modules of a product page that were asked for.',
      properties,
      required: [],
      minProperties: 1,
    },
    ProductModule: {
      description: 'The value of one module.',
      anyOf: Object.keys(properties).map((name) => ({
        $ref: `#/components/schemas/ProductPage/properties/${name}`,
      })),
    },
    ProblemType: { type: 'string', format: 'uri-reference', enum: problemTypes },
  };
  return {
    ...base,
    paths: Object.fromEntries(Object.entries(table).map(([path, route]) => [path, pathItem(route)])),
    components: { ...components, responses: withExamples(table, components.responses), schemas },
  };
}

export const contractCacheControl = 'public, max-age=300';

/** As it is served: JSON without white space, one character a byte. */
export const openapiDocument = Buffer.from(JSON.stringify(describeContract(routes))).toString('latin1');
