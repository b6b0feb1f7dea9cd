import { ifKnown, type Query, read } from './query.ts';

/** SQL of the variants of `media m`, as JSON. */
export const variants = `coalesce((
    SELECT json_agg(json_build_object('format', v.format, 'width', v.width, 'url', v.url) ORDER BY v.format, v.width)
    FROM media_variant v WHERE v.media_id = m.id
  ), '[]')`;

export interface Variant {
  readonly format: string;
  readonly width: number;
  readonly url: string;
}

interface MediaRow {
  readonly role: string;
  readonly kind: string;
  readonly url: string;
  readonly posterUrl: string | null;
  readonly alt: string;
  readonly width: number;
  readonly height: number;
  readonly variants: readonly Variant[];
}

const statement = `
  SELECT m.role, m.kind, m.url, m.poster_url AS "posterUrl", m.alt, m.width, m.height, ${variants} AS variants
  FROM media m WHERE m.product_id = $1 ORDER BY m.role, m.position`;

export const media: Query = async (pool, productId) => {
  const rows = await read<MediaRow>(pool, 'media', statement, [productId]);
  return ifKnown(pool, productId, rows.length === 0, {
    trailer: trailerOf(rows.find(({ role }) => role === 'trailer')),
    media: rows.filter(({ role }) => role !== 'trailer'),
  });
};

function trailerOf(row: MediaRow | undefined) {
  if (row === undefined) return null;
  const { role: _role, kind: _kind, ...trailer } = row;
  return trailer;
}
