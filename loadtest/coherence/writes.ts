/** The kinds of transaction that the writers make, each of which an invalidation could get wrong in its own way. */
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { PoolClient } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { between, pick, type Random } from '../provers/random.ts';
import { addOnSlug, type Catalogue, type Product } from './catalogue.ts';
import type { Ledger, Write } from './ledger.ts';
import { cells, none, probeNetwork } from './page.ts';

/** A commit, and where it shows. */
export interface Committed {
  readonly slug: string;
  readonly cell: string;
  readonly value: string;
  readonly returnedAtMs: number;
}

export interface WriteTools {
  readonly catalogue: Catalogue;
  readonly ledger: Ledger;
  readonly random: Random;
  /** A number that was never given before. */
  readonly nextNumber: () => number;
  /** Two connections. */
  readonly clients: readonly [PoolClient, PoolClient];
  /** A product that no other writer has until this one is done. */
  readonly take: () => Product;
}

type Kind = (tools: WriteTools) => Promise<Committed | undefined>;
/** What a transaction does before its COMMIT. Resolves where it will show. */
type Step<Where> = (tools: WriteTools, client: PoolClient, write: Write, product: Product) => Promise<Where>;
type Place = Omit<Committed, 'returnedAtMs'>;

/** Runs a transaction, which ends in COMMIT. Resolves when that returned. */
async function transaction<Result>(
  { ledger }: WriteTools,
  client: PoolClient,
  work: (write: Write) => Promise<Result>,
): Promise<{ result: Result; returnedAtMs: number }> {
  const write = ledger.open();
  let result: Result;
  try {
    await client.query('BEGIN');
    result = await work(write);
  } catch (error) {
    write.undone();
    await client.query('ROLLBACK');
    throw error;
  }
  write.sent(performance.now());
  await client.query('COMMIT');
  const returnedAtMs = performance.now();
  write.returned(returnedAtMs);
  return { result, returnedAtMs };
}

/** Of one product, which no other writer has meanwhile. */
const ofProduct =
  (step: Step<Place>): Kind =>
  async (tools) => {
    const product = tools.take();
    const [client] = tools.clients;
    const { result, returnedAtMs } = await transaction(tools, client, (write) =>
      step(tools, client, write, product),
    );
    return { ...result, returnedAtMs };
  };

/** Of what is no single product's, or not to be waited for. */
const ofAny =
  (step: (tools: WriteTools, client: PoolClient, write: Write) => Promise<unknown>): Kind =>
  async (tools) => {
    const [client] = tools.clients;
    await transaction(tools, client, (write) => step(tools, client, write));
    return undefined;
  };

const setTitle: Step<Place> = async ({ nextNumber }, client, write, { id, slug }) => {
  const value = `Probe ${nextNumber()}`;
  write.set(cells.title(slug), value);
  await client.query('UPDATE product SET title = $2, updated_at = now() WHERE id = $1', [id, value]);
  return { slug, cell: cells.title(slug), value };
};

const setPrice: Step<Place> = async ({ nextNumber }, client, write, { id, slug }) => {
  const price = 1_000_000 + nextNumber();
  write.set(cells.listPrice(slug), String(price));
  const sql = `UPDATE price SET list_minor = $2 WHERE product_id = $1 AND market_code = 'US'`;
  await client.query(sql, [id, price]);
  return { slug, cell: cells.listPrice(slug), value: String(price) };
};

const setLink: Step<Place> = async ({ nextNumber }, client, write, { id, slug }) => {
  const value = `https://probe.example.com/${nextNumber()}`;
  write.set(cells.probeLink(slug), value);
  const sql = `INSERT INTO social_link (product_id, network, url) VALUES ($1, $2, $3)
    ON CONFLICT (product_id, network) DO UPDATE SET url = excluded.url`;
  await client.query(sql, [id, probeNetwork, value]);
  return { slug, cell: cells.probeLink(slug), value };
};

/** A review's columns, with a time newer than all that the catalogue was made with, and than any before. */
function newReview({ nextNumber }: WriteTools, write: Write, { id, slug }: Product) {
  const number = nextNumber();
  const value = `Probe ${number}`;
  const time = new Date(Date.UTC(2040, 0, 1) + number * 1000).toISOString();
  write.set(cells.newestReview(slug), value);
  return {
    place: { slug, cell: cells.newestReview(slug), value },
    row: [id, 'probe', 3, value, 'Probed.', time, time],
  };
}
const reviewColumns = 'review (product_id, author, stars, title, body, created_at, updated_at)';

