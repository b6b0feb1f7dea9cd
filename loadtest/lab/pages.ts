/** Whether a target answers with the pages that the database holds: one that does not is no faster for it. */
import { query } from '../../local/database.ts';
import { parts } from '../targets/parts.ts';
import type { Api } from '../targets/target.ts';

export interface Product {
  readonly id: number;
  readonly slug: string;
}

/** Games, the most popular first. */
export async function readProducts(ownerUrl: string): Promise<Product[]> {
  const { rows } = await query(ownerUrl, (client) =>
    client.query<{ id: string; slug: string }>(
      'SELECT id, slug FROM product WHERE parent_id IS NULL ORDER BY popularity_rank',
    ),
  );
  return rows.map(({ id, slug }) => ({ id: Number(id), slug }));
}

/** A sentence for each of these products whose page is not what the database says; it may not be edited meanwhile. */
export async function wrongPages(
  ownerUrl: string,
  origin: string,
  api: Api,
  products: readonly Product[],
): Promise<string[]> {
  const found = await Promise.all(
    products.map(async (product) => {
      const expected = await readFacts(ownerUrl, product.id);
      try {
        const actual = factsOf(await fetchPage(origin, api, product));
        const wrong = Object.keys(expected).filter((fact) => actual[fact] !== expected[fact]);
        return wrong.map(
          (fact) => `${product.slug}: ${fact} is ${shown(actual[fact])}, not ${shown(expected[fact])}.`,
        );
      } catch (error) {
        return [`${product.slug}: ${error instanceof Error ? error.message : error}`];
      }
    }),
  );
  return found.flat();
}

const shown = (fact: unknown): string => {
  const text = JSON.stringify(fact) ?? 'missing';
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
};

/** Something from each module of a page, as text. */
type Facts = Readonly<Record<string, string | undefined>>;

async function readFacts(ownerUrl: string, id: number): Promise<Facts> {
  const { rows } = await query(ownerUrl, (client) =>
    client.query<Record<string, string>>(factsStatement, [id]),
  );
  const [facts] = rows;
  if (facts === undefined) throw new Error(`The database has no product ${id}.`);
  return facts;
}

const list = (select: string) => `coalesce((SELECT string_agg(x, '|') FROM (${select}) s(x)), '')`;

const tagNames = (group: string) =>
  list(`SELECT t.name FROM product_tag pt JOIN tag t ON t.id = pt.tag_id
    WHERE pt.product_id = p.id AND t.group_name = '${group}' ORDER BY t.name, t.id`);

const childTitles = (type: string) =>
  list(
    `SELECT c.title FROM product c WHERE c.parent_id = p.id AND c.offer_type = '${type}' ORDER BY c.popularity_rank`,
  );

const requirementValues = (tier: string) =>
  list(`SELECT r.value FROM system_requirement r WHERE r.product_id = p.id AND r.tier = '${tier}'
    ORDER BY r.os DESC, r.position`);

const count = (table: string) => `(SELECT count(*)::text FROM ${table} x WHERE x.product_id = p.id)`;

const factsStatement = `SELECT p.id::text AS id, p.slug, p.title, p.description,
  coalesce((SELECT list_minor || '/' || coalesce(sale_minor::text, '') FROM price
    WHERE product_id = p.id AND market_code = 'US'), '') AS price,
  (SELECT count(*)::text FROM media m WHERE m.product_id = p.id AND m.role <> 'trailer') AS media,
  ${childTitles('edition')} AS editions, ${childTitles('add-on')} AS "addOns",
  ${tagNames('genre')} AS genres, ${tagNames('feature')} AS features, ${tagNames('platform')} AS platforms,
  ${count('achievement')} AS achievements, ${count('review')} AS reviews,
  coalesce((SELECT count::text FROM rating_summary r WHERE r.product_id = p.id), '0') AS ratings,
  ${list(`SELECT headline FROM critic_review c WHERE c.product_id = p.id
    ORDER BY c.published_on DESC, c.id DESC LIMIT 10`)} AS critics,
  ${list(`SELECT q.question FROM poll_result r JOIN poll q ON q.id = r.poll_id
    WHERE r.product_id = p.id ORDER BY r.total DESC, q.id`)} AS polls,
  ${list(`SELECT url FROM social_link s WHERE s.product_id = p.id ORDER BY s.network`)} AS "socialLinks",
  ${requirementValues('minimum')} AS minimum, ${requirementValues('recommended')} AS recommended,
  ${list(`SELECT l.code FROM product_language l2 JOIN language l ON l.code = l2.language_code
    WHERE l2.product_id = p.id AND l2."text" ORDER BY l.code`)} AS languages
  FROM product p WHERE p.id = $1`;

