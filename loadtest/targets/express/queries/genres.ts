import type pg from 'pg';
import { ifKnown, type Query, read } from './query.ts';

const statement = `
  SELECT t.slug, t.name FROM product_tag pt JOIN tag t ON t.id = pt.tag_id
  WHERE pt.product_id = $1 AND t.group_name = $2 ORDER BY t.name, t.id`;

const readTags = (pool: pg.Pool, productId: number, group: 'genre' | 'feature' | 'platform') =>
  read<{ slug: string; name: string }>(pool, 'tags', statement, [productId, group]);

export const genres: Query = async (pool, productId) => {
  const tags = await readTags(pool, productId, 'genre');
  return ifKnown(pool, productId, tags.length === 0, { genres: tags });
};

export const features: Query = async (pool, productId) => {
  const tags = await readTags(pool, productId, 'feature');
  return ifKnown(pool, productId, tags.length === 0, { features: tags });
};

export const platforms: Query = async (pool, productId) => {
  const tags = await readTags(pool, productId, 'platform');
  return ifKnown(pool, productId, tags.length === 0, { platforms: tags });
};
