import type { RequestListener } from 'node:http';
import type { ServedFrom } from '../cache/entry.ts';
import type { ReadThrough } from '../cache/read-through.ts';
import { type AnswerOptions, createAnswers, type Exchange } from './answers.ts';
import { type BatchSource, batchOf, readBatch } from './batch.ts';
import type { BrowserPages, PageOf } from './browser-pages.ts';
import { batchCacheStatus } from './cache-status.ts';
import { negotiateCoding } from './content-coding.ts';
import { fieldsMax } from './limits.ts';
import { keyOf, type ListTarget, requestedQuery } from './list-query.ts';
import { pageListDefaults } from './page-routes.ts';
import type { Part } from './parts.ts';
import { problemPages } from './problem-pages.ts';
import { allowedMethods, methodNotAllowed, retryAfterSeconds } from './problems.ts';
import { type Exports, exportHeaders } from './product-export.ts';
import type { Representation } from './representation.ts';
import { hasOneHost, readHeaders } from './request-headers.ts';
import { parseTarget, type Target } from './target.ts';

export interface HandlerOptions extends AnswerOptions, BatchSource {
  readonly lists: ReadThrough<Representation>;
  readonly exports: Exports;
  /** The OpenAPI document. */
  readonly openapi: Representation;
  readonly browserPages: BrowserPages;
  /** False until the worker may take traffic, and again when it is about to stop. */
  readonly isReady: () => boolean;
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
  const { pages, lists, exports, browserPages, observer } = options;
  const { ended, finish, refuse, refuseError, send, sendCached } = createAnswers(options);

  function sendExport(exchange: Exchange, afterId: string): void {
    const { req, res, headers } = exchange;
    if (req.httpVersion === '1.0')
      return refuse(
        exchange,
        'malformed-request',
        'An export needs HTTP/1.1, also of a proxy: in HTTP/1.0 one that breaks off looks like a complete one.',
      );
    // What is to end soon begins nothing that takes minutes.
    const isClosing = options.closesConnections();
    if (isClosing || !exports.hasRoom) {
      // The next connection may be another worker's.
      res.shouldKeepAlive = false;
      return refuse(
        exchange,
        'temporarily-unavailable',
        isClosing
          ? 'No export is begun at the moment; please try again.'
          : 'As many exports are under way as there may be; please try again.',
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

  async function sendBatch(
    exchange: Exchange,
    slugs: readonly string[],
    part: Part | undefined,
  ): Promise<void> {
    const { startedAtMs, res } = exchange;
    const batch = await readBatch(options, slugs, startedAtMs, () => res.destroyed);
    for (const { servedFrom } of batch) observer.productServed(servedFrom);
    send(exchange, batchOf(pages, slugs, batch, part), batchCacheStatus(batch));
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
