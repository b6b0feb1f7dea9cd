import type { Program, Surroundings, Target } from './target.ts';

/** With every tier, and with its tiers switched off one by one. */
export const frontshelf: Target = {
  name: 'frontshelf',
  summary: 'Frontshelf with every tier.',
  api: 'page',
  programs: (surroundings) => [serverOf(surroundings)],
};

export const frontshelfNoMemory: Target = {
  name: 'frontshelf-no-memory',
  summary: 'Frontshelf without the memory tier: each page comes from Redis.',
  api: 'page',
  programs: (surroundings) => [serverOf(surroundings, noMemory)],
};

export const frontshelfNoRedis: Target = {
  name: 'frontshelf-no-redis',
  summary: 'Frontshelf without Redis: each worker reads its pages from Postgres.',
  api: 'page',
  programs: (surroundings) => [serverOf(surroundings, noRedis)],
};

export const frontshelfNoCache: Target = {
  name: 'frontshelf-no-cache',
  summary: 'Frontshelf without memory tier and Redis: each page comes from Postgres.',
  api: 'page',
  programs: (surroundings) => [serverOf(surroundings, { ...noMemory, ...noRedis })],
};

/** With this many workers, whatever share of the machine it has; its name ends in the number. */
export const frontshelfWorkers = (workers: number): Target => ({
  name: `frontshelf-workers-${workers}`,
  summary: `Frontshelf with every tier and ${workers} workers.`,
  api: 'page',
  programs: (surroundings) => [serverOf({ ...surroundings, workers })],
});

// Of unknown slugs nothing is kept in memory either.
const noMemory = { MEMORY_TIER_BYTES: '0', NEGATIVE_TTL_MS: '0' };
const noRedis = { REDIS_URL: '' };

/** The server as its users run it, with these settings beside those that follow from its surroundings. */
function serverOf(
  { databaseUrl, redisUrl, workers, stalenessMs, port }: Surroundings,
  settings: Readonly<Record<string, string>> = {},
): Program {
  const [pagePort, adminPort] = [port(), port()];
  return {
    file: 'cluster/main.ts',
    env: {
      HOST: '127.0.0.1',
      PORT: String(pagePort),
      ADMIN_HOST: '127.0.0.1',
      ADMIN_PORT: String(adminPort),
      DATABASE_URL: databaseUrl,
      REDIS_URL: redisUrl,
      WORKERS: String(workers),
      LOG_LEVEL: 'error',
      // When the lab stops it no request is left, only connections that clients have forgotten.
      SHUTDOWN_DEADLINE_MS: '500',
      ...(stalenessMs !== null && { STALENESS_MS: String(stalenessMs) }),
      ...settings,
    },
    port: pagePort,
    readyPath: '/readyz',
    metricsUrl: `http://127.0.0.1:${adminPort}/metrics`,
  };
}
