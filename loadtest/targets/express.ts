/** The three architectures of the old system, all of the same queries. */
import { services } from './express/services.ts';
import type { Program, Target } from './target.ts';

export const expressDistributed: Target = {
  name: 'express-distributed',
  summary: 'Express 5 as nine processes: eight services over Postgres, and a gateway before them.',
  api: 'parts',
  programs(surroundings) {
    const ofServices = Object.keys(services).map((name) => ({
      name,
      program: program('service.ts', surroundings.port(), {
        SERVICE: name,
        DATABASE_URL: surroundings.databaseUrl,
      }),
    }));
    const origins = ofServices.map(({ name, program: { port } }) => [name, `http://127.0.0.1:${port}`]);
    const gateway = program('gateway.ts', surroundings.port(), {
      SERVICES: JSON.stringify(Object.fromEntries(origins)),
    });
    return [gateway, ...ofServices.map(({ program }) => program)];
  },
};

export const expressMonolith: Target = {
  name: 'express-monolith',
  summary: 'Express 5 as one process over Postgres.',
  api: 'parts',
  programs: (surroundings) => [
    program('monolith.ts', surroundings.port(), { DATABASE_URL: surroundings.databaseUrl }),
  ],
};

export const expressRedis: Target = {
  name: 'express-redis',
  summary: 'Express 5 as one process over Postgres, with each answer kept in Redis.',
  api: 'parts',
  programs: (surroundings) => [
    program('redis.ts', surroundings.port(), {
      DATABASE_URL: surroundings.databaseUrl,
      REDIS_URL: surroundings.redisUrl,
      ...(surroundings.stalenessMs === null ? {} : { CACHE_TTL_MS: String(surroundings.stalenessMs) }),
    }),
  ],
};

const program = (file: string, port: number, env: Readonly<Record<string, string>>): Program => ({
  file: `loadtest/targets/express/${file}`,
  env: { NODE_ENV: 'production', PORT: String(port), ...env },
  port,
  readyPath: '/healthz',
});
