/**
 * A product's page in one statement, as JSON text. `row_to_json` keeps the order of the columns and writes no spaces.
 * $1 is the slug. The store sells in one market.
 */

const list = (select: string) => `(SELECT coalesce(json_agg(item), '[]') FROM (${select}) item)`;
const object = (select: string) => `(SELECT row_to_json(item) FROM (${select}) item)`;
const utc = (column: string) => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`;

const tags = (group: string) =>
  list(`SELECT tag.slug, tag.name FROM product_tag JOIN tag ON tag.id = tag_id
    WHERE product_id = p.id AND group_name = '${group}' ORDER BY tag.name, tag.id`);

const companies = (role: string) =>
  list(`SELECT company.name, company.url FROM product_company JOIN company ON company.id = company_id
    WHERE product_id = p.id AND role = '${role}' ORDER BY position, company.id`);

const variantsOf = (media: string) =>
  list(`SELECT format, width, url FROM media_variant WHERE media_id = ${media}.id ORDER BY format, width`);

const priceOf = (product: string) =>
  object(`SELECT market.currency, list_minor AS "listMinor", sale_minor AS "saleMinor",
      coalesce((list_minor - sale_minor)::bigint * 100 / nullif(list_minor, 0), 0) AS "discountPercent",
      ${utc('sale_ends_at')} AS "saleEndsAt"
    FROM price JOIN market ON market.code = market_code
    WHERE product_id = ${product}.id AND market_code = 'US'`);

const offers = (type: string) =>
  list(`SELECT c.slug, c.title, c.short_description AS "shortDescription",
      ${object(`SELECT m.url, m.alt, m.width, m.height, ${variantsOf('m')} AS variants FROM media m
        WHERE m.product_id = c.id AND m.role = 'card' ORDER BY m.position LIMIT 1`)} AS image,
      ${priceOf('c')} AS price
    FROM product c WHERE c.parent_id = p.id AND c.offer_type = '${type}' ORDER BY c.popularity_rank`);

const requirements = (tier: string) =>
  list(`SELECT r.component, r.value FROM system_requirement r
    WHERE r.product_id = p.id AND r.os = systems.os AND r.tier = '${tier}' ORDER BY r.position`);

const languages = (kind: string) =>
  list(`SELECT language.code, language.name FROM product_language l JOIN language ON language.code = l.language_code
    WHERE l.product_id = p.id AND l.${kind} ORDER BY language.code`);

export const pageStatement = `SELECT row_to_json(page)::text AS body FROM (SELECT
  p.id, p.slug, p.title, p.offer_type AS type, p.short_description AS "shortDescription", p.description,
  ${object(`SELECT average, count, ARRAY[n1, n2, n3, n4, n5] AS histogram
    FROM rating_summary WHERE product_id = p.id`)} AS rating,
  ${object(`SELECT m.url, m.poster_url AS "posterUrl", m.alt, m.width, m.height, ${variantsOf('m')} AS variants
    FROM media m WHERE m.product_id = p.id AND m.role = 'trailer' ORDER BY m.position LIMIT 1`)} AS trailer,
  ${list(`SELECT m.role, m.kind, m.url, m.poster_url AS "posterUrl", m.alt, m.width, m.height,
      ${variantsOf('m')} AS variants
    FROM media m WHERE m.product_id = p.id AND m.role <> 'trailer' ORDER BY m.role, m.position`)} AS media,
  ${tags('genre')} AS genres,
  ${tags('feature')} AS features,
  ${tags('platform')} AS platforms,
  ${companies('developer')} AS developers,
  ${companies('publisher')} AS publishers,
  p.release_date AS "releaseDate",
  ${object(`SELECT a.system, a.code, a.title, a.min_age AS "minAge", a.image_url AS "imageUrl",
      (SELECT coalesce(json_agg(d.name ORDER BY d.name), '[]')
        FROM product_age_descriptor JOIN age_descriptor d ON d.id = age_descriptor_id
        WHERE product_id = p.id AND d.system = a.system) AS descriptors
    FROM product_age_rating JOIN age_rating a ON a.id = age_rating_id
    WHERE product_id = p.id AND a.system = (SELECT age_system FROM market WHERE code = 'US')
    ORDER BY a.min_age DESC LIMIT 1`)} AS "ageRating",
  ${priceOf('p')} AS price,
  ${object(`SELECT code, name, policy_url AS "policyUrl" FROM refund_type
    WHERE code = p.refund_type_code`)} AS "refundType",
  ${offers('edition')} AS editions,
  ${offers('add-on')} AS "addOns",
  ${object(`SELECT count(*) AS total, ${list(`SELECT name, description, xp, tier, hidden,
      rarity_percent AS "rarityPercent", image_url AS "imageUrl"
      FROM achievement WHERE product_id = p.id ORDER BY xp DESC, id LIMIT 10`)} AS top
    FROM achievement WHERE product_id = p.id HAVING count(*) > 0`)} AS achievements,
  ${object(`SELECT scores.average, scores."recommendPercent",
      CASE WHEN average >= 85 THEN 'outstanding' WHEN average >= 70 THEN 'strong'
        WHEN average >= 55 THEN 'fair' WHEN average < 55 THEN 'weak' END AS verdict,
      ${list(`SELECT outlet.name AS outlet, c.author, c.headline, c.quote, c.score, c.score_max AS "scoreMax",
        c.recommended, c.url, c.published_on AS "publishedOn"
        FROM critic_review c JOIN outlet ON outlet.id = c.outlet_id
        WHERE c.product_id = p.id ORDER BY c.published_on DESC, c.id DESC LIMIT 10`)} AS reviews
    FROM (SELECT round(avg(score * 100 / score_max)) AS average,
        round(avg(recommended::integer) * 100) AS "recommendPercent"
      FROM critic_review WHERE product_id = p.id HAVING count(*) > 0) scores`)} AS critics,
  ${list(`SELECT poll.question, poll.emoji, r.total FROM poll_result r JOIN poll ON poll.id = r.poll_id
    WHERE r.product_id = p.id ORDER BY r.total DESC, poll.id`)} AS polls,
  ${object(`SELECT count(*) AS count, ${list(`SELECT author, stars, title, body, ${utc('created_at')} AS "createdAt"
      FROM review WHERE product_id = p.id ORDER BY created_at DESC, id DESC LIMIT 10`)} AS latest
    FROM review WHERE product_id = p.id HAVING count(*) > 0`)} AS reviews,
  ${list(`SELECT systems.os, ${requirements('minimum')} AS minimum, ${requirements('recommended')} AS recommended
    FROM (SELECT DISTINCT os FROM system_requirement WHERE product_id = p.id) systems
    ORDER BY systems.os DESC`)} AS "systemRequirements",
  ${object(`SELECT ${languages('audio')} AS audio, ${languages('"text"')} AS "text"
    WHERE EXISTS (SELECT FROM product_language WHERE product_id = p.id)`)} AS languages,
  ${list('SELECT network, url FROM social_link WHERE product_id = p.id ORDER BY network')} AS "socialLinks",
  p.legal_text AS "legalText"
FROM product p WHERE p.slug = $1) page`;