/** The same from a page document. */
function factsOf(page: unknown): Facts {
  const at = (...path: (string | number)[]): unknown =>
    path.reduce((value: unknown, key) => (isObject(value) ? value[key] : undefined), page);
  const all = (value: unknown, key: string): string =>
    Array.isArray(value) ? value.map((item) => String(isObject(item) ? item[key] : item)).join('|') : '';
  const length = (value: unknown): string => (Array.isArray(value) ? String(value.length) : 'none');
  const requirements = (tier: string): string => {
    const systems = at('systemRequirements');
    return Array.isArray(systems)
      ? systems
          .map((system: unknown) => all(isObject(system) ? system[tier] : undefined, 'value'))
          .filter((text) => text !== '')
          .join('|')
      : '';
  };
  return {
    id: String(at('id')),
    slug: String(at('slug')),
    title: String(at('title')),
    description: String(at('description')),
    price: at('price') === null ? '' : `${at('price', 'listMinor')}/${at('price', 'saleMinor') ?? ''}`,
    media: length(at('media')),
    editions: all(at('editions'), 'title'),
    addOns: all(at('addOns'), 'title'),
    genres: all(at('genres'), 'name'),
    features: all(at('features'), 'name'),
    platforms: all(at('platforms'), 'name'),
    achievements: String(at('achievements', 'total') ?? 0),
    reviews: String(at('reviews', 'count') ?? 0),
    ratings: String(at('rating', 'count') ?? 0),
    critics: all(at('critics', 'reviews'), 'headline'),
    polls: all(at('polls'), 'question'),
    socialLinks: all(at('socialLinks'), 'url'),
    minimum: requirements('minimum'),
    recommended: requirements('recommended'),
    languages: all(at('languages', 'text'), 'code'),
  };
}

const isObject = (value: unknown): value is Readonly<Record<string | number, unknown>> =>
  typeof value === 'object' && value !== null;

/** The page as a client puts it together. */
async function fetchPage(origin: string, api: Api, { id, slug }: Product): Promise<unknown> {
  if (api === 'page') return fetchJson(`${origin}/v1/products/${slug}`);
  const page: Record<string, unknown> = {};
  for (const { name, keys } of parts) {
    const part = await fetchJson(`${origin}/api/products/${id}/${name}`);
    if (!isObject(part) || part.productId !== id) throw new Error(`${name} is of another product.`);
    for (const key of keys)
      page[key] = key === 'systemRequirements' ? bySystem(page[key], part[key]) : part[key];
  }
  return page;
}

/** Both tiers of each system, of which a part has one. */
function bySystem(known: unknown, more: unknown): unknown {
  if (!Array.isArray(known)) return more;
  const others: unknown[] = Array.isArray(more) ? more : [];
  return known.map((system: unknown) => {
    const other = others.find(
      (candidate) => isObject(candidate) && isObject(system) && candidate.os === system.os,
    );
    return isObject(system) && isObject(other) ? { ...other, ...system } : system;
  });
}

async function fetchJson(url: string): Promise<unknown> {
  const response = await fetch(url, { signal: AbortSignal.timeout(5000), headers: { connection: 'close' } });
  if (response.status !== 200) throw new Error(`${url} answered ${response.status}.`);
  return response.json();
}