export const writeKinds = {
  title: ofProduct(setTitle),
  price: ofProduct(setPrice),
  'link, on conflict': ofProduct(setLink),

  'link deleted': ofProduct(async (_tools, client, write, { id, slug }) => {
    write.set(cells.probeLink(slug), none);
    const sql = 'DELETE FROM social_link WHERE product_id = $1 AND network = $2';
    await client.query(sql, [id, probeNetwork]);
    return { slug, cell: cells.probeLink(slug), value: none };
  }),

  'review inserted': ofProduct(async (tools, client, write, product) => {
    const { place, row } = newReview(tools, write, product);
    await client.query(`INSERT INTO ${reviewColumns} VALUES ($1, $2, $3, $4, $5, $6, $7)`, row);
    return place;
  }),

  'review copied': ofProduct(async (tools, client, write, product) => {
    const { place, row } = newReview(tools, write, product);
    await pipeline([`${row.join('\t')}\n`], client.query(copyFrom(`COPY ${reviewColumns} FROM STDIN`)));
    return place;
  }),

  'review deleted': ofProduct(async (_tools, client, write, { id, slug }) => {
    const { rows } = await client.query<{ id: string; title: string }>(
      'SELECT id, title FROM review WHERE product_id = $1 ORDER BY created_at DESC, id DESC LIMIT 2',
      [id],
    );
    const value = rows[1]?.title ?? none;
    write.set(cells.newestReview(slug), value);
    await client.query('DELETE FROM review WHERE id = $1', [rows[0]?.id]);
    return { slug, cell: cells.newestReview(slug), value };
  }),

  /** Comes where it is not, and goes where it is: a slug of its own and a card on its parent's page. */
  'add-on': ofProduct(async ({ ledger, nextNumber }, client, write, { id, slug }) => {
    const child = addOnSlug(slug);
    const number = nextNumber();
    const comes = ledger.current(cells.slug(child)) === none;
    const value = comes ? `Probe ${number}` : none;
    write.set(cells.probeAddOn(slug), value);
    const { rows } = await client.query<{ id: string }>(
      comes
        ? `INSERT INTO product (slug, parent_id, offer_type, title, short_description, description, popularity_rank)
           VALUES ($1, $2, 'add-on', $3, '', '', $4) RETURNING id`
        : 'DELETE FROM product WHERE slug = $1',
      comes ? [child, id, value, 1_000_000 + number] : [child],
    );
    write.set(cells.slug(child), rows[0]?.id ?? none);
    return { slug, cell: cells.probeAddOn(slug), value };
  }),

  'several tables': ofProduct(async (tools, client, write, product) => {
    await setPrice(tools, client, write, product);
    await setTitle(tools, client, write, product);
    return setLink(tools, client, write, product);
  }),

  /** The transaction that began first, and has the smaller id, commits last. */
  'in reverse order': ofProduct(async (tools, client, write, product) => {
    const place = await setTitle(tools, client, write, product);
    const [, second] = tools.clients;
    // Of what no list is made of: its row in the lists is locked by the first one.
    await transaction(tools, second, (other) => setLink(tools, second, other, product));
    // Long enough, now and then, for the other one to be announced first.
    await delay(between(tools.random, 0, 60));
    return place;
  }),

  'long transaction': ofProduct(async (tools, client, write, product) => {
    const place = await setPrice(tools, client, write, product);
    await delay(between(tools.random, 1000, 3000));
    return place;
  }),

  async 'rolled back'(tools) {
    const product = tools.take();
    const [client] = tools.clients;
    const write = tools.ledger.open();
    await client.query('BEGIN');
    await setTitle(tools, client, write, product);
    await setLink(tools, client, write, product);
    await delay(between(tools.random, 0, 60));
    await client.query('ROLLBACK');
    write.undone();
    return undefined;
  },

  'savepoint rolled back': ofProduct(async (tools, client, write, product) => {
    const undone = tools.ledger.open();
    await client.query('SAVEPOINT probe');
    await setTitle(tools, client, undone, product);
    await client.query('ROLLBACK TO SAVEPOINT probe');
    undone.undone();
    return setPrice(tools, client, write, product);
  }),

  /** Nobody is woken; it is found by looking, later than others. */
  'without a wake-up': ofAny(async (tools, client, write) => {
    await client.query('SET LOCAL frontshelf.notify = off');
    await setTitle(tools, client, write, tools.take());
  }),

  'company, a shared row': ofAny(async ({ random, catalogue, nextNumber }, client, write) => {
    const { id, url } = pick(random, catalogue.companies);
    const value = `Probe ${nextNumber()}`;
    write.set(cells.company(url), value);
    await client.query('UPDATE company SET name = $2 WHERE id = $1', [id, value]);
  }),

  'genre, of many pages': ofAny(async ({ random, catalogue, nextNumber }, client, write) => {
    const { id, slug } = pick(random, catalogue.genres);
    const value = `Probe ${nextNumber()}`;
    write.set(cells.genre(slug), value);
    await client.query('UPDATE tag SET name = $2 WHERE id = $1', [id, value]);
  }),

  'slug renamed': ofAny(async ({ random, catalogue }, client, write) => {
    const { id, slugs } = pick(random, catalogue.renamed);
    const sql = 'SELECT slug FROM product WHERE id = $1 FOR UPDATE';
    const { rows } = await client.query<{ slug: string }>(sql, [id]);
    const [from, to] = rows[0]?.slug === slugs[0] ? slugs : ([slugs[1], slugs[0]] as const);
    write.set(cells.slug(from), none);
    write.set(cells.slug(to), String(id));
    await client.query('UPDATE product SET slug = $2 WHERE id = $1', [id, to]);
  }),

  'some hundred products': ofAny(async ({ catalogue, nextNumber }, client, write) => {
    const value = `Probe ${nextNumber()}`;
    for (const { slug } of catalogue.hot) write.set(cells.shortDescription(slug), value);
    const ids = catalogue.hot.map(({ id }) => id);
    await client.query('UPDATE product SET short_description = $2 WHERE id = ANY ($1)', [ids, value]);
  }),

  /** More than the change log names one by one. */
  'all products': ofAny(async ({ nextNumber }, client, write) => {
    const value = `Probe ${nextNumber()}`;
    write.set(cells.legalText, value);
    // But for those of the prober itself, which have none.
    await client.query('UPDATE product SET legal_text = $1 WHERE legal_text IS NOT NULL', [value]);
  }),
} satisfies Record<string, Kind>;

export type WriteKind = keyof typeof writeKinds;
