/** Every way in which a request can fail, as RFC 9457 problem details; the only file that knows their status. */

interface Problem {
  readonly status: number;
  readonly title: string;
  /** A sentence or two for the page that a problem's type names. */
  readonly meaning: string;
  readonly remedy: string;
}

export const problems = {
  'malformed-request': {
    status: 400,
    title: 'Malformed request',
    meaning:
      'The request is not one of HTTP/1.1 or HTTP/1.0: its syntax, its Host or what says where its body ends is wrong.',
    remedy: 'Send it with a client library; the detail names what is wrong.',
  },
  'malformed-target': {
    status: 400,
    title: 'Malformed request target',
    meaning:
      'The path or the query holds what may not be there, such as a fragment, a backslash or an encoded slash.',
    remedy: 'Send a path with one leading slash, and percent-encode the values of parameters.',
  },
  'malformed-slug': {
    status: 400,
    title: 'Malformed slug',
    meaning: 'No product can have this slug.',
    remedy: 'Take slugs from the list of products; they are lower-case letters, digits and hyphens.',
  },
  'malformed-parameter': {
    status: 400,
    title: 'Malformed parameter',
    meaning: 'A parameter is not of the form that it must have, is there twice, or does not go with another.',
    remedy: 'The detail names the parameter and says what it must be; /openapi.json has all of them.',
  },
  'unknown-parameter': {
    status: 400,
    title: 'Unknown query parameter',
    meaning:
      'The resource does not have this query parameter. It is refused rather than ignored, so that a slip does not go unseen.',
    remedy: 'The detail names the parameters there are. Leave others, such as those of campaigns, out.',
  },
  'not-found': {
    status: 404,
    title: 'Not found',
    meaning: 'There is nothing at this path.',
    remedy: '/openapi.json has all paths there are.',
  },
  'unknown-product': {
    status: 404,
    title: 'Unknown product',
    meaning: 'No product has this slug. It may have had another name, or have been taken off the catalogue.',
    remedy: 'Ask for it in the list of products.',
  },
  'unknown-module': {
    status: 404,
    title: 'Unknown module',
    meaning: 'A product page has no module of this name.',
    remedy: 'The detail names the modules there are.',
  },
  'method-not-allowed': {
    status: 405,
    title: 'Method not allowed',
    meaning: 'The catalogue can be read here and not changed.',
    remedy: 'Use GET, HEAD or OPTIONS.',
  },
  'request-timeout': {
    status: 408,
    title: 'Request timeout',
    meaning: 'The request did not arrive in time, and the connection was closed.',
    remedy: 'Send it again on a new connection.',
  },
  'unexpected-content': {
    status: 413,
    title: 'Content too large',
    meaning: 'The request has a body, for which there is no use.',
    remedy: 'Send it without Content-Length and Transfer-Encoding.',
  },
  'target-too-long': {
    status: 414,
    title: 'Request target too long',
    meaning: 'The path and the query are longer than any that mean something here.',
    remedy: 'Ask for less at once: split a long list of slugs.',
  },
  'headers-too-large': {
    status: 431,
    title: 'Request header fields too large',
    meaning: 'The request has too many header fields, or they are too long.',
    remedy: 'Send fewer; cookies are of no use here.',
  },
  'internal-error': {
    status: 500,
    title: 'Internal error',
    meaning: 'The server has made a mistake, which is in its log.',
    remedy: 'Try again later, and report it with the X-Request-Id of the answer.',
  },
  'temporarily-unavailable': {
    status: 503,
    title: 'Temporarily unavailable',
    meaning: 'The catalogue cannot be read at the moment, or is asked for more than it can answer.',
    remedy: 'Try again after as many seconds as Retry-After says.',
  },
} as const satisfies Readonly<Record<string, Problem>>;

export type ProblemCode = keyof typeof problems;

/** A reference to the page about it (`problem-pages.ts`). */
const typeOf = (code: string): string => `/problems/${code}`;

export const problemCodes: readonly string[] = Object.keys(problems);
/** All that a problem's `type` can be. */
export const problemTypes: readonly string[] = problemCodes.map(typeOf);

export const allowedMethods = 'GET, HEAD, OPTIONS';
export const methodNotAllowed = [
  'method-not-allowed',
  `Only ${allowedMethods} exist here.`,
  ['Allow', allowedMethods],
] as const satisfies Parameters<typeof problemResponse>;

export interface ProblemResponse {
  readonly status: number;
  readonly headers: string[];
  readonly body: string;
}

/** The whole response. `detail` is one sentence of ours: it never repeats anything from the request. */
export function problemResponse(
  code: ProblemCode,
  detail: string,
  extraHeaders: readonly string[] = [],
): ProblemResponse {
  const { status, title } = problems[code];
  const body = JSON.stringify({ type: typeOf(code), title, status, detail });
  return {
    status,
    headers: [
      'Content-Type',
      'application/problem+json',
      'Content-Length',
      String(Buffer.byteLength(body)),
      'Cache-Control',
      'no-store',
      'X-Content-Type-Options',
      'nosniff',
      'Access-Control-Allow-Origin',
      '*',
      'Access-Control-Expose-Headers',
      'Cache-Status, Retry-After, X-Request-Id',
      ...extraHeaders,
    ],
    body,
  };
}

/** The same as a page for people; `make` makes it of title and detail. */
export function problemPage(
  code: ProblemCode,
  detail: string,
  extraHeaders: readonly string[],
  make: (title: string, detail: string) => { readonly fields: readonly string[]; readonly body: string },
): ProblemResponse {
  const { status, title } = problems[code];
  const { fields, body } = make(title, detail);
  return {
    status,
    headers: [...fields, 'Content-Length', String(body.length), 'Cache-Control', 'no-store', ...extraHeaders],
    body,
  };
}

export interface RawProblemResponse {
  readonly status: number;
  /** Each character is one. */
  readonly bytes: string;
  readonly bodyBytes: number;
}

/** The same as bytes for a connection whose request node:http could not parse, so that there is no response object. */
export function rawProblemResponse(
  code: ProblemCode,
  detail: string,
  extraHeaders: readonly string[] = [],
): RawProblemResponse {
  const { status, headers, body } = problemResponse(code, detail, [...extraHeaders, 'Connection', 'close']);
  const lines = [`HTTP/1.1 ${status} ${problems[code].title}`];
  for (let i = 0; i < headers.length; i += 2) lines.push(`${headers[i]}: ${headers[i + 1]}`);
  return { status, bytes: `${lines.join('\r\n')}\r\n\r\n${body}`, bodyBytes: body.length };
}

/** True when the error means that the source of pages did not answer or was not asked, which may pass: the client should come again. */
export function isUnavailable(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    (error.code === 'database_unavailable' || error.code === 'load_timeout' || error.code === 'overloaded')
  );
}

/** Seconds for Retry-After: 1 to 3, spread so that clients do not come back together. `random` is uniform in [0, 1). */
export const retryAfterSeconds = (random: number): string => String(1 + Math.floor(3 * random));
