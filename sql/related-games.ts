import type pg from 'pg';
import { binaryText } from './binary-text.ts';
import { databaseError } from './errors.ts';
import { cardOf } from './game-card.ts';

/** Most games that are compared: the most popular, and others of the same companies. */
const popularMax = 1000;
const sameCompanyMax = 250;

/**
 * Games are related by the tags and companies they share. One that few of the popular games have says more: its weight is
 * its inverse document frequency (Spärck Jones, 1972) among them. Equals come in order of popularity.
 */
export const relatedStatement = `WITH subject AS (
  SELECT g.product_id, g.terms FROM product p JOIN listed_game g ON g.product_id = coalesce(p.parent_id, p.id)
  WHERE p.slug = $1
), popular AS MATERIALIZED (
  SELECT product_id, popularity_rank, terms FROM listed_game ORDER BY popularity_rank LIMIT ${popularMax}
), weight AS MATERIALIZED (
  SELECT term, ln((1.0 + (SELECT count(*) FROM popular)) / (1 + count(p.term)))::double precision AS weight
  FROM (SELECT unnest(terms) AS term FROM subject) s LEFT JOIN (SELECT unnest(terms) AS term FROM popular) p USING (term)
  WHERE term <> 3 GROUP BY term
), candidate AS (
  TABLE popular
  UNION ALL
  SELECT same.* FROM subject, LATERAL (
    SELECT product_id, popularity_rank, terms FROM listed_game
    WHERE terms && ARRAY(SELECT term FROM unnest(subject.terms) term WHERE term % 4 IN (1, 2)) LIMIT ${sameCompanyMax}) same
  WHERE popularity_rank > (SELECT max(popularity_rank) FROM popular)
), related AS MATERIALIZED (
  SELECT product_id FROM (
    SELECT product_id, popularity_rank, (SELECT sum(weight) FROM weight WHERE term = ANY (terms)) AS score FROM candidate
    WHERE product_id <> (SELECT product_id FROM subject)
  ) scored WHERE score > 0 ORDER BY score DESC, popularity_rank LIMIT $2
)
SELECT EXISTS (SELECT FROM product WHERE slug = $1),
  ARRAY(SELECT ${cardOf('related.product_id', '$3::text')} FROM related)`;

/**
 * Reads the games that have most in common with a product, or with its game, most first: their cards as a JSON array, one
 * character per byte. Undefined when there is no such product. Rejects with DatabaseUnavailable when Postgres cannot answer now.
 */
export async function readRelatedGames(
  client: pg.Pool | pg.ClientBase,
  { slug, limit, market = 'US' }: { slug: string; limit: number; market?: string },
): Promise<string | undefined> {
  const { rows } = await client
    .query<[boolean, string[]]>({
      name: 'related-games',
      text: relatedStatement,
      values: [slug, limit, market],
      rowMode: 'array',
    })
    .catch((error: unknown) => {
      throw databaseError(error);
    });
  const [isThere, cards = []] = rows[0] ?? [];
  return isThere ? binaryText(`[${cards.join(',')}]`) : undefined;
}
