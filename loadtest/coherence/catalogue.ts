/** The part of the catalogue that the prober writes and asks for, and what it holds before the first write. */
import type { Client } from 'pg';
import type { Ledger } from './ledger.ts';
import { cells, none } from './page.ts';

export interface Product {
  readonly id: number;
  readonly slug: string;
}

export interface Catalogue {
  /** Popular games, and some of their editions and add-ons. */
  readonly hot: readonly Product[];
  /** Games with nothing to ask for but their slugs: of each pair it has one. */
  readonly renamed: readonly { readonly id: number; readonly slugs: readonly [string, string] }[];
  readonly cold: readonly string[];
  readonly missing: readonly string[];
  readonly companies: readonly { readonly id: number; readonly url: string }[];
  readonly genres: readonly { readonly id: number; readonly slug: string }[];
}

const hotGames = 140;
const hotChildren = 60;
const renamedGames = 10;

/** Makes all cells known to the ledger. To be called before any host is started. */
export async function prepareCatalogue(client: Client, ledger: Ledger): Promise<Catalogue> {
  const rows = async <Row extends object>(sql: string, values: unknown[] = []) =>
    (await client.query<Row>(sql, values)).rows;
  // A company is known by its URL, and every product has the same legal text.
  await client.query(`UPDATE company SET url = 'https://company-' || id || '.example.com/'`);
  await client.query(`UPDATE product SET legal_text = 'probe 0'`);
  ledger.begin(cells.legalText, 'probe 0');

  const games = await rows<{ id: string; slug: string }>(
    `SELECT id, slug FROM product WHERE offer_type = 'game' ORDER BY popularity_rank LIMIT $1`,
    [hotGames + renamedGames],
  );
  const children = await rows<{ id: string; slug: string }>(
    `SELECT id, slug FROM product WHERE parent_id = ANY ($1) ORDER BY popularity_rank LIMIT $2`,
    [games.slice(0, hotGames).map(({ id }) => id), hotChildren],
  );
  const hot = [...games.slice(0, hotGames), ...children].map(({ id, slug }) => ({ id: Number(id), slug }));
  const hotIds = hot.map(({ id }) => id);
  await client.query(
    `INSERT INTO price (product_id, market_code, list_minor) SELECT id, 'US', 999 FROM unnest($1::bigint[]) id
     ON CONFLICT (product_id, market_code) DO UPDATE SET sale_minor = NULL, sale_ends_at = NULL`,
    [hotIds],
  );

  for (const { id, slug } of await rows<{ id: string; slug: string }>('SELECT id, slug FROM product'))
    ledger.begin(cells.slug(slug), id);
  for (const row of await rows<{ slug: string; title: string; text: string; price: number; review: string }>(
    `SELECT slug, title, short_description AS text, list_minor AS price,
       (SELECT r.title FROM review r WHERE r.product_id = p.id ORDER BY created_at DESC, r.id DESC LIMIT 1) AS review
     FROM product p JOIN price ON product_id = p.id AND market_code = 'US' WHERE p.id = ANY ($1)`,
    [hotIds],
  )) {
    ledger.begin(cells.title(row.slug), row.title);
    ledger.begin(cells.shortDescription(row.slug), row.text);
    ledger.begin(cells.listPrice(row.slug), String(row.price));
    ledger.begin(cells.newestReview(row.slug), row.review ?? none);
    ledger.begin(cells.probeLink(row.slug), none);
    ledger.begin(cells.probeAddOn(row.slug), none);
    ledger.begin(cells.slug(addOnSlug(row.slug)), none);
  }
  const companies = await rows<{ id: string; name: string; url: string }>(
    'SELECT id, name, url FROM company',
  );
  for (const { name, url } of companies) ledger.begin(cells.company(url), name);
  const genres = await rows<{ id: string; name: string; slug: string }>(
    `SELECT id, name, slug FROM tag WHERE group_name = 'genre'`,
  );
  for (const { name, slug } of genres) ledger.begin(cells.genre(slug), name);

  const renamed = games.slice(hotGames).map(({ id, slug }) => ({
    id: Number(id),
    slugs: [slug, `probe-renamed-${id}`] as const,
  }));
  const missing = Array.from({ length: 20 }, (_, number) => `probe-missing-${number}`);
  for (const slug of [...missing, ...renamed.map(({ slugs }) => slugs[1])])
    ledger.begin(cells.slug(slug), none);
  const cold = await rows<{ slug: string }>(
    'SELECT slug FROM product WHERE popularity_rank > 1500 ORDER BY popularity_rank',
  );
  return {
    hot,
    renamed,
    cold: cold.map(({ slug }) => slug),
    missing,
    companies: companies.map(({ id, url }) => ({ id: Number(id), url })),
    genres: genres.map(({ id, slug }) => ({ id: Number(id), slug })),
  };
}

/** The slug of the add-on that comes and goes on a product's page; it fits wherever the product's does. */
export const addOnSlug = (slug: string): string => `probe-${slug}`.slice(0, 80);
