/**
 * Parts of a page over Postgres: those of one service where SERVICE names it, else all, which is the monolith. With
 * REDIS_URL each part is asked of Redis first.
 */
import { once } from 'node:events';
import express from 'express';
import pg from 'pg';
import { cachedInRedis } from './part-cache.ts';
import { mergeParts, type PartReader, partReaders } from './queries.ts';
import { services } from './services.ts';

const { PORT, DATABASE_URL, REDIS_URL, SERVICE, CACHE_TTL_MS = '60000' } = process.env;
const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 10 });
pool.on('error', (error) => console.error(error));

const names = SERVICE === undefined ? Object.keys(partReaders) : (services[SERVICE] ?? []);
const cache = REDIS_URL ? cachedInRedis(REDIS_URL, Number(CACHE_TTL_MS)) : undefined;
const app = express();
app.disable('x-powered-by');

app.get('/healthz', (_request, response) => {
  response.json({ status: 'ok' });
});

/** Undefined when it is none: an id is a positive whole number. */
function readId(text: unknown): number | undefined {
  const id = typeof text === 'string' && /^[1-9]\d{0,15}$/.test(text) ? Number(text) : undefined;
  return Number.isSafeInteger(id) ? id : undefined;
}

for (const name of names) {
  const read = partReaders[name];
  if (read === undefined) throw new Error(`No query reads the part ${name}.`);
  app.get(`/api/products/:id/${name}`, async (request, response) => {
    const id = readId(request.params.id);
    if (id === undefined)
      return void response.status(400).json({ error: 'id must be a positive whole number' });
    const text = cache ? await cache(`${name}:${id}`, () => partText(read, id)) : await partText(read, id);
    if (text === null) return void response.status(404).json({ error: 'no such product' });
    response.type('json').send(text);
  });
}

async function partText(read: PartReader, id: number): Promise<string | null> {
  const part = await read(pool, id);
  return part === null ? null : JSON.stringify({ productId: id, ...part });
}

if (SERVICE === undefined)
  app.get('/api/products/:id/page', async (request, response) => {
    const id = readId(request.params.id);
    if (id === undefined)
      return void response.status(400).json({ error: 'id must be a positive whole number' });
    const parts = await Promise.all(Object.values(partReaders).map((read) => read(pool, id)));
    if (parts.includes(null)) return void response.status(404).json({ error: 'no such product' });
    response.json(mergeParts(parts.filter((part) => part !== null)));
  });

const failed: express.ErrorRequestHandler = (error, _request, response, _next) => {
  console.error(error);
  response.status(500).json({ error: 'internal error' });
};
app.use(failed);

const server = app.listen(Number(PORT), '127.0.0.1');
// Longer than clients keep theirs, so that none sends a request into a connection that is being closed.
server.keepAliveTimeout = 75_000;
await once(server, 'listening');
process.once('SIGTERM', () => {
  server.close(() => void pool.end().then(() => process.exit()));
  server.closeIdleConnections();
});
