/** Reviews and achievements of a product, a page at a time, in the order in which its page shows the first of them. */
import type pg from 'pg';
import { binaryText } from './binary-text.ts';
import { databaseError } from './errors.ts';
import { iso } from './page-document.ts';

/** Of reviews the microseconds since 1970 at which it was written, of achievements the points; and its id. */
export interface RowPosition {
  readonly key: number;
  readonly id: number;
}

export interface ProductRowsQuery {
  readonly slug: string;
  readonly after?: RowPosition;
  readonly limit: number;
}

export interface ProductRows {
  /** A JSON array, one character per byte of its UTF-8. */
  readonly items: string;
  /** What to pass as `after` to go on; null when there is nothing more. */
  readonly next: RowPosition | null;
}

// A review of the infinite future, or past, has no number; those at the end of time come first, and nothing goes on from them.
const reviews = `SELECT CASE WHEN isfinite(r.created_at) THEN (extract(epoch FROM r.created_at) * 1000000)::bigint END AS key, r.id,
    (SELECT row_to_json(x)::text FROM (
      SELECT r.author, r.stars, r.title, r.body, ${iso('r.created_at')} AS "createdAt") x) AS item
  FROM review r WHERE r.product_id = p.id AND ($2::bigint IS NULL
    OR (r.created_at, r.id) < (timestamptz 'epoch' + $2 * interval '1 microsecond', $3::bigint))
  ORDER BY r.created_at DESC, r.id DESC LIMIT $4`;

const achievements = `SELECT a.xp AS key, a.id,
    (SELECT row_to_json(x)::text FROM (SELECT a.name, a.description, a.xp, a.tier, a.hidden,
      a.rarity_percent AS "rarityPercent", a.image_url AS "imageUrl") x) AS item
  FROM achievement a WHERE a.product_id = p.id AND ($2::bigint IS NULL
    OR (a.xp <= $2 AND (a.xp < $2 OR a.id > $3::bigint)))
  ORDER BY a.xp DESC, a.id LIMIT $4`;

export type ProductRowKind = 'reviews' | 'achievements';

/** No row when there is no such product, and one of nulls when it has nothing. */
export const productRowsStatements: Readonly<Record<ProductRowKind, string>> = {
  reviews: `SELECT x.key, x.id, x.item FROM product p LEFT JOIN LATERAL (${reviews}) x ON true WHERE p.slug = $1`,
  achievements: `SELECT x.key, x.id, x.item FROM product p LEFT JOIN LATERAL (${achievements}) x ON true WHERE p.slug = $1`,
};

/**
 * Reads a page of a product's reviews, newest first, or achievements, those of most points first. Undefined when there is no
 * such product. Rejects with DatabaseUnavailable when Postgres cannot answer now.
 */
export async function readProductRows(
  client: pg.Pool | pg.ClientBase,
  kind: ProductRowKind,
  { slug, after, limit }: ProductRowsQuery,
): Promise<ProductRows | undefined> {
  const { rows } = await client
    .query<[string | null, string | null, string | null]>({
      name: `product-${kind}`,
      text: productRowsStatements[kind],
      // One more than asked for tells whether there is a next page.
      values: [slug, after?.key ?? null, after?.id ?? null, limit + 1],
      rowMode: 'array',
    })
    .catch((error: unknown) => {
      throw databaseError(error);
    });
  if (rows.length === 0) return undefined;
  const found = rows.filter(([, , item]) => item !== null);
  const [key, id] = found[limit - 1] ?? [];
  return {
    items: binaryText(
      `[${found
        .slice(0, limit)
        .map(([, , item]) => item)
        .join(',')}]`,
    ),
    next: found.length > limit && key != null && id != null ? { key: Number(key), id: Number(id) } : null,
  };
}
