/**
 * What clients of the services talk to: hands each request for a part to the service that has it, and makes the whole page
 * of the answers of all. The first store's clients knew each service's address; one address costs a hop, of which the
 * gateway makes as little as it can.
 */
import { once } from 'node:events';
import express from 'express';
import { Agent, request } from 'undici';
import { parts } from '../parts.ts';
import { mergeParts, type Part } from './queries.ts';
import { services } from './services.ts';

const { PORT, SERVICES = '{}' } = process.env;
const origins: Readonly<Record<string, string>> = JSON.parse(SERVICES);
const dispatcher = new Agent({ connections: 64, pipelining: 1 });

const originOf = (part: string): string => {
  const service = Object.keys(services).find((name) => services[name]?.includes(part)) ?? '';
  const origin = origins[service];
  if (origin === undefined) throw new Error(`No service has the part ${part}.`);
  return origin;
};

const app = express();
app.disable('x-powered-by');

app.get('/healthz', (_request, response) => {
  response.json({ status: 'ok' });
});

for (const { name } of parts) {
  const origin = originOf(name);
  app.get(`/api/products/:id/${name}`, async (incoming, response) => {
    const { statusCode, body } = await request(`${origin}${incoming.path}`, { dispatcher });
    response
      .status(statusCode)
      .type('json')
      .send(await body.text());
  });
}

app.get('/api/products/:id/page', async (incoming, response) => {
  const id = incoming.params.id;
  const answers = await Promise.all(
    parts.map(({ name }) => request(`${originOf(name)}/api/products/${id}/${name}`, { dispatcher })),
  );
  const texts = await Promise.all(answers.map(({ body }) => body.text()));
  const refusal = answers.findIndex(({ statusCode }) => statusCode !== 200);
  if (refusal >= 0)
    return void response
      .status(answers[refusal]?.statusCode ?? 502)
      .type('json')
      .send(texts[refusal]);
  const page = mergeParts(texts.map((text): Part => JSON.parse(text)));
  response.json(Object.fromEntries(Object.entries(page).filter(([key]) => key !== 'productId')));
});

const failed: express.ErrorRequestHandler = (error, _request, response, _next) => {
  console.error(error);
  response.status(502).json({ error: 'a service does not answer' });
};
app.use(failed);

const server = app.listen(Number(PORT), '127.0.0.1');
// Longer than clients keep theirs, so that none sends a request into a connection that is being closed.
server.keepAliveTimeout = 75_000;
await once(server, 'listening');
process.once('SIGTERM', () => {
  server.close(() => process.exit());
  server.closeIdleConnections();
});
