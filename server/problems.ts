/** Every way in which a request can fail, as RFC 9457 problem details; the only file that knows their status. */

const problems = {
  'malformed-request': { status: 400, title: 'Malformed request' },
  'malformed-target': { status: 400, title: 'Malformed request target' },
  'malformed-slug': { status: 400, title: 'Malformed slug' },
  'malformed-parameter': { status: 400, title: 'Malformed parameter' },
  'unknown-parameter': { status: 400, title: 'Unknown query parameter' },
  'not-found': { status: 404, title: 'Not found' },
  'unknown-product': { status: 404, title: 'Unknown product' },
  'method-not-allowed': { status: 405, title: 'Method not allowed' },
  'request-timeout': { status: 408, title: 'Request timeout' },
  'unexpected-content': { status: 413, title: 'Content too large' },
  'target-too-long': { status: 414, title: 'Request target too long' },
  'headers-too-large': { status: 431, title: 'Request header fields too large' },
  'internal-error': { status: 500, title: 'Internal error' },
  'temporarily-unavailable': { status: 503, title: 'Temporarily unavailable' },
} as const;

export type ProblemCode = keyof typeof problems;

const typeOf = (code: string): string => `urn:frontshelf:problem:${code}`;

/** All that a problem's `type` can be. */
export const problemTypes: readonly string[] = Object.keys(problems).map(typeOf);

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
