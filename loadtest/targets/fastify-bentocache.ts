import type { Target } from './target.ts';

const defaultTtlMs = 60_000;

export const fastifyBentocache: Target = {
  name: 'fastify-bentocache',
  summary:
    'What one would assemble today: Fastify, one statement per page, bentocache over memory and Redis with a TTL.',
  api: 'page',
  programs({ databaseUrl, redisUrl, workers, stalenessMs, port }) {
    const chosen = port();
    return [
      {
        file: 'loadtest/targets/fastify-bentocache/main.ts',
        env: {
          PORT: String(chosen),
          WORKERS: String(workers),
          DATABASE_URL: databaseUrl,
          REDIS_URL: redisUrl,
          // Both tiers forget a page this long after it was read: the TTL is its bound on staleness.
          TTL_MS: String(stalenessMs ?? defaultTtlMs),
        },
        port: chosen,
        readyPath: '/healthz',
      },
    ];
  },
};
