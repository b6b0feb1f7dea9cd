/** One run, from an empty folder to its result. */
import { loadavg } from 'node:os';
import { query } from '../../local/database.ts';
import { freePort } from '../../local/ports.ts';
import { machineConditions } from '../bench/conditions.ts';
import { startHost } from '../provers/hosts.ts';
import { seededRandom } from '../provers/random.ts';
import { controlRedis } from '../provers/redis.ts';
import type { Belongings } from '../services/belongings.ts';
import { startDatabase } from '../services/database.ts';
import { startLoad } from './load.ts';
import type { Options } from './options.ts';
import { type ScenarioResult, scenarioRuns } from './scenarios.ts';

const products = 3000;
/** Fewer than a worker reads into memory when it starts. */
const popularPages = 500;
const workers = 2;
/** More than idle keep-alive connections are kept for. */
const shutdownDeadlineMs = 10_000;
const role = 'probe_host';

export interface Result {
  readonly conditions: Readonly<Record<string, unknown>>;
  readonly scenarios: readonly ScenarioResult[];
}

export async function prove(
  options: Options,
  belongings: Belongings,
  say: (line: string) => void,
): Promise<Result> {
  const { ratePerSecond, seed, only, settings: given } = options;
  say('Making a database.');
  const redis = await controlRedis(belongings, 'Restarts are proved');
  const database = await startDatabase(belongings, { products, readers: [role] });
  const slugs = await query(database.urlOf('postgres'), async (client) => {
    const { rows } = await client.query<{ slug: string }>(
      'SELECT slug FROM product ORDER BY popularity_rank, id',
    );
    return rows.map(({ slug }) => slug);
  });
  const pages = { popular: slugs.slice(0, popularPages), others: slugs.slice(popularPages) };
  const port = await freePort();
  let hosts = 0;
  const random = seededRandom(seed);

  const scenarios: ScenarioResult[] = [];
  for (const name of only) {
    say(`Scenario ${name}.`);
    scenarios.push(
      await scenarioRuns[name]({
        options,
        say,
        startLoad: () => startLoad(`http://127.0.0.1:${port}`, pages, ratePerSecond, random),
        startHost: async (settings) =>
          startHost({
            name: `server ${++hosts}`,
            port,
            adminPort: await freePort(),
            env: {
              DATABASE_URL: database.urlOf(role),
              REDIS_URL: redis.url,
              WORKERS: String(workers),
              ...settings,
              ...given,
            },
            logFolder: options.logs,
            shutdownDeadlineMs,
            onSpawn: belongings.onSpawnGroup,
          }),
      }),
    );
  }
  return {
    conditions: {
      ...machineConditions(),
      ratePerSecond,
      seed,
      workers,
      products,
      shutdownDeadlineMs,
      settings: given,
      loadAverage: loadavg()[0],
    },
    scenarios,
  };
}
