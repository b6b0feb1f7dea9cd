import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { ServedFrom } from '../cache/entry.ts';
import type { ReadThrough } from '../cache/read-through.ts';
import { cacheStatus } from './cache-status.ts';
import { matchesEtag } from './conditional.ts';
import { negotiateCoding } from './content-coding.ts';
import { fieldsMax } from './limits.ts';
import {
  allowedMethods,
  isUnavailable,
  methodNotAllowed,
  type ProblemCode,
  problemResponse,
  retryAfterSeconds,
} from './problems.ts';
import { type Representation, type Variant, variantIn, withCacheStatus } from './representation.ts';
import { hasOneHost, type RequestHeaders, readHeaders } from './request-headers.ts';
import { listKey, parseTarget, type Route, type Target } from './target.ts';

/** Told what was answered, for metrics. Calls are synchronous and must not throw. */
export interface RequestObserver {
  requestBegan(): void;
  /** `bodyBytes` is what is sent: 0 for an answer without a body. Comes once for each `requestBegan`. */
  requestEnded(method: string, route: Route, status: number, durationMs: number, bodyBytes: number): void;
  productServed(servedFrom: ServedFrom): void;
}

export interface HandlerOptions {
  readonly pages: ReadThrough<Representation>;
  readonly lists: ReadThrough<Representation>;
  /** The OpenAPI document. */
  readonly openapi: Representation;
  readonly observer: RequestObserver;
  /** False until the worker may take traffic, and again when it is about to stop. */
  readonly isReady: () => boolean;
  /** True while every response should close its connection: the worker is stopping, or has too many. */
  readonly closesConnections: () => boolean;
  readonly onUnexpectedError: (error: unknown) => void;
}

const preflightHeaders = [
  'Allow',
  allowedMethods,
  'Access-Control-Allow-Origin',
  '*',
  'Access-Control-Allow-Methods',
  allowedMethods,
  'Access-Control-Allow-Headers',
  'If-None-Match',
  'Access-Control-Max-Age',
  '86400',
];
/** What the fields beyond would say is not known, so the request has no meaning but this. */
const tooManyFields = {
  route: 'unmatched',
  problem: 'headers-too-large',
  detail: `A request must have at most ${fieldsMax} header fields.`,
} as const satisfies Target;
const alive = '{"status":"ok"}';
const notReady = '{"status":"unavailable"}';
const healthHeaders = (body: string) => [
  'Content-Type',
  'application/json',
  'Content-Length',
  String(body.length),
  'Cache-Control',
  'no-store',
  'X-Content-Type-Options',
  'nosniff',
];

