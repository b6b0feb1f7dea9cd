import type pg from 'pg';
import { binaryText } from './binary-text.ts';
import { databaseError } from './errors.ts';
import { pageColumns } from './page-document.ts';
import { stampSql } from './stamp.ts';

// One row always: a slug that is not there is an answer too, and needs the snapshot it was given in.
export const productPageStatement = `SELECT
  (SELECT row_to_json(page)::text FROM (SELECT ${pageColumns('$2::text')} FROM product p WHERE p.slug = $1) page),
  ${stampSql}`;

export interface ProductPage {
  /** The document as JSON, one character per byte of its UTF-8; null when no product has this slug. */
  readonly body: string | null;
  /** The stamp of the snapshot the document was read in. */
  readonly snapshot: string;
}

/**
 * Reads one product's whole page, or that there is none, in one statement. The caller has checked the slug.
 * Rejects with DatabaseUnavailable when Postgres cannot answer now.
 */
export async function readProductPage(
  client: pg.Pool | pg.ClientBase,
  slug: string,
  market = 'US',
): Promise<ProductPage> {
  const result = await client
    .query<[string | null, string]>({
      name: 'product-page',
      text: productPageStatement,
      values: [slug, market],
      rowMode: 'array',
    })
    .catch((error: unknown) => {
      throw databaseError(error);
    });
  const [row] = result.rows;
  if (row === undefined) throw new Error('The page statement returned no row.');
  return { body: row[0] === null ? null : binaryText(row[0]), snapshot: row[1] };
}

// The page statement once for each slug, so that each page is read through the same indexes, whatever their number.
export const productPagesStatement = `SELECT asked.slug,
  (SELECT row_to_json(page)::text FROM (SELECT ${pageColumns('$2::text')} FROM product p WHERE p.slug = asked.slug) page),
  ${stampSql}
FROM unnest($1::text[]) asked(slug)`;

/**
 * Reads the pages of several products, by slug, in one statement and one snapshot. The caller has checked the slugs.
 * Rejects with DatabaseUnavailable when Postgres cannot answer now.
 */
export async function readProductPages(
  client: pg.Pool | pg.ClientBase,
  slugs: readonly string[],
  market = 'US',
): Promise<ReadonlyMap<string, ProductPage>> {
  const { rows } = await client
    .query<[string, string | null, string]>({
      name: 'product-pages',
      text: productPagesStatement,
      values: [slugs, market],
      rowMode: 'array',
    })
    .catch((error: unknown) => {
      throw databaseError(error);
    });
  return new Map(
    rows.map(([slug, page, snapshot]) => [slug, { body: page === null ? null : binaryText(page), snapshot }]),
  );
}

/**
 * Opens so many connections and has each plan the page statement, which costs a new one several times what reading a
 * page does. Rejects with DatabaseUnavailable when Postgres cannot answer now.
 */
export async function planPageReads(pool: pg.Pool, connections: number): Promise<void> {
  // All are asked for before the first is given back, so that each is another.
  const planned = Array.from({ length: connections }, async () => {
    const client = await pool.connect();
    try {
      // Planned when first executed, with whatever slug: no product has this one.
      await readProductPage(client, '');
    } finally {
      client.release();
    }
  });
  const settled = await Promise.allSettled(planned);
  const failure = settled.find((result) => result.status === 'rejected');
  if (failure) throw databaseError(failure.reason);
}
