import type pg from 'pg';
import { type Variant, variants } from './media.ts';
import { market, type PriceRow, priceColumns, priceOf } from './price.ts';
import { type Query, read } from './query.ts';

// From the parent on, so that one statement tells a product without children, as most are, from none.
const statement = `
  SELECT c.slug, c.title, c.short_description AS "shortDescription",
    card.url AS "imageUrl", card.alt AS "imageAlt", card.width AS "imageWidth", card.height AS "imageHeight",
    card.variants AS "imageVariants",
    ${priceColumns}
  FROM product p
  LEFT JOIN product c ON c.parent_id = p.id AND c.offer_type = $2
  LEFT JOIN market m ON m.code = $3
  LEFT JOIN price pr ON pr.product_id = c.id AND pr.market_code = m.code
  LEFT JOIN LATERAL (
    SELECT m.url, m.alt, m.width, m.height, ${variants} AS variants FROM media m
    WHERE m.product_id = c.id AND m.role = 'card' ORDER BY m.position LIMIT 1
  ) card ON true
  WHERE p.id = $1 ORDER BY c.popularity_rank`;

interface ChildRow extends PriceRow {
  readonly slug: string | null;
  readonly title: string | null;
  readonly shortDescription: string | null;
  readonly imageUrl: string | null;
  readonly imageAlt: string | null;
  readonly imageWidth: number | null;
  readonly imageHeight: number | null;
  readonly imageVariants: readonly Variant[] | null;
}

export const editions: Query = async (pool, productId) => {
  const children = await readChildren(pool, productId, 'edition');
  return children && { editions: children };
};

export const addOns: Query = async (pool, productId) => {
  const children = await readChildren(pool, productId, 'add-on');
  return children && { addOns: children };
};

async function readChildren(pool: pg.Pool, productId: number, offerType: 'edition' | 'add-on') {
  const rows = await read<ChildRow>(pool, 'children', statement, [productId, offerType, market]);
  if (rows.length === 0) return null;
  return rows
    .filter(({ slug }) => slug !== null)
    .map((row) => ({
      slug: row.slug,
      title: row.title,
      shortDescription: row.shortDescription,
      image: imageOf(row),
      price: priceOf(row),
    }));
}

const imageOf = (row: ChildRow) =>
  row.imageUrl === null
    ? null
    : {
        url: row.imageUrl,
        alt: row.imageAlt,
        width: row.imageWidth,
        height: row.imageHeight,
        variants: row.imageVariants,
      };
