/**
 * The page document of one product, made by Postgres: SQL text that the page statement and the warm-up
 * share. `row_to_json` and `array_to_json` write JSON without spaces, unlike `json_build_object`, and
 * keep the order of the columns. An absent list is `[]`, any other absent module `null`.
 */

/** A JSON array of the rows of a SELECT. */
const rows = (select: string) => `array_to_json(ARRAY(SELECT row_to_json(x) FROM (${select}) x))`;

/** The row of a SELECT as a JSON object, or null. */
const row = (select: string) => `(SELECT row_to_json(x) FROM (${select}) x)`;

/** A timestamptz in UTC as ISO 8601, whatever the session's TimeZone. */
export const iso = (column: string) => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`;

const tags = (product: string, group: string) =>
  rows(`SELECT t.slug, t.name FROM product_tag pt JOIN tag t ON t.id = pt.tag_id
    WHERE pt.product_id = ${product}.id AND t.group_name = '${group}' ORDER BY t.name, t.id`);

const companies = (product: string, role: string) =>
  rows(`SELECT c.name, c.url FROM product_company pc JOIN company c ON c.id = pc.company_id
    WHERE pc.product_id = ${product}.id AND pc.role = '${role}' ORDER BY pc.position, c.id`);

const variants = (media: string) =>
  rows(`SELECT v.format, v.width, v.url FROM media_variant v
    WHERE v.media_id = ${media}.id ORDER BY v.format, v.width`);

const languages = (kind: 'audio' | 'text') =>
  rows(`SELECT l.code, l.name FROM product_language pl JOIN language l ON l.code = pl.language_code
    WHERE pl.product_id = p.id AND pl."${kind}" ORDER BY l.code`);

const requirements = (tier: string) =>
  rows(`SELECT r.component, r.value FROM system_requirement r
    WHERE r.product_id = p.id AND r.os = s.os AND r.tier = '${tier}' ORDER BY r.position`);

const children = (offerType: string, market: string) =>
  rows(`SELECT c.slug, c.title, c.short_description AS "shortDescription", ${cardImage('c')} AS image,
      ${price('c', market)} AS price
    FROM product c WHERE c.parent_id = p.id AND c.offer_type = '${offerType}' ORDER BY c.popularity_rank`);

/** The price of a product in one market; a discount is rounded down, so that none is overstated. */
export const price = (product: string, market: string) =>
  row(`SELECT m.currency, pr.list_minor AS "listMinor", pr.sale_minor AS "saleMinor",
      coalesce((pr.list_minor - pr.sale_minor)::bigint * 100 / nullif(pr.list_minor, 0), 0) AS "discountPercent",
      ${iso('pr.sale_ends_at')} AS "saleEndsAt"
    FROM price pr JOIN market m ON m.code = pr.market_code
    WHERE pr.product_id = ${product}.id AND pr.market_code = ${market}`);

export const cardImage = (product: string) =>
  row(`SELECT m.url, m.alt, m.width, m.height, ${variants('m')} AS variants FROM media m
    WHERE m.product_id = ${product}.id AND m.role = 'card' ORDER BY m.position LIMIT 1`);

export const developers = (product: string) => companies(product, 'developer');

/**
 * The SELECT list of a page over `product p`; the JSON's keys and their order are the public contract.
 * `market` is the SQL of a market's code.
 */
export const pageColumns = (market: string) => `
  p.id, p.slug, p.title, p.offer_type AS type, p.short_description AS "shortDescription", p.description,
  ${row(`SELECT r.average, r.count, ARRAY[r.n1, r.n2, r.n3, r.n4, r.n5] AS histogram
    FROM rating_summary r WHERE r.product_id = p.id`)} AS rating,
  ${row(`SELECT m.url, m.poster_url AS "posterUrl", m.alt, m.width, m.height, ${variants('m')} AS variants
    FROM media m WHERE m.product_id = p.id AND m.role = 'trailer' ORDER BY m.position LIMIT 1`)} AS trailer,
  ${rows(`SELECT m.role, m.kind, m.url, m.poster_url AS "posterUrl", m.alt, m.width, m.height,
      ${variants('m')} AS variants
    FROM media m WHERE m.product_id = p.id AND m.role <> 'trailer' ORDER BY m.role, m.position`)} AS media,
  ${tags('p', 'genre')} AS genres,
  ${tags('p', 'feature')} AS features,
  ${tags('p', 'platform')} AS platforms,
  ${developers('p')} AS developers,
  ${companies('p', 'publisher')} AS publishers,
  p.release_date AS "releaseDate",
  ${row(`SELECT a.system, a.code, a.title, a.min_age AS "minAge", a.image_url AS "imageUrl",
      array_to_json(ARRAY(SELECT d.name FROM product_age_descriptor pd
        JOIN age_descriptor d ON d.id = pd.age_descriptor_id
        WHERE pd.product_id = p.id AND d.system = a.system ORDER BY d.name)) AS descriptors
    FROM product_age_rating pa JOIN age_rating a ON a.id = pa.age_rating_id
    WHERE pa.product_id = p.id AND a.system = (SELECT age_system FROM market WHERE code = ${market})
    ORDER BY a.min_age DESC LIMIT 1`)} AS "ageRating",
  ${price('p', market)} AS price,
  ${row(`SELECT r.code, r.name, r.policy_url AS "policyUrl" FROM refund_type r
    WHERE r.code = p.refund_type_code`)} AS "refundType",
  ${children('edition', market)} AS editions,
  ${children('add-on', market)} AS "addOns",
  ${row(`SELECT count(*) AS total, ${rows(`SELECT t.name, t.description, t.xp, t.tier, t.hidden,
      t.rarity_percent AS "rarityPercent", t.image_url AS "imageUrl"
      FROM achievement t WHERE t.product_id = p.id ORDER BY t.xp DESC, t.id LIMIT 10`)} AS top
    FROM achievement a WHERE a.product_id = p.id HAVING count(*) > 0`)} AS achievements,
  ${row(`SELECT s.average, s."recommendPercent",
      CASE WHEN s.average >= 85 THEN 'outstanding' WHEN s.average >= 70 THEN 'strong'
        WHEN s.average >= 55 THEN 'fair' WHEN s.average < 55 THEN 'weak' END AS verdict,
      ${rows(`SELECT o.name AS outlet, c.author, c.headline, c.quote, c.score, c.score_max AS "scoreMax",
        c.recommended, c.url, c.published_on AS "publishedOn"
        FROM critic_review c JOIN outlet o ON o.id = c.outlet_id
        WHERE c.product_id = p.id ORDER BY c.published_on DESC, c.id DESC LIMIT 10`)} AS reviews
    FROM (SELECT round(avg(c.score * 100 / c.score_max)) AS average,
        round(avg(c.recommended::integer) * 100) AS "recommendPercent"
      FROM critic_review c WHERE c.product_id = p.id HAVING count(*) > 0) s`)} AS critics,
  ${rows(`SELECT q.question, q.emoji, r.total FROM poll_result r JOIN poll q ON q.id = r.poll_id
    WHERE r.product_id = p.id ORDER BY r.total DESC, q.id`)} AS polls,
  ${row(`SELECT count(*) AS count, ${rows(`SELECT l.author, l.stars, l.title, l.body,
      ${iso('l.created_at')} AS "createdAt"
      FROM review l WHERE l.product_id = p.id ORDER BY l.created_at DESC, l.id DESC LIMIT 10`)} AS latest
    FROM review r WHERE r.product_id = p.id HAVING count(*) > 0`)} AS reviews,
  ${rows(`SELECT s.os, ${requirements('minimum')} AS minimum, ${requirements('recommended')} AS recommended
    FROM (SELECT DISTINCT r.os FROM system_requirement r WHERE r.product_id = p.id) s
    ORDER BY s.os DESC`)} AS "systemRequirements",
  ${row(`SELECT ${languages('audio')} AS audio, ${languages('text')} AS "text"
    WHERE EXISTS (SELECT FROM product_language pl WHERE pl.product_id = p.id)`)} AS languages,
  ${rows(`SELECT s.network, s.url FROM social_link s WHERE s.product_id = p.id
    ORDER BY s.network`)} AS "socialLinks",
  p.legal_text AS "legalText"`;
