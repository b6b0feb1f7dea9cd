/**
 * Lists of games, read so that no answer takes long, whatever is asked for: see `game-statements.ts` for the steps. An order
 * in which much fits is walked along. What fits a filter that few games fit is sorted. Where neither leads to a whole page, the
 * answer is what a longer walk found, maybe less than was asked for and maybe nothing, with the position to go on from.
 */
import type pg from 'pg';
import { binaryText } from './binary-text.ts';
import { databaseError } from './errors.ts';
import {
  type Bounds,
  type Conditions,
  countStatement,
  defaultBounds,
  facetStatement,
  type GameOrder,
  type GamesAsked,
  guessStatement,
  type Position,
  type Probe,
  probeNames,
  probeStatement,
  scanStatement,
  type Tier,
  walkStatement,
} from './game-statements.ts';
import { understandSearch } from './search-terms.ts';
import type { Statement } from './statement.ts';

export interface GameFilters {
  /** Slugs, of which a game must have one. */
  readonly genre?: readonly string[];
  readonly feature?: readonly string[];
  readonly platform?: readonly string[];
  /** The names of companies, in full. */
  readonly developer?: string;
  readonly publisher?: string;
  /** What a game costs now, in the minor unit of the currency. */
  readonly minPriceMinor?: number;
  readonly maxPriceMinor?: number;
  readonly onSale?: true;
  /** Days as 2024-02-29, both included. */
  readonly releasedFrom?: string;
  readonly releasedTo?: string;
  /** Stars, with up to two decimals. */
  readonly minRating?: number;
}

export interface GameListQuery {
  readonly filters: GameFilters;
  /** What is searched for. */
  readonly q?: string;
  /** `relevance` only with `q`. */
  readonly sort: GameOrder | 'relevance';
  readonly after?: Position;
  readonly limit: number;
  readonly facets: boolean;
}

export interface GameList {
  /** The cards as a JSON array, one character per byte of its UTF-8. */
  readonly items: string;
  /** What to pass as `after` to go on; null when there is nothing more. */
  readonly next: Position | null;
  /** The counts as a JSON object in the same form; undefined unless they were asked for. */
  readonly facets: string | undefined;
  /** What was looked for instead of words that no title has, as a JSON array in the same form. */
  readonly corrections: string;
}

/** The market whose prices games are listed by, as the database's list_market() says it too. */
export const listMarket = 'US';

type Client = pg.Pool | pg.ClientBase;
interface Reader {
  readonly client: Client;
  readonly bounds: Bounds;
}
type Hit = [key: number | string, rank: string, shown: string | null];
/** What the games are found by. Absent: nothing fits few enough. */
type Found = Probe | 'search' | undefined;

interface Page {
  readonly hits: readonly Hit[];
  readonly next: Position | null;
}

/**
 * Reads a page of a list. Rejects with DatabaseUnavailable when Postgres cannot answer now. `bounds` are for tests, which see
 * with low ones in a short list how long ones are read.
 */
export async function readGameList(
  client: Client,
  query: GameListQuery,
  bounds = defaultBounds,
): Promise<GameList> {
  const reader = { client, bounds };
  try {
    const { conditions, corrections } = await conditionsOf(client, query);
    const sizes = conditions && sizesOf(reader, conditions);
    const page = sizes ? await readPage(reader, query, conditions, sizes) : nothing;
    const facets = query.facets && (sizes ? await readFacets(reader, conditions, sizes) : noFacets);
    return {
      items: binaryText(`[${page.hits.map(([, , shown]) => shown).join(',')}]`),
      next: page.next,
      facets: facets ? binaryText(facets) : undefined,
      corrections: binaryText(JSON.stringify(corrections)),
    };
  } catch (error) {
    throw databaseError(error);
  }
}

/**
 * Reads the most popular games in whose titles the words of `q` are, the last one being maybe unfinished, as a JSON
 * array of slugs and titles, one character per byte. Rejects as readGameList does.
 */
export async function readSuggestions(
  client: Client,
  { q, limit }: { readonly q: string; readonly limit: number },
  bounds = defaultBounds,
): Promise<string> {
  const reader = { client, bounds };
  try {
    const { terms: search } = await understandSearch(client, q);
    if (search === undefined) return '[]';
    const hits: Hit[] = [];
    for (const tier of [0, 1] as const) {
      const conditions = { terms: [], search, tier };
      const asked = { order: 'popularity', conditions, limit: limit - hits.length, show: 'name' } as const;
      const page = await readOrdered(reader, asked, sizesOf(reader, conditions));
      hits.push(...page.hits);
      if (hits.length >= limit) break;
    }
    return binaryText(`[${hits.map(([, , shown]) => shown).join(',')}]`);
  } catch (error) {
    throw databaseError(error);
  }
}

const nothing: Page = { hits: [], next: null };

function readPage(reader: Reader, query: GameListQuery, conditions: Conditions, sizes: Sizes): Promise<Page> {
  const asked = { conditions, after: query.after, limit: query.limit, show: { card: listMarket } } as const;
  return query.sort === 'relevance'
    ? readRelevant(reader, asked, sizes)
    : readOrdered(reader, { ...asked, order: query.sort }, sizes);
}

