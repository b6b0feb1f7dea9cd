import { services } from './express/services.ts';
import type { Program, Surroundings, Target } from './target.ts';

const program = (file: string, port: number, env: Readonly<Record<string, string>>): Program => ({
  file: `loadtest/targets/express/${file}`,
  port,
  readyPath: '/healthz',
  env: { NODE_ENV: 'production', PORT: String(port), ...env },
});

export const expressDistributed: Target = {
  name: 'express-distributed',
  summary: 'Eight Express services and a gateway over one Postgres; fifteen requests for a page.',
  api: 'parts',
  programs({ databaseUrl, port }: Surroundings) {
    const running = Object.keys(services).map((service) => ({ service, port: port() }));
    const origins = Object.fromEntries(
      running.map(({ service, port }) => [service, `http://127.0.0.1:${port}`]),
    );
    return [
      program('gateway.ts', port(), { SERVICES: JSON.stringify(origins) }),
      ...running.map(({ service, port }) =>
        program('service.ts', port, { DATABASE_URL: databaseUrl, SERVICE: service }),
      ),
    ];
  },
};

export const expressMonolith: Target = {
  name: 'express-monolith',
  summary: 'One Express process over Postgres; fifteen requests for a page.',
  api: 'parts',
  programs: ({ databaseUrl, port }) => [program('service.ts', port(), { DATABASE_URL: databaseUrl })],
};

export const expressRedis: Target = {
  name: 'express-redis',
  summary: 'One Express process with Redis in front of each query; fifteen requests for a page.',
  api: 'parts',
  programs: ({ databaseUrl, redisUrl, stalenessMs, port }) => [
    program('service.ts', port(), {
      DATABASE_URL: databaseUrl,
      REDIS_URL: redisUrl,
      ...(stalenessMs !== null && { CACHE_TTL_MS: String(stalenessMs) }),
    }),
  ],
};
