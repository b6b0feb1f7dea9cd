/**
 * How a request is answered, whatever it asks for: with a document, a problem or nothing new, in the coding and for the
 * condition that its headers have, and told once to those who count and log.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ServedFrom } from '../cache/entry.ts';
import type { ReadThrough } from '../cache/read-through.ts';
import { type BrowserPages, type PageOf, serverTiming } from './browser-pages.ts';
import { cacheStatus } from './cache-status.ts';
import { matchesEtag } from './conditional.ts';
import { negotiateCoding } from './content-coding.ts';
import { isPageRoute } from './page-routes.ts';
import { type Part, partOf } from './parts.ts';
import {
  isUnavailable,
  type ProblemCode,
  problemPage,
  problemResponse,
  retryAfterSeconds,
} from './problems.ts';
import { type Representation, type Variant, variantIn, withCacheStatus } from './representation.ts';
import type { RequestHeaders } from './request-headers.ts';
import type { Route } from './routes.ts';
import type { Target } from './target.ts';

/** Told what was answered, for metrics. Calls are synchronous and must not throw. */
export interface RequestObserver {
  requestBegan(): void;
  /** `bodyBytes` is what is sent: 0 for an answer without a body. Comes once for each `requestBegan`. */
  requestEnded(method: string, route: Route, status: number, durationMs: number, bodyBytes: number): void;
  productServed(servedFrom: ServedFrom): void;
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

/** One request's answer: knows where it goes and what to record of it. */
export interface Exchange {
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

export interface AnswerOptions {
  /** For problems at the routes that people see. */
  readonly browserPages: Pick<BrowserPages, 'problem'>;
  readonly observer: RequestObserver;
  /** True while every response should close its connection: the worker is stopping, or has too many. */
  readonly closesConnections: () => boolean;
  /** Hears of each answer that is a 5xx. `isExpected`: the catalogue cannot be read, which may pass. */
  readonly onFailure: (error: unknown, isExpected: boolean, request: FailedRequest) => void;
  /** Told of a share of the requests, at random. */
  readonly accessLog?: { readonly sampleRate: number; log(request: LoggedRequest): void };
}

/** Each of its functions answers the exchange, once; what takes its time is caught here. */
export function createAnswers(options: AnswerOptions) {
  const { browserPages, observer, accessLog } = options;

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

  return { ended, finish, refuse, refuseError, send, sendCached };
}