type Counts = ReadonlyMap<Probe, number>;

async function readOrdered({ client, bounds }: Reader, asked: GamesAsked, sizes: Sizes): Promise<Page> {
  const { limit, conditions } = asked;
  // Those of one title are few, and next to each other.
  if (conditions.tier !== 0) {
    const near = await ask<Hit>(client, walkStatement(asked, bounds));
    if (near.length > limit || probeNames(conditions).length === 0) return pageOf(near, limit);
    const by = await findFew(sizes, conditions, bounds);
    if (by !== undefined) {
      const fitting = await ask<Hit | [null]>(client, probeStatement(asked, by, bounds));
      if (fitting.every(isHit)) return pageOf(fitting, limit);
    }
  }
  const rows = await ask<[...Hit, isEnd: boolean]>(client, scanStatement(asked, bounds));
  const hits = rows.flatMap(([key, rank, shown]): Hit[] => (shown === null ? [] : [[key, rank, shown]]));
  if (hits.length > limit) return pageOf(hits, limit);
  const end = rows.find(([, , , isEnd]) => isEnd);
  return { hits, next: end ? positionOf([end[0], end[1], null]) : null };
}

/** One tier after the other, each in order of popularity, until the page is full or a scan has ended early. */
async function readRelevant(reader: Reader, asked: Omit<GamesAsked, 'order'>, sizes: Sizes): Promise<Page> {
  const { conditions, after, limit } = asked;
  const hits: Hit[] = [];
  for (const tier of tiers) {
    if (tier < Number(after?.key ?? 0)) continue;
    // Nothing is left to be shown, but whether there is more is to be known.
    const isFull = hits.length === limit;
    const page = await readOrdered(
      reader,
      {
        ...asked,
        order: 'popularity',
        conditions: { ...conditions, tier },
        after: after?.key === tier ? { key: 0, rank: after.rank } : undefined,
        limit: isFull ? 1 : limit - hits.length,
      },
      sizes,
    );
    if (isFull && (page.hits.length > 0 || page.next)) return { hits, next: { key: tier, rank: 0 } };
    hits.push(...page.hits);
    if (page.next) return { hits, next: { key: tier, rank: page.next.rank } };
  }
  return { hits, next: null };
}

const tiers: readonly Tier[] = [0, 1, 2];

function pageOf(hits: readonly Hit[], limit: number): Page {
  const last = hits[limit - 1];
  return {
    hits: hits.slice(0, limit),
    next: hits.length > limit && last !== undefined ? positionOf(last) : null,
  };
}

const isHit = (row: Hit | [null]): row is Hit => row[0] !== null;

const positionOf = ([key, rank]: Hit): Position => ({ key, rank: Number(rank) });

interface Sizes {
  /** Whether a filter is thought to fit so much that finding games by it is not worth a try. */
  isVast(probe: Probe): Promise<boolean>;
  /** How much each of the filters fits, up to its bound, but for the vast ones. */
  counts(): Promise<Counts>;
}

/** What there is to know of the filters' sizes, each asked for when it is first needed. */
function sizesOf({ client, bounds }: Reader, conditions: Conditions): Sizes {
  const guess = async (probe: Probe) => {
    const statement = guessStatement(conditions, probe);
    if (statement === undefined) return false;
    const [row] = await ask<[[{ Plan: { 'Plan Rows': number } }]]>(client, statement);
    return (row?.[0][0].Plan['Plan Rows'] ?? 0) > bounds.guess * bounds.probe[probe];
  };
  const guesses = new Map<Probe, Promise<boolean>>();
  const isVast = (probe: Probe) => {
    const guessed = guesses.get(probe) ?? guess(probe);
    guesses.set(probe, guessed);
    return guessed;
  };
  const count = async () => {
    const probes: Probe[] = [];
    for (const probe of probeNames(conditions)) if (!(await isVast(probe))) probes.push(probe);
    if (probes.length === 0) return new Map();
    const [row = []] = await ask<number[]>(client, countStatement(conditions, probes, bounds));
    return new Map(probes.map((probe, i) => [probe, row[i] ?? Number.POSITIVE_INFINITY]));
  };
  let counted: Promise<Counts> | undefined;
  return {
    isVast,
    counts() {
      counted ??= count();
      return counted;
    },
  };
}

/** What the fewest games are found by, if there is a filter that may fit few. A single one need not be counted. */
async function findFew(sizes: Sizes, conditions: Conditions, bounds: Bounds): Promise<Found> {
  const [only, other] = probeNames(conditions);
  if (other !== undefined) return fewest(await sizes.counts(), conditions, bounds);
  return only === undefined || (await sizes.isVast(only)) ? undefined : only;
}

