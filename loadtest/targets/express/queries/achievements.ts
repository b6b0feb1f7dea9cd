import { ifKnown, type Query, read } from './query.ts';

const statement = `
  SELECT a.name, a.description, a.xp, a.tier, a.hidden, a.rarity_percent AS "rarityPercent",
    a.image_url AS "imageUrl", (SELECT count(*) FROM achievement WHERE product_id = $1) AS total
  FROM achievement a WHERE a.product_id = $1 ORDER BY a.xp DESC, a.id LIMIT 10`;

interface AchievementRow {
  readonly name: string;
  readonly description: string;
  readonly xp: number;
  readonly tier: string;
  readonly hidden: boolean;
  readonly rarityPercent: number;
  readonly imageUrl: string | null;
  /** Of all, in each row. */
  readonly total: number;
}

export const achievements: Query = async (pool, productId) => {
  const rows = await read<AchievementRow>(pool, 'achievements', statement, [productId]);
  const [first] = rows;
  return ifKnown(pool, productId, first === undefined, {
    achievements: first
      ? { total: first.total, top: rows.map(({ total: _, ...achievement }) => achievement) }
      : null,
  });
};
