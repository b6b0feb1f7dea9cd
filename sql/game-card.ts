import { cardImage, developers, price } from './page-document.ts';

/** A game as lists show it: a scalar subquery for its JSON, by an SQL expression for its id and one for the market. */
export const cardOf = (id: string, market: string) => `(SELECT row_to_json(card)::text FROM (
    SELECT p.slug, p.title, p.offer_type AS type, p.short_description AS "shortDescription",
      ${cardImage('p')} AS image, ${price('p', market)} AS price,
      (SELECT row_to_json(x) FROM (
        SELECT r.average, r.count FROM rating_summary r WHERE r.product_id = p.id) x) AS rating,
      p.release_date AS "releaseDate", ${developers('p')} AS developers
    FROM product p WHERE p.id = ${id}
  ) card)`;
