import express, { type ErrorRequestHandler, type Express, type Response } from 'express';
import type { Answer } from './answers.ts';
import { fail, positiveInteger } from './environment.ts';

/** Answers a request for something of this product. What it rejects with is answered with 500. */
export type Route = (productId: number, response: Response) => Promise<unknown>;

/** An application that serves each route at `/api/products/{id}/{name}`, and `/healthz`. */
export function createApp(routes: ReadonlyMap<string, Route>): Express {
  const app = express();
  app.disable('x-powered-by');
  // No client of the load lab asks with If-None-Match, so hashing each answer would be for nothing.
  app.disable('etag');
  app.get('/api/products/:id/:name', async ({ params }, response) => {
    const route = routes.get(params.name);
    if (route === undefined) return sendError(response, 404, 'There is nothing at this address.');
    const productId = parseId(params.id);
    if (productId === undefined) return sendError(response, 400, 'The id must be a positive whole number.');
    await route(productId, response);
  });
  app.get('/healthz', (_request, response) => response.json({ status: 'ok' }));
  app.use((_request, response) => sendError(response, 404, 'There is nothing at this address.'));
  app.use(answerFailure);
  return app;
}

/** Ids are bigint in Postgres; those that a number cannot hold are far from being given out. */
function parseId(text: string): number | undefined {
  const id = Number(text);
  return /^[1-9]\d*$/.test(text) && Number.isSafeInteger(id) ? id : undefined;
}

/** Routes that answer with these objects as JSON. */
export const jsonRoutes = (answers: ReadonlyMap<string, Answer>): Map<string, Route> =>
  new Map(
    [...answers].map(([name, answer]) => [
      name,
      async (productId, response) => {
        const body = await answer(productId);
        return body ? response.json(body) : sendUnknownProduct(response);
      },
    ]),
  );

export const sendUnknownProduct = (response: Response) =>
  sendError(response, 404, 'There is no product with this id.');

export const sendError = (response: Response, status: number, error: string) =>
  response.status(status).json({ error });

const answerFailure: ErrorRequestHandler = (error, _request, response, next) => {
  // A path that is not percent-encoded UTF-8.
  if (error instanceof URIError) return sendError(response, 400, 'The path cannot be decoded.');
  console.error(error);
  // Express then breaks the connection: the client must not take half an answer for a whole one.
  if (response.headersSent) return next(error);
  return sendError(response, 500, 'The server failed.');
};

/** Serves on PORT of 127.0.0.1 until SIGTERM; then answers what it has been asked, and releases the rest. */
export function serve(app: Express, release: () => Promise<unknown>): void {
  const server = app.listen(positiveInteger('PORT', 3000), '127.0.0.1', (error) => {
    if (error) fail(error.message);
  });
  // Longer than clients and the gateway keep theirs, so that none is closed as a request is on its way.
  server.keepAliveTimeout = 65_000;
  process.once('SIGTERM', () => {
    server.close(() => void release());
    // A connection that was busy at that moment is kept alive for its next request.
    setTimeout(() => server.closeAllConnections(), 2000).unref();
  });
}
