/** What is overloaded: a server over a Postgres of the run's own, in which reading a page takes its time. */
import { query } from '../../local/database.ts';
import { freePort } from '../../local/ports.ts';
import { type Host, startHost } from '../provers/hosts.ts';
import type { Belongings } from '../services/belongings.ts';
import { startDatabase } from '../services/database.ts';

/** Connections to Postgres are what there is too little of; all else is as its users have it. */
export const serverSettings = {
  WORKERS: '2',
  DATABASE_POOL_MAX: '2',
  // Some 500 pages per worker: those that are asked for once do not stay, those that are asked for often do.
  MEMORY_TIER_BYTES: String(8 * 2 ** 20),
} as const;

const hotPages = 50;
/** Warm-up reads no page beyond. */
const warmRanks = 1000;

export interface Stage {
  readonly url: string;
  readonly host: Host;
  /** Paths of popular pages, which warm-up has read into memory. */
  readonly hot: readonly string[];
  /** Paths of pages that are in no cache. */
  readonly cold: readonly string[];
}

export interface StageOptions {
  readonly products: number;
  readonly readDelayMs: number;
  readonly settings: Readonly<Record<string, string>>;
  readonly logs: string | undefined;
}

/** Rejects with Obstacle when there is no Postgres to be had, or the server does not start. */
export async function setStage(belongings: Belongings, options: StageOptions): Promise<Stage> {
  const { products, readDelayMs, settings, logs } = options;
  const role = 'overload_reader';
  const database = await startDatabase(belongings, { products, readers: [role] });
  const port = await freePort();
  const host = await startHost({
    name: 'server',
    port,
    adminPort: await freePort(),
    env: { DATABASE_URL: database.urlOf(role), ...serverSettings, ...settings },
    logFolder: logs,
    onSpawn: belongings.onSpawnGroup,
  });
  const [hot, cold] = await query(database.urlOf('postgres'), async (client) => {
    // After warm-up, which would be at it for a long time.
    await client.query(slowReads(readDelayMs));
    const paths = async (which: string) => {
      const { rows } = await client.query<{ slug: string }>(`SELECT slug FROM product p ${which}`);
      return rows.map(({ slug }) => `/v1/products/${slug}`);
    };
    return [
      await paths(`ORDER BY popularity_rank LIMIT ${hotPages}`),
      // Of those without a row nothing is slow.
      await paths(
        `JOIN rating_summary ON product_id = p.id WHERE popularity_rank > ${warmRanks} ORDER BY popularity_rank`,
      ),
    ] as const;
  });
  return { url: `http://127.0.0.1:${port}`, host, hot, cold };
}

/**
 * A page reads one row of this table, by its key, and may only have it after a while: as from a database that is slow,
 * with neither its CPU nor its disk used. (The policy holds for whoever neither owns the table nor is a superuser.)
 */
const slowReads = (delayMs: number) => `ALTER TABLE rating_summary ENABLE ROW LEVEL SECURITY;
  CREATE POLICY slow_reads ON rating_summary FOR SELECT USING (pg_sleep(${delayMs / 1000}) IS NOT NULL)`;