/** The filter that the fewest games fit, unless those are too many. A search in all places is found by both its parts. */
function fewest(counts: Counts, { tier }: Conditions, bounds: Bounds): Found {
  let found: Found;
  let least = Number.POSITIVE_INFINITY;
  const consider = (by: Found, count: number, isFew: boolean) => {
    if (!isFew || count >= least) return;
    found = by;
    least = count;
  };
  const isFew = (probe: Probe) => (counts.get(probe) ?? Number.POSITIVE_INFINITY) <= bounds.probe[probe];
  for (const [probe, count] of counts) {
    const isSearch = probe === 'title' || probe === 'text';
    if (!isSearch || (tier === 2 ? probe === 'text' : tier !== undefined && probe === 'title'))
      consider(probe, count, isFew(probe));
  }
  if (tier === undefined && counts.has('text'))
    consider(
      'search',
      (counts.get('title') ?? 0) + (counts.get('text') ?? 0),
      isFew('title') && isFew('text'),
    );
  return found;
}

const noFacets = '{"counted":0,"isComplete":true,"genre":[],"feature":[],"platform":[],"onSale":0}';

async function readFacets({ client, bounds }: Reader, conditions: Conditions, sizes: Sizes): Promise<string> {
  const [only, other] = probeNames(conditions);
  const by = await findFew(sizes, conditions, bounds);
  const rows = await ask<[string | null, string, string, number | null]>(
    client,
    facetStatement(conditions, by, bounds),
  );
  const all = rows.find(([group]) => group === null)?.[3] ?? 0;
  const of = (group: string) =>
    JSON.stringify(
      rows.flatMap(([name, slug, title, n]) => (name === group ? [{ slug, name: title, count: n }] : [])),
    );
  const onSale = rows.find(([group]) => group === 'onSale')?.[3] ?? 0;
  // Where nothing fits few games, only those that a walk came upon were counted. A single filter was not counted before.
  const isComplete =
    all <= bounds.facets &&
    (only === undefined ||
      (by !== undefined && (by === 'search' || other !== undefined || all <= bounds.probe[by])));
  return (
    `{"counted":${Math.min(all, bounds.facets)},"isComplete":${isComplete},"genre":${of('genre')},` +
    `"feature":${of('feature')},"platform":${of('platform')},"onSale":${onSale}}`
  );
}

async function ask<Row extends unknown[]>(client: Client, { text, values }: Statement): Promise<Row[]> {
  const { rows } = await client.query<Row>({ text, values: [...values], rowMode: 'array' });
  return rows;
}

/** The ids behind the names, as terms of listed_game: those of a group that is asked for, and an empty list where none is. */
export const termsStatement = `SELECT
  ARRAY(SELECT id * 4 FROM tag WHERE group_name = 'genre' AND slug = ANY ($1::text[])),
  ARRAY(SELECT id * 4 FROM tag WHERE group_name = 'feature' AND slug = ANY ($2::text[])),
  ARRAY(SELECT id * 4 FROM tag WHERE group_name = 'platform' AND slug = ANY ($3::text[])),
  ARRAY(SELECT id * 4 + 1 FROM company WHERE name = $4::text),
  ARRAY(SELECT id * 4 + 2 FROM company WHERE name = $5::text)`;
const onSaleTerm = '3';

/** `conditions` are undefined when no game can fit them. */
async function conditionsOf(
  client: Client,
  { filters, q }: GameListQuery,
): Promise<{
  conditions: Conditions | undefined;
  corrections: readonly { readonly word: string; readonly to: readonly string[] }[];
}> {
  const { genre, feature, platform, developer, publisher, minRating } = filters;
  const named = [genre, feature, platform, developer, publisher];
  const search = q === undefined ? undefined : await understandSearch(client, q);
  const corrections = search?.corrections ?? [];
  const terms: string[][] = [];
  if (named.some((name) => name !== undefined)) {
    const [row = []] = await ask<string[][]>(client, {
      text: termsStatement,
      values: named.map((name) => name ?? null),
    });
    for (const [i, ids] of row.entries()) if (named[i] !== undefined) terms.push(ids);
  }
  if (terms.some((ids) => ids.length === 0) || (search && search.terms === undefined))
    return { conditions: undefined, corrections };
  if (filters.onSale) terms.push([onSaleTerm]);
  const { minPriceMinor, maxPriceMinor, releasedFrom, releasedTo } = filters;
  return {
    conditions: {
      terms,
      ...((minPriceMinor !== undefined || maxPriceMinor !== undefined) && {
        priceMinor: [minPriceMinor ?? 0, maxPriceMinor ?? largest],
      }),
      ...((releasedFrom !== undefined || releasedTo !== undefined) && {
        releaseDay: [releasedFrom ? dayOf(releasedFrom) : -largest, releasedTo ? dayOf(releasedTo) : largest],
      }),
      ...(minRating !== undefined && { minRating: Math.round(minRating * 100) }),
      ...(search?.terms && { search: search.terms }),
    },
    corrections,
  };
}

// One less than stands for no value.
const largest = 2_147_483_646;
const dayOf = (date: string) => Math.round(Date.parse(`${date}T00:00:00Z`) / 86_400_000);
