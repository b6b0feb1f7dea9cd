import { randomUUID } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { ServedFrom } from '../cache/entry.ts';
import type { Gatherer } from '../cache/gather.ts';
import type { ReadThrough, Served } from '../cache/read-through.ts';
import { type BrowserPages, type PageOf, serverTiming } from './browser-pages.ts';
import { batchCacheStatus, cacheStatus } from './cache-status.ts';
import { matchesEtag } from './conditional.ts';
import { negotiateCoding } from './content-coding.ts';
import { fieldsMax } from './limits.ts';
import { keyOf, type ListTarget, requestedQuery } from './list-query.ts';
import { isPageRoute, pageListDefaults } from './page-routes.ts';
import { type Part, partOf } from './parts.ts';
import { problemPages } from './problem-pages.ts';
import {
  allowedMethods,
  isUnavailable,
  methodNotAllowed,
  type ProblemCode,
  problemPage,
  problemResponse,
  retryAfterSeconds,
} from './problems.ts';
import { type Exports, exportHeaders } from './product-export.ts';
import {
  createRepresentation,
  digestOf,
  type Representation,
  type Variant,
  variantIn,
  withCacheStatus,
} from './representation.ts';
import { hasOneHost, type RequestHeaders, readHeaders } from './request-headers.ts';
import type { Route } from './routes.ts';
import { parseTarget, type Target } from './target.ts';

/** Told what was answered, for metrics. Calls are synchronous and must not throw. */
export interface RequestObserver {
  requestBegan(): void;
  /** `bodyBytes` is what is sent: 0 for an answer without a body. Comes once for each `requestBegan`. */
  requestEnded(method: string, route: Route, status: number, durationMs: number, bodyBytes: number): void;
  productServed(servedFrom: ServedFrom): void;
}

export interface HandlerOptions {
  readonly pages: ReadThrough<Representation>;
  /** Behind `pages`: told which of them are about to be asked for together. */
  readonly gatherer: Pick<Gatherer<Representation>, 'expect'>;
  readonly lists: ReadThrough<Representation>;
  readonly exports: Exports;
  /** The OpenAPI document. */
  readonly openapi: Representation;
  readonly browserPages: BrowserPages;
  readonly observer: RequestObserver;
  /** False until the worker may take traffic, and again when it is about to stop. */
  readonly isReady: () => boolean;
  /** True while every response should close its connection: the worker is stopping, or has too many. */
  readonly closesConnections: () => boolean;
  /** Hears of each answer that is a 5xx. `isExpected`: the catalogue cannot be read, which may pass. */
  readonly onFailure: (error: unknown, isExpected: boolean, request: FailedRequest) => void;
  /** Told of a share of the requests, at random. */
  readonly accessLog?: { readonly sampleRate: number; log(request: LoggedRequest): void };
}

/** What may be said of a request in a log: nothing that its sender wrote, unless it is of a form that was checked. */
export interface FailedRequest {
  readonly method: string;
  readonly route: Route;
  readonly slug?: string;
  readonly requestId?: string;
}

export interface LoggedRequest extends FailedRequest {
  readonly status: number;
  readonly durationMs: number;
  /** Of the body. */
  readonly bytes: number;
  /** Absent for what is no product page. */
  readonly servedFrom?: ServedFrom;
}