/** The public contract, for `http.createServer`. Every request is answered exactly once and recorded exactly once. */
export function createHandler(options: HandlerOptions): RequestListener {
  const { pages, lists, observer } = options;

  /** One request's answer: knows where it goes and what to record of it. */
  interface Exchange {
    readonly req: IncomingMessage;
    readonly res: ServerResponse;
    readonly headers: RequestHeaders;
    readonly route: Route;
    readonly startedAtMs: number;
  }

  function finish(
    { req, res, route, startedAtMs }: Exchange,
    status: number,
    headers: string[],
    body: string,
  ): void {
    // Decided as late as can be: a request may have been waiting when the worker was told to stop.
    if (options.closesConnections()) res.shouldKeepAlive = false;
    res.writeHead(status, headers);
    // The listener makes node:http throw at a body where there must be none.
    const sent = req.method === 'HEAD' ? '' : body;
    res.end(sent, 'latin1');
    observer.requestEnded(req.method ?? '', route, status, performance.now() - startedAtMs, sent.length);
  }

  function refuse(
    exchange: Exchange,
    code: ProblemCode,
    detail: string,
    extraHeaders: readonly string[] = [],
  ): void {
    const { status, headers, body } = problemResponse(code, detail, extraHeaders);
    finish(exchange, status, headers, body);
  }

  function refuseError(exchange: Exchange, error: unknown): void {
    if (isUnavailable(error))
      return refuse(
        exchange,
        'temporarily-unavailable',
        'The catalogue cannot be read at the moment; please try again.',
        ['Retry-After', retryAfterSeconds(Math.random())],
      );
    options.onUnexpectedError(error);
    if (exchange.res.headersSent) {
      exchange.res.destroy();
      const { req, route, startedAtMs } = exchange;
      return observer.requestEnded(req.method ?? '', route, 500, performance.now() - startedAtMs, 0);
    }
    refuse(
      exchange,
      'internal-error',
      'The request could not be answered because of an error in the server.',
    );
  }

  function sendVariant(exchange: Exchange, variant: Variant, status: string | undefined): void {
    const notModified = matchesEtag(exchange.headers.ifNoneMatch, variant.etag);
    const headers = notModified ? variant.notModifiedHeaders : variant.headers;
    finish(
      exchange,
      notModified ? 304 : 200,
      status === undefined ? headers : withCacheStatus(headers, status),
      notModified ? '' : variant.body,
    );
  }

  /** `status` undefined: a hit in memory, whose headers are made already. */
  function send(
    exchange: Exchange,
    representation: Representation,
    status: string | undefined,
    cache?: ReadThrough<Representation>,
    key = '',
  ): void {
    const variant = variantIn(representation, negotiateCoding(exchange.headers.acceptEncoding));
    if (!(variant instanceof Promise)) return sendVariant(exchange, variant, status);
    variant
      .then((made) => {
        cache?.resized(key, representation);
        sendVariant(exchange, made, status);
      })
      .catch((error) => refuseError(exchange, error));
  }

  function sendCached(
    exchange: Exchange,
    cache: ReadThrough<Representation>,
    key: string,
    onServed?: (servedFrom: ServedFrom) => void,
  ): void {
    const hit = cache.hit(key, exchange.startedAtMs);
    if (hit !== undefined) {
      onServed?.('memory');
      return send(exchange, hit, undefined, cache, key);
    }
    cache
      .read(key, exchange.startedAtMs, () => exchange.res.destroyed)
      .then((served) => {
        onServed?.(served.servedFrom);
        const status = cacheStatus(served);
        if (served.value !== undefined) return send(exchange, served.value, status, cache, key);
        refuse(exchange, 'unknown-product', 'No product has this slug.', ['Cache-Status', status]);
      })
      .catch((error) => refuseError(exchange, error));
  }

  function answer(exchange: Exchange, target: Target): void {
    if ('problem' in target) return refuse(exchange, target.problem, target.detail);
    switch (target.route) {
      case '/v1/products/{slug}':
        return sendCached(exchange, pages, target.slug, observer.productServed);
      case '/v1/products':
        return sendCached(exchange, lists, listKey(target));
      case '/openapi.json':
        return send(exchange, options.openapi, undefined);
      case '/livez':
        return finish(exchange, 200, healthHeaders(alive), alive);
      case '/readyz':
        return options.isReady()
          ? finish(exchange, 200, healthHeaders(alive), alive)
          : finish(exchange, 503, healthHeaders(notReady), notReady);
    }
  }

  function respond(exchange: Exchange, target: Target): void {
    const { req, res, headers } = exchange;
    // A body nobody reads would be taken for the next request, so its connection ends here.
    if (headers.hasContent) res.shouldKeepAlive = false;
    if (target === tooManyFields) {
      res.shouldKeepAlive = false;
      return refuse(exchange, tooManyFields.problem, tooManyFields.detail);
    }
    // What comes behind may be of the other protocol; node:http drops what the same read brought.
    if (headers.hasUpgrade) res.shouldKeepAlive = false;
    // The parser takes 0.9 and 2.0 as well, of which nothing else here knows.
    if (req.httpVersion !== '1.1' && req.httpVersion !== '1.0') {
      res.shouldKeepAlive = false;
      return refuse(exchange, 'malformed-request', 'A request must be of HTTP/1.1 or HTTP/1.0.');
    }
    if (!hasOneHost(headers, req.httpVersion)) {
      res.shouldKeepAlive = false;
      return refuse(
        exchange,
        'malformed-request',
        'A request must have exactly one valid Host header field.',
      );
    }
    if (req.method !== 'GET' && req.method !== 'HEAD' && req.method !== 'OPTIONS')
      return refuse(exchange, ...methodNotAllowed);
    if (headers.hasContent)
      return refuse(exchange, 'unexpected-content', 'A request to this server has no body.');
    if (req.method === 'OPTIONS' && !('problem' in target))
      return finish(exchange, 204, preflightHeaders, '');
    answer(exchange, target);
  }

  return (req, res) => {
    const startedAtMs = performance.now();
    observer.requestBegan();
    const headers = readHeaders(req.rawHeaders);
    const target = req.rawHeaders.length > 2 * fieldsMax ? tooManyFields : parseTarget(req.url ?? '');
    const exchange: Exchange = { req, res, headers, route: target.route, startedAtMs };

    try {
      respond(exchange, target);
    } catch (error) {
      refuseError(exchange, error);
    }
  };
}
