/**
 * The way in to the eight services. The old system's clients called the services themselves for the parts of a page;
 * a load test has one origin for each target, so here they come by the gateway too. It passes the service's answer
 * on as it arrives, without parsing it, so that this detour costs as little as it can. The whole page is one request
 * to each service, merged here.
 */
import { Agent } from 'undici';
import { mergeParts } from './answers.ts';
import { createApp, type Route, sendUnknownProduct, serve } from './app.ts';
import { fail, required } from './environment.ts';
import type { Part } from './queries/query.ts';
import { services } from './services.ts';

const agent = new Agent({ connections: 100, headersTimeout: 10_000, bodyTimeout: 10_000 });
const origins = readOrigins(required('SERVICES'));

/** SERVICES is JSON, an object of each service's name and origin. */
function readOrigins(text: string): Map<string, string> {
  try {
    const origins = new Map<string, string>(Object.entries(JSON.parse(text)));
    if (Object.keys(services).every((name) => URL.canParse(origins.get(name) ?? ''))) return origins;
  } catch {
    // No JSON, or null.
  }
  return fail(`SERVICES must be a JSON object of the origins of ${Object.keys(services).join(', ')}.`);
}

const passOn =
  (origin: string, name: string): Route =>
  (productId, response) =>
    agent.stream(
      { origin, path: `/api/products/${productId}/${name}`, method: 'GET' },
      ({ statusCode, headers }) => {
        response.statusCode = statusCode;
        for (const header of ['content-type', 'content-length'] as const) {
          const value = headers[header];
          if (value !== undefined) response.setHeader(header, value);
        }
        return response;
      },
    );

/** Resolves null when the service knows no such product. */
async function readShare(origin: string, productId: number): Promise<Part | null> {
  const path = `/api/products/${productId}/page`;
  const { statusCode, body } = await agent.request({ origin, path, method: 'GET' });
  if (statusCode === 200) return mustBePart(await body.json());
  await body.dump();
  if (statusCode === 404) return null;
  throw new Error(`${origin}${path} answers with ${statusCode}.`);
}

const isPart = (value: unknown): value is Part => typeof value === 'object' && value !== null;
function mustBePart(value: unknown): Part {
  if (!isPart(value)) throw new Error('A service answers with something else than an object.');
  return value;
}

const routes = new Map<string, Route>([
  [
    'page',
    async (productId, response) => {
      const shares = [...origins.values()].map((origin) => readShare(origin, productId));
      const page = mergeParts(await Promise.all(shares));
      return page ? response.json(page) : sendUnknownProduct(response);
    },
  ],
]);
for (const [service, queries] of Object.entries(services))
  for (const part of Object.keys(queries)) routes.set(part, passOn(origins.get(service) ?? '', part));

serve(createApp(routes), () => agent.close());
