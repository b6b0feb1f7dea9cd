import type pg from 'pg';
import { databaseError } from './errors.ts';
import { pageColumns } from './page-document.ts';

export const productExportStatement = `SELECT page.id, row_to_json(page)::text
FROM (
  SELECT ${pageColumns('$3::text')} FROM product p
  WHERE p.parent_id IS NULL AND p.id > $1::bigint ORDER BY p.id LIMIT $2::bigint
) page`;

export interface ProductBatch {
  /** The documents in UTF-8, each followed by a line feed. */
  readonly lines: Buffer;
  readonly count: number;
  /** Of the last document, what to pass as `afterId` for those that follow; null when there is none. */
  readonly lastId: string | null;
}

/**
 * Reads the pages of up to `limit` games, the same documents that readProductPage returns, in order of their ids,
 * beginning after one; '0' begins with the first. Rejects with DatabaseUnavailable when Postgres cannot answer now.
 *
 * A batch is one statement, so whoever reads on holds no connection, cursor or snapshot in between, however slow they are.
 */
export async function readProductBatch(
  client: pg.Pool | pg.ClientBase,
  { afterId, limit, market = 'US' }: { afterId: string; limit: number; market?: string },
): Promise<ProductBatch> {
  const { rows } = await client
    .query<[string, string]>({
      name: 'product-export',
      text: productExportStatement,
      values: [afterId, limit, market],
      rowMode: 'array',
    })
    .catch((error: unknown) => {
      throw databaseError(error);
    });
  return {
    lines: linesOf(rows.map(([, document]) => document)),
    count: rows.length,
    lastId: rows.at(-1)?.[0] ?? null,
  };
}

/** Written one by one: joined first, they would be a string so large that only a major garbage collection frees it. */
function linesOf(documents: readonly string[]): Buffer {
  const lines = Buffer.allocUnsafe(
    documents.reduce((bytes, document) => bytes + Buffer.byteLength(document) + 1, 0),
  );
  let at = 0;
  for (const document of documents) {
    at += lines.write(document, at);
    lines[at++] = 0x0a;
  }
  return lines;
}
