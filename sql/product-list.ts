import type pg from 'pg';
import { binaryText } from './binary-text.ts';
import { databaseError } from './errors.ts';
import { cardImage, developers, price } from './page-document.ts';

const text = `SELECT card.rank, row_to_json(card.item)::text
FROM (
  SELECT p.popularity_rank AS rank, item
  FROM product p, LATERAL (
    SELECT p.slug, p.title, p.offer_type AS type, p.short_description AS "shortDescription",
      ${cardImage('p')} AS image, ${price('p', '$3::text')} AS price,
      (SELECT row_to_json(x) FROM (
        SELECT r.average, r.count FROM rating_summary r WHERE r.product_id = p.id) x) AS rating,
      p.release_date AS "releaseDate", ${developers('p')} AS developers
  ) item
  WHERE p.parent_id IS NULL AND p.popularity_rank > $1
  ORDER BY p.popularity_rank LIMIT $2
) card`;

export interface ProductList {
  /** The cards as a JSON array, one character per byte of its UTF-8. */
  readonly items: string;
  /** What to pass as `afterRank` for the next page; null on the last one. */
  readonly nextRank: number | null;
}

/**
 * Reads `limit` games (editions and add-ons are on their game's page) in order of popularity, beginning
 * after a rank; 0 begins with the most popular. Rejects with DatabaseUnavailable when Postgres cannot answer now.
 */
export async function readProductList(
  client: pg.Pool | pg.ClientBase,
  { afterRank, limit, market = 'US' }: { afterRank: number; limit: number; market?: string },
): Promise<ProductList> {
  const { rows } = await client
    .query<[string, string]>({
      name: 'product-list',
      text,
      // One more than asked for tells whether there is a next page.
      values: [afterRank, limit + 1, market],
      rowMode: 'array',
    })
    .catch((error: unknown) => {
      throw databaseError(error);
    });
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    items: binaryText(`[${shown.map(([, card]) => card).join(',')}]`),
    nextRank: rows.length > limit && last !== undefined ? Number(last[0]) : null,
  };
}
