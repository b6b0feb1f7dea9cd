import { ifKnown, type Query, read } from './query.ts';

const statement = 'SELECT network, url FROM social_link WHERE product_id = $1 ORDER BY network';

export const socials: Query = async (pool, productId) => {
  const rows = await read<{ network: string; url: string }>(pool, 'socials', statement, [productId]);
  return ifKnown(pool, productId, rows.length === 0, { socialLinks: rows });
};
