import { errors } from 'bentocache';
import fastify, { type FastifyInstance } from 'fastify';
import pg from 'pg';
import { createPageCache } from './page-cache.ts';
import { pageStatement } from './page-statement.ts';

/** The store's API, not yet listening. */
export function createServer({
  databaseUrl,
  redisUrl,
  ttlMs,
}: {
  databaseUrl: string;
  redisUrl: string;
  ttlMs: number;
}): FastifyInstance {
  const app = fastify({ logger: { level: 'warn' }, disableRequestLogging: true });
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: 10,
    connectionTimeoutMillis: 1000,
    query_timeout: 2000,
    // Planning so large a statement takes longer than running it.
    options: '-c plan_cache_mode=force_generic_plan -c jit=off',
    application_name: 'fastify-bentocache',
  });
  pool.on('error', (error) => app.log.warn(error));
  const pages = createPageCache({
    redisUrl,
    ttlMs,
    async load(slug) {
      const { rows } = await pool.query<{ body: string }>({
        name: 'page',
        text: pageStatement,
        values: [slug],
      });
      return rows[0]?.body;
    },
  });

  app.get('/healthz', () => ({ status: 'ok' }));

  const params = {
    type: 'object',
    properties: { slug: { type: 'string', pattern: '^[a-z0-9-]{1,80}$' } },
  };
  app.get<{ Params: { slug: string } }>(
    '/v1/products/:slug',
    { schema: { params } },
    async (request, reply) => {
      const page = await pages.get(request.params.slug);
      if (page === null) return reply.code(404).send({ error: 'There is no such product.' });
      reply.header('ETag', page.etag);
      if (names(request.headers['if-none-match'], page.etag)) return reply.code(304).send();
      return reply.type('application/json').send(page.body);
    },
  );

  app.setErrorHandler((error, _request, reply) => {
    const isUnavailable =
      error instanceof errors.E_FACTORY_ERROR || error instanceof errors.E_FACTORY_HARD_TIMEOUT;
    // Fastify answers what else is thrown, among it what the schema refuses.
    if (!isUnavailable) throw error;
    app.log.warn(error);
    return reply.code(503).header('Retry-After', '1').send({ error: 'The catalogue does not answer.' });
  });
  app.addHook('onClose', () => pool.end());
  return app;
}

/** Whether an If-None-Match names this entity tag. */
const names = (ifNoneMatch: string | undefined, etag: string): boolean =>
  ifNoneMatch === '*' ||
  (ifNoneMatch?.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag) ?? false);
