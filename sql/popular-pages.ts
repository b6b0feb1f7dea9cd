import type pg from 'pg';
import Cursor from 'pg-cursor';
import { binaryText } from './binary-text.ts';
import { DatabaseUnavailable, databaseError } from './errors.ts';
import { pageColumns } from './page-document.ts';
import { stampSql } from './stamp.ts';

const text = `SELECT page.slug, row_to_json(page)::text, ${stampSql}
FROM (SELECT ${pageColumns('$2::text')} FROM product p ORDER BY p.popularity_rank LIMIT $1) page`;

export interface PopularPage {
  readonly slug: string;
  /** The same document that readProductPage returns. */
  readonly body: string;
  readonly snapshot: string;
}

/**
 * Yields the pages of the `limit` most popular products, most popular first, and holds one connection of
 * the pool meanwhile; at most `batch` pages are in memory. Every page bears the snapshot in which the
 * reading began. Leaving the loop early gives the connection back in order.
 * The pool is one of createReaderPool, which limits the first statement of a connection alone.
 * Throws DatabaseUnavailable when Postgres cannot answer now, or a batch takes longer than `batchTimeoutMs`.
 */
export async function* popularPages(
  pool: pg.Pool,
  {
    limit,
    batch = 50,
    batchTimeoutMs = 5000,
    market = 'US',
  }: { limit: number; batch?: number; batchTimeoutMs?: number; market?: string },
): AsyncGenerator<PopularPage, void, undefined> {
  const client = await pool.connect().catch((error: unknown) => {
    throw databaseError(error);
  });
  const cursor = new Cursor<[string, string, string]>(text, [limit, market], { rowMode: 'array' });
  let intact = true;
  try {
    // Postgres counts the time in which a cursor waits for its reader as the statement's.
    await client.query('BEGIN READ ONLY; SET LOCAL statement_timeout = 0');
    client.query(cursor);
    for (;;) {
      const rows = await within(batchTimeoutMs, cursor.read(batch));
      for (const [slug, page, snapshot] of rows) yield { slug, body: binaryText(page), snapshot };
      if (rows.length < batch) return;
    }
  } catch (error) {
    intact = false;
    throw databaseError(error);
  } finally {
    // Here too when the caller leaves the loop.
    if (intact) {
      const finished = cursor.close().then(() => client.query('COMMIT'));
      await within(batchTimeoutMs, finished).catch(() => {
        intact = false;
      });
    }
    client.release(!intact);
  }
}

function within<T>(timeoutMs: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () =>
        reject(new DatabaseUnavailable(`Postgres took longer than ${timeoutMs} ms for a batch of pages.`)),
      timeoutMs,
    );
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
