/** A query or two for each part of a page, as rows that the service makes JSON of. */
import type pg from 'pg';

export type Part = Readonly<Record<string, unknown>>;

/** Resolves null when there is no such product, which the part `product` alone looks for. */
export type PartReader = (pool: pg.Pool, productId: number) => Promise<Part | null>;

const market = 'US';

/** Prepared once per connection under its name. */
async function rows(pool: pg.Pool, name: string, text: string, ...values: unknown[]) {
  const result = await pool.query<Record<string, unknown>>({ name, text, values });
  return result.rows;
}

const iso = (column: string) => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`;

const priceColumns = `m.currency, pr.list_minor AS "listMinor", pr.sale_minor AS "saleMinor",
  coalesce((pr.list_minor - pr.sale_minor)::bigint * 100 / nullif(pr.list_minor, 0), 0)::integer AS "discountPercent",
  ${iso('pr.sale_ends_at')} AS "saleEndsAt"`;

const variants = `coalesce((SELECT json_agg(json_build_object('format', v.format, 'width', v.width, 'url', v.url)
  ORDER BY v.format, v.width) FROM media_variant v WHERE v.media_id = m.id), '[]') AS variants`;

const companies = (pool: pg.Pool, productId: number) =>
  rows(
    pool,
    'companies',
    `SELECT pc.role, c.name, c.url FROM product_company pc JOIN company c ON c.id = pc.company_id
     WHERE pc.product_id = $1 ORDER BY pc.position, c.id`,
    productId,
  );

const ageRating = (pool: pg.Pool, productId: number) =>
  rows(
    pool,
    'age-rating',
    `SELECT a.system, a.code, a.title, a.min_age AS "minAge", a.image_url AS "imageUrl",
       ARRAY(SELECT d.name FROM product_age_descriptor pd JOIN age_descriptor d ON d.id = pd.age_descriptor_id
         WHERE pd.product_id = $1 AND d.system = a.system ORDER BY d.name) AS descriptors
     FROM product_age_rating pa JOIN age_rating a ON a.id = pa.age_rating_id
     JOIN market m ON m.age_system = a.system AND m.code = $2
     WHERE pa.product_id = $1 ORDER BY a.min_age DESC LIMIT 1`,
    productId,
    market,
  );

const price = (pool: pg.Pool, productId: number) =>
  rows(
    pool,
    'price',
    `SELECT ${priceColumns} FROM price pr JOIN market m ON m.code = pr.market_code
     WHERE pr.product_id = $1 AND pr.market_code = $2`,
    productId,
    market,
  );

const without = (key: string, row: Part): Part =>
  Object.fromEntries(Object.entries(row).filter(([name]) => name !== key));

const product: PartReader = async (pool, productId) => {
  const [[row], all, [rating], [cost]] = await Promise.all([
    rows(
      pool,
      'product',
      `SELECT p.slug, p.title, p.offer_type AS type, p.short_description AS "shortDescription", p.description,
         to_char(p.release_date, 'YYYY-MM-DD') AS "releaseDate", p.legal_text AS "legalText",
         CASE WHEN r.code IS NOT NULL
           THEN json_build_object('code', r.code, 'name', r.name, 'policyUrl', r.policy_url) END AS "refundType"
       FROM product p LEFT JOIN refund_type r ON r.code = p.refund_type_code WHERE p.id = $1`,
      productId,
    ),
    companies(pool, productId),
    ageRating(pool, productId),
    price(pool, productId),
  ]);
  if (row === undefined) return null;
  const withRole = (role: string) =>
    all.filter((company) => company.role === role).map((company) => without('role', company));
  return {
    id: productId,
    ...row,
    developers: withRole('developer'),
    publishers: withRole('publisher'),
    ageRating: rating ?? null,
    price: cost ?? null,
  };
};

const media: PartReader = async (pool, productId) => {
  const all = await rows(
    pool,
    'media',
    `SELECT m.role, m.kind, m.url, m.poster_url AS "posterUrl", m.alt, m.width, m.height, ${variants}
     FROM media m WHERE m.product_id = $1 ORDER BY m.role, m.position`,
    productId,
  );
  const trailer = all.find(({ role }) => role === 'trailer');
  return {
    trailer: trailer === undefined ? null : without('role', without('kind', trailer)),
    media: all.filter(({ role }) => role !== 'trailer'),
  };
};

const children =
  (key: string, type: string): PartReader =>
  async (pool, productId) => ({
    [key]: await rows(
      pool,
      'children',
      `SELECT c.slug, c.title, c.short_description AS "shortDescription",
         (SELECT row_to_json(x) FROM (SELECT m.url, m.alt, m.width, m.height, ${variants}
            FROM media m WHERE m.product_id = c.id AND m.role = 'card' ORDER BY m.position LIMIT 1) x) AS image,
         (SELECT row_to_json(x) FROM (SELECT ${priceColumns} FROM price pr JOIN market m ON m.code = pr.market_code
            WHERE pr.product_id = c.id AND pr.market_code = $3) x) AS price
       FROM product c WHERE c.parent_id = $1 AND c.offer_type = $2 ORDER BY c.popularity_rank`,
      productId,
      type,
      market,
    ),
  });

const tags =
  (key: string, group: string): PartReader =>
  async (pool, productId) => ({
    [key]: await rows(
      pool,
      'tags',
      `SELECT t.slug, t.name FROM product_tag pt JOIN tag t ON t.id = pt.tag_id
       WHERE pt.product_id = $1 AND t.group_name = $2 ORDER BY t.name, t.id`,
      productId,
      group,
    ),
  });

const achievements: PartReader = async (pool, productId) => {
  const top = await rows(
    pool,
    'achievements',
    `SELECT t.name, t.description, t.xp, t.tier, t.hidden, t.rarity_percent::float AS "rarityPercent",
       t.image_url AS "imageUrl", (count(*) OVER ())::integer AS total
     FROM achievement t WHERE t.product_id = $1 ORDER BY t.xp DESC, t.id LIMIT 10`,
    productId,
  );
  const [first] = top;
  return {
    achievements:
      first === undefined ? null : { total: first.total, top: top.map((row) => without('total', row)) },
  };
};

const polls: PartReader = async (pool, productId) => ({
  polls: await rows(
    pool,
    'polls',
    `SELECT q.question, q.emoji, r.total::float AS total FROM poll_result r JOIN poll q ON q.id = r.poll_id
     WHERE r.product_id = $1 ORDER BY r.total DESC, q.id`,
    productId,
  ),
});

const verdicts = [
  [85, 'outstanding'],
  [70, 'strong'],
  [55, 'fair'],
  [Number.NEGATIVE_INFINITY, 'weak'],
] as const;

const ratings: PartReader = async (pool, productId) => {
  const [[rating], [summary], reviews] = await Promise.all([
    rows(
      pool,
      'rating',
      `SELECT r.average::float AS average, r.count, ARRAY[r.n1, r.n2, r.n3, r.n4, r.n5] AS histogram
       FROM rating_summary r WHERE r.product_id = $1`,
      productId,
    ),
    rows(
      pool,
      'critics',
      `SELECT round(avg(c.score * 100 / c.score_max))::integer AS average,
         round(avg(c.recommended::integer) * 100)::integer AS "recommendPercent"
       FROM critic_review c WHERE c.product_id = $1 HAVING count(*) > 0`,
      productId,
    ),
    rows(
      pool,
      'critic-reviews',
      `SELECT o.name AS outlet, c.author, c.headline, c.quote, c.score::float AS score,
         c.score_max::float AS "scoreMax", c.recommended, c.url, to_char(c.published_on, 'YYYY-MM-DD') AS "publishedOn"
       FROM critic_review c JOIN outlet o ON o.id = c.outlet_id
       WHERE c.product_id = $1 ORDER BY c.published_on DESC, c.id DESC LIMIT 10`,
      productId,
    ),
  ]);
  const average = summary?.average;
  const verdict = typeof average === 'number' ? verdicts.find(([least]) => average >= least)?.[1] : null;
  return { rating: rating ?? null, critics: summary === undefined ? null : { ...summary, verdict, reviews } };
};

const reviews: PartReader = async (pool, productId) => {
  const [[counted], latest] = await Promise.all([
    rows(
      pool,
      'review-count',
      'SELECT count(*)::integer AS count FROM review WHERE product_id = $1',
      productId,
    ),
    rows(
      pool,
      'reviews',
      `SELECT l.author, l.stars, l.title, l.body, ${iso('l.created_at')} AS "createdAt"
       FROM review l WHERE l.product_id = $1 ORDER BY l.created_at DESC, l.id DESC LIMIT 10`,
      productId,
    ),
  ]);
  return { reviews: counted?.count === 0 ? null : { count: counted?.count, latest } };
};

const socials: PartReader = async (pool, productId) => ({
  socialLinks: await rows(
    pool,
    'socials',
    'SELECT network, url FROM social_link WHERE product_id = $1 ORDER BY network',
    productId,
  ),
});

/** Systems without values of this tier are listed too, as the other part may have some. */
const specs =
  (tier: 'minimum' | 'recommended'): PartReader =>
  async (pool, productId) => {
    const all = await rows(
      pool,
      'specs',
      `SELECT os, tier, component, value FROM system_requirement WHERE product_id = $1
       ORDER BY os DESC, tier, position`,
      productId,
    );
    const systems = Map.groupBy(all, ({ os }) => os);
    return {
      systemRequirements: [...systems].map(([os, values]) => ({
        os,
        [tier]: values
          .filter((row) => row.tier === tier)
          .map(({ component, value }) => ({ component, value })),
      })),
    };
  };

const languages: PartReader = async (pool, productId) => {
  const all = await rows(
    pool,
    'languages',
    `SELECT l.code, l.name, pl.audio, pl."text" FROM product_language pl JOIN language l ON l.code = pl.language_code
     WHERE pl.product_id = $1 ORDER BY l.code`,
    productId,
  );
  const spoken = (kind: 'audio' | 'text') =>
    all.filter((row) => row[kind] === true).map(({ code, name }) => ({ code, name }));
  return { languages: all.length === 0 ? null : { audio: spoken('audio'), text: spoken('text') } };
};

/** By the part's name, in the order of `parts.ts`. */
export const partReaders: Readonly<Record<string, PartReader>> = {
  product,
  media,
  editions: children('editions', 'edition'),
  'add-ons': children('addOns', 'add-on'),
  genres: tags('genres', 'genre'),
  features: tags('features', 'feature'),
  platforms: tags('platforms', 'platform'),
  achievements,
  polls,
  ratings,
  reviews,
  socials,
  'specs-recommended': specs('recommended'),
  'specs-minimum': specs('minimum'),
  languages,
};

/** One document of them; of each system's requirements the parts hold a tier. */
export function mergeParts(parts: readonly Part[]): Part {
  const merged: Record<string, unknown> = {};
  for (const part of parts)
    for (const [key, value] of Object.entries(part))
      merged[key] = key === 'systemRequirements' && key in merged ? bothTiers(merged[key], value) : value;
  return merged;
}

function bothTiers(some: unknown, others: unknown): unknown {
  if (!Array.isArray(some) || !Array.isArray(others)) return some;
  // Both list the same systems in the same order.
  return some.map((system: unknown, i) => Object.assign({}, system, others[i]));
}