const preflightHeaders = [
  'Allow',
  allowedMethods,
  'Access-Control-Allow-Origin',
  '*',
  'Access-Control-Allow-Methods',
  allowedMethods,
  'Access-Control-Allow-Headers',
  'If-None-Match, X-Request-Id',
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
  const { pages, lists, exports, browserPages, observer, accessLog } = options;

  /** One request's answer: knows where it goes and what to record of it. */
  interface Exchange {
    readonly req: IncomingMessage;
    readonly res: ServerResponse;
    readonly headers: RequestHeaders;
    readonly target: Target;
    readonly startedAtMs: number;
    servedFrom: ServedFrom | undefined;
    /** Where the document of the page in HTML came from that is the answer. */
    pageFrom: ServedFrom | undefined;
    /** As the client gave it, or made for an answer that is an error of the server. */
    requestId: string;
  }

  function loggedOf({ req, target, requestId }: Exchange): FailedRequest {
    return {
      method: req.method ?? '',
      route: target.route,
      ...('slug' in target && { slug: target.slug }),
      ...(requestId !== '' && { requestId }),
    };
  }

  function ended(exchange: Exchange, status: number, bytes: number): void {
    const { req, target, startedAtMs, servedFrom } = exchange;
    const durationMs = performance.now() - startedAtMs;
    observer.requestEnded(req.method ?? '', target.route, status, durationMs, bytes);
    if (accessLog !== undefined && Math.random() < accessLog.sampleRate)
      accessLog.log({
        ...loggedOf(exchange),
        status,
        durationMs,
        bytes,
        ...(servedFrom !== undefined && { servedFrom }),
      });
  }

  function finish(exchange: Exchange, status: number, headers: string[], body: string): void {
    const { req, res } = exchange;
    // Decided as late as can be: a request may have been waiting when the worker was told to stop.
    if (options.closesConnections()) res.shouldKeepAlive = false;
    res.writeHead(status, headers);
    // The listener makes node:http throw at a body where there must be none.
    const sent = req.method === 'HEAD' ? '' : body;
    res.end(sent, 'latin1');
    ended(exchange, status, sent.length);
  }

  function refuse(
    exchange: Exchange,
    code: ProblemCode,
    detail: string,
    extraHeaders: readonly string[] = [],
  ): void {
    const { status, headers, body } = isPageRoute(exchange.target.route)
      ? problemPage(code, detail, extraHeaders, browserPages.problem)
      : problemResponse(code, detail, extraHeaders);
    if (exchange.requestId !== '') headers.push('X-Request-Id', exchange.requestId);
    finish(exchange, status, headers, body);
  }

  function refuseError(exchange: Exchange, error: unknown, sentBytes = 0): void {
    const isExpected = isUnavailable(error);
    exchange.requestId ||= isExpected ? '' : randomUUID();
    options.onFailure(error, isExpected, loggedOf(exchange));
    if (exchange.res.headersSent) {
      exchange.res.destroy();
      return ended(exchange, isExpected ? 503 : 500, sentBytes);
    }
    if (isExpected)
      return refuse(
        exchange,
        'temporarily-unavailable',
        'The catalogue cannot be read at the moment; please try again.',
        ['Retry-After', retryAfterSeconds(Math.random())],
      );
    refuse(
      exchange,
      'internal-error',
      'The request could not be answered because of an error in the server.',
    );
  }

  function sendVariant(exchange: Exchange, variant: Variant, status: string | undefined): void {
    const { pageFrom, startedAtMs } = exchange;
    const notModified = matchesEtag(exchange.headers.ifNoneMatch, variant.etag);
    const made = notModified ? variant.notModifiedHeaders : variant.headers;
    const headers = status === undefined ? made : withCacheStatus(made, status);
    finish(
      exchange,
      notModified ? 304 : 200,
      pageFrom === undefined
        ? headers
        : [...headers, ...serverTiming(pageFrom, performance.now() - startedAtMs)],
      notModified ? '' : variant.body,
    );
  }

  /**
   * `status` undefined: a hit in memory, whose headers are made already. `cache` holds the representation under `key`;
   * `part` is what to send of it, or makes that of it.
   */
  function send(
    exchange: Exchange,
    representation: Representation,
    status: string | undefined,
    cache?: ReadThrough<Representation>,
    key = '',
    part?: Part | PageOf,
  ): void {
    const onMade = () => cache?.resized(key, representation);
    const sent =
      part === undefined
        ? representation
        : typeof part === 'function'
          ? part(representation, onMade)
          : partOf(representation, part, onMade);
    const variant = variantIn(sent, negotiateCoding(exchange.headers.acceptEncoding, sent.body.length));
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
    onServed?: (exchange: Exchange, servedFrom: ServedFrom) => void,
    part?: Part | PageOf,
  ): void {
    const hit = cache.hit(key, exchange.startedAtMs);
    if (hit !== undefined) {
      onServed?.(exchange, 'memory');
      return send(exchange, hit, undefined, cache, key, part);
    }
    cache
      .read(key, exchange.startedAtMs, () => exchange.res.destroyed)
      .then((served) => {
        onServed?.(exchange, served.servedFrom);
        const status = cacheStatus(served);
        if (served.value !== undefined) return send(exchange, served.value, status, cache, key, part);
        refuse(exchange, 'unknown-product', 'No product has this slug.', ['Cache-Status', status]);
      })
      .catch((error) => refuseError(exchange, error));
  }

  function sendExport(exchange: Exchange, afterId: string): void {
    const { req, res, headers } = exchange;
    if (req.httpVersion === '1.0')
      return refuse(
        exchange,
        'malformed-request',
        'An export needs HTTP/1.1, also of a proxy: in HTTP/1.0 one that breaks off looks like a complete one.',
      );
    // What is to end soon begins nothing that takes minutes.
    if (options.closesConnections() || !exports.hasRoom) {
      // The next connection may be another worker's.
      res.shouldKeepAlive = false;
      return refuse(
        exchange,
        'temporarily-unavailable',
        'As many exports are under way as there may be; please try again.',
        ['Retry-After', retryAfterSeconds(Math.random())],
      );
    }
    const coding = negotiateCoding(headers.acceptEncoding, Number.POSITIVE_INFINITY);
    if (req.method === 'HEAD') return finish(exchange, 200, exportHeaders(coding), '');
    exports
      .send(res, afterId, coding)
      .then(({ failure, sentBytes }) =>
        failure === undefined ? ended(exchange, 200, sentBytes) : refuseError(exchange, failure, sentBytes),
      )
      .catch((error) => refuseError(exchange, error));
  }

  function productServed(exchange: Exchange, servedFrom: ServedFrom): void {
    exchange.servedFrom = servedFrom;
    observer.productServed(servedFrom);
  }

  function pageServed(exchange: Exchange, servedFrom: ServedFrom): void {
    exchange.pageFrom = servedFrom;
  }

  function productPageServed(exchange: Exchange, servedFrom: ServedFrom): void {
    productServed(exchange, servedFrom);
    pageServed(exchange, servedFrom);
  }

  function sendFile(exchange: Exchange, file: Representation | undefined): void {
    if (file === undefined) return refuse(exchange, 'not-found', 'There is nothing at this path.');
    send(exchange, file, undefined);
  }

  function answerList(exchange: Exchange, target: ListTarget, page?: PageOf): void {
    const query = requestedQuery(target);
    if (typeof query === 'string') return refuse(exchange, 'malformed-parameter', query);
    sendCached(exchange, lists, keyOf(query), page && pageServed, page);
  }

  /** Each as if it were asked for alone, but that those which come to the source are read together. */
  async function readTogether(
    exchange: Exchange,
    slugs: readonly string[],
  ): Promise<Served<Representation>[]> {
    const hits = new Map<string, Representation>();
    for (const slug of slugs) {
      const hit = pages.hit(slug, exchange.startedAtMs);
      if (hit !== undefined) hits.set(slug, hit);
    }
    const expectation = options.gatherer.expect(slugs.filter((slug) => !hits.has(slug)));
    const readOne = async (slug: string): Promise<Served<Representation>> => {
      const value = hits.get(slug);
      if (value !== undefined)
        return { value, servedFrom: 'memory', memory: 'hit', redis: undefined, collapsed: false };
      try {
        return await pages.read(slug, exchange.startedAtMs, () => exchange.res.destroyed);
      } finally {
        expectation.settled(slug);
      }
    };
    try {
      return await Promise.all(slugs.map(readOne));
    } finally {
      expectation.end();
    }
  }

  async function sendBatch(
    exchange: Exchange,
    slugs: readonly string[],
    part: Part | undefined,
  ): Promise<void> {
    const batch = await readTogether(exchange, slugs);
    const found: Representation[] = [];
    const unknown: string[] = [];
    for (const [i, { value, servedFrom }] of batch.entries()) {
      const slug = slugs[i] ?? '';
      observer.productServed(servedFrom);
      if (value === undefined) unknown.push(slug);
      else found.push(part === undefined ? value : partOf(value, part, () => pages.resized(slug, value)));
    }
    const unknownList = JSON.stringify(unknown);
    const representation = createRepresentation(
      `{"items":[${found.map(({ body }) => body).join(',')}],"unknown":${unknownList}}`,
      found[0]?.cacheControl ?? 'no-cache',
      // What names the bytes of each names those of all.
      { digest: digestOf(found.map(({ identity }) => identity.etag).join() + unknownList), isForOnce: true },
    );
    send(exchange, representation, batchCacheStatus(batch));
  }

  function answer(exchange: Exchange, target: Target): void {
    if ('problem' in target) return refuse(exchange, target.problem, target.detail);
    switch (target.route) {
      case '/v1/products/{slug}':
        return sendCached(
          exchange,
          pages,
          target.slug,
          productServed,
          target.fields && { fields: target.fields },
        );
      case '/v1/products/{slug}/{module}':
        return sendCached(exchange, pages, target.slug, productServed, { module: target.module });
      case '/v1/products':
        if (target.slugs !== undefined)
          return void sendBatch(
            exchange,
            [...new Set(target.slugs)],
            target.fields && { fields: target.fields },
          ).catch((error) => refuseError(exchange, error));
        return answerList(exchange, target);
      case '/v1/products/{slug}/related':
      case '/v1/suggest':
      case '/v1/reviews':
      case '/v1/achievements':
        return answerList(exchange, target);
      case '/products/{slug}':
        return sendCached(exchange, pages, target.slug, productPageServed, browserPages.productPage);
      case '/': {
        const { route, ...values } = target;
        return answerList(exchange, { ...values, ...pageListDefaults }, (document, onMade) =>
          browserPages.cataloguePage(document, values, onMade),
        );
      }
      case '/assets/{file}':
        return sendFile(exchange, browserPages.file(target.file));
      case '/assets/art/{slug}/{file}':
        return sendFile(exchange, browserPages.picture(target.slug, target.file));
      case '/v1/products.ndjson':
        return sendExport(exchange, target.cursor);
      case '/openapi.json':
        return send(exchange, options.openapi, undefined);
      case '/problems/{code}': {
        const page = problemPages.get(target.code);
        if (page === undefined) throw new Error(`There is no page about ${target.code}.`);
        return send(exchange, page, undefined);
      }
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
    const { requestId } = headers;
    const exchange: Exchange = {
      req,
      res,
      headers,
      target,
      startedAtMs,
      servedFrom: undefined,
      pageFrom: undefined,
      requestId,
    };

    try {
      respond(exchange, target);
    } catch (error) {
      refuseError(exchange, error);
    }
  };
}
