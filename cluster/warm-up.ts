import type pg from 'pg';
import type { Logger } from 'pino';
import type { ReadThrough } from '../cache/read-through.ts';
import type { Config } from '../config.ts';
import { createRepresentation, type Representation } from '../server/representation.ts';
import { keptConnections } from '../sql/pool.ts';
import { popularPages } from '../sql/popular-pages.ts';
import { planPageReads } from '../sql/product-page.ts';

/** A worker that replaces a dead one is needed now, warm or not. */
const longestMs = 500;
/** Room left in memory, so that what warm-up read first is not what it evicts. */
const fullShare = 0.9;

/**
 * Reads the most popular pages into memory, as far as there is room and half a second of time, and has Postgres plan how pages
 * are read, on as many connections as are kept. A catalogue that
 * cannot be read now is logged and is no reason not to serve what Redis has. `onRead` is called when the reading
 * is over, with its error, if any.
 */
export async function warmUp(
  pages: ReadThrough<Representation>,
  pool: pg.Pool,
  config: Pick<Config, 'warmupProducts' | 'memoryTierBytes' | 'cacheControl' | 'databasePoolMax'>,
  logger: Logger,
  onRead: (error?: unknown) => void,
): Promise<void> {
  if (config.warmupProducts === 0 || config.memoryTierBytes === 0) return;
  const startedAtMs = performance.now();
  const planning = planPageReads(pool, Math.min(keptConnections, config.databasePoolMax)).catch((error) => {
    logger.warn({ err: error }, 'the first pages that are read will wait until Postgres has planned how');
  });
  const warming = pages.warmUp();
  let count = 0;
  try {
    for await (const { slug, body, snapshot } of popularPages(pool, {
      limit: config.warmupProducts,
      batchTimeoutMs: longestMs,
    })) {
      warming.put(slug, { value: createRepresentation(body, config.cacheControl), stamp: snapshot });
      count++;
      if (performance.now() - startedAtMs > longestMs) break;
      if (pages.memoryBytes > fullShare * config.memoryTierBytes) break;
    }
    onRead();
    logger.info(
      { pages: count, durationMs: Math.round(performance.now() - startedAtMs) },
      'the most popular pages are in memory',
    );
  } catch (error) {
    onRead(error);
    logger.warn({ err: error, pages: count }, 'the warm-up ended early');
  } finally {
    warming.end();
    await planning;
  }
}
