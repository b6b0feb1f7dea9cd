import type { Surroundings, Target } from './target.ts';

/** As its users run it, with one setting or another. */
const variant = (
  name: string,
  summary: string,
  change: (surroundings: Surroundings) => Readonly<Record<string, string>>,
): Target => ({
  name,
  summary,
  api: 'page',
  programs(surroundings) {
    const { databaseUrl, redisUrl, workers, stalenessMs, port } = surroundings;
    const [own, admin] = [port(), port()];
    return [
      {
        file: 'cluster/main.ts',
        port: own,
        readyPath: '/readyz',
        metricsUrl: `http://127.0.0.1:${admin}/metrics`,
        env: {
          PORT: String(own),
          ADMIN_PORT: String(admin),
          DATABASE_URL: databaseUrl,
          REDIS_URL: redisUrl,
          WORKERS: String(workers),
          LOG_LEVEL: 'error',
          SHUTDOWN_DEADLINE_MS: '2000',
          ...(stalenessMs !== null && { STALENESS_MS: String(stalenessMs) }),
          ...change(surroundings),
        },
      },
    ];
  },
});

const noMemory = { MEMORY_TIER_BYTES: '0', WARMUP_PRODUCTS: '0' };
const noRedis = { REDIS_URL: '' };

export const frontshelf = variant(
  'frontshelf',
  'Frontshelf with memory, Redis and Postgres; the whole page in one request.',
  () => ({}),
);

export const frontshelfVariants: readonly Target[] = [
  variant('frontshelf-no-memory', 'Frontshelf with Redis and Postgres only.', () => noMemory),
  variant('frontshelf-no-redis', 'Frontshelf with memory and Postgres only.', () => noRedis),
  variant('frontshelf-no-cache', 'Frontshelf with Postgres only.', () => ({ ...noMemory, ...noRedis })),
];

/** `frontshelf-workers-N`; undefined for any other name. */
export function frontshelfWithWorkers(name: string): Target | undefined {
  const workers = /^frontshelf-workers-([1-9]\d?)$/.exec(name)?.[1];
  if (workers === undefined) return undefined;
  return variant(name, `Frontshelf with ${workers} workers.`, () => ({ WORKERS: workers }));
}
