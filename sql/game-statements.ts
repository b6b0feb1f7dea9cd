/**
 * The statements that lists of games are read with. Each goes through an index of listed_game or game_text and touches no
 * more entries than it is told, whatever is asked for:
 *
 * - `walk` goes along the order that is asked for and keeps what fits, which is soon done when much fits;
 * - `count` asks for each filter how much fits it, up to a bound;
 * - `probe` takes all that fits the one filter that fits the fewest, and keeps and sorts what fits the others;
 * - `scan` is a longer walk that says where it stopped.
 */
import { cardOf } from './game-card.ts';
import { type Parameter, type Statement, statement } from './statement.ts';

export const gameOrders = [
  'popularity',
  '-releaseDate',
  'releaseDate',
  '-rating',
  'price',
  '-price',
  'title',
  '-title',
] as const;
export type GameOrder = (typeof gameOrders)[number];

/** Where in its order a game stands; `key` is 0 in the order of popularity. */
export interface Position {
  readonly key: number | string;
  readonly rank: number;
}

/** What the words of a search come to. */
export interface SearchTerms {
  /** The title that consists of just these words. */
  readonly titleKey: string;
  /** A tsquery for `title_words`. */
  readonly title: string;
  /** A tsquery for `game_text.words`. */
  readonly text: string;
}

/** How well a game fits a search: its title is what was searched for, has all of the words, or something else has them. */
export type Tier = 0 | 1 | 2;

/** What games must fit; each list of terms, one of which they must have. */
export interface Conditions {
  readonly terms: readonly (readonly string[])[];
  readonly priceMinor?: readonly [min: number, max: number];
  /** Days since 1970. */
  readonly releaseDay?: readonly [min: number, max: number];
  /** Hundredths. */
  readonly minRating?: number;
  readonly search?: SearchTerms;
  /** With `search`: how well they must fit it, no better and no worse. */
  readonly tier?: Tier;
}

/** Which filter the games are found by. */
export type Probe = 'terms' | 'price' | 'release' | 'rating' | 'title' | 'text';

/** How many entries a statement may touch. */
export interface Bounds {
  readonly walk: number;
  readonly scan: number;
  /** The same for a scan that has to look at the text of each entry. */
  readonly textScan: number;
  /** Games that facets are counted over. */
  readonly facets: number;
  /** Most that a filter may fit for it to be what games are found by. */
  readonly probe: Readonly<Record<Probe, number>>;
  /** How many times as much the planner may think that a filter fits for that to be worth a look. */
  readonly guess: number;
}

/** Texts are wide, so reading them costs more. */
export const defaultBounds: Bounds = {
  walk: 1000,
  scan: 4000,
  textScan: 2000,
  facets: 3000,
  probe: { terms: 2000, price: 2000, release: 2000, rating: 2000, title: 1500, text: 700 },
  guess: 8,
};
const none = 2_147_483_647;

interface Order {
  /** The index's expression; absent where the rank alone decides. */
  readonly key?: string;
  readonly type?: 'integer' | 'text';
  readonly descending?: true;
}
const orders: Readonly<Record<GameOrder, Order>> = {
  popularity: {},
  '-releaseDate': { key: `coalesce(-release_day, ${none})`, type: 'integer' },
  releaseDate: { key: `coalesce(release_day, ${none})`, type: 'integer' },
  '-rating': { key: 'coalesce(-rating, 1)', type: 'integer' },
  price: { key: `coalesce(price_minor, ${none})`, type: 'integer' },
  '-price': { key: 'coalesce(-price_minor, 1)', type: 'integer' },
  title: { key: 'title_key', type: 'text' },
  '-title': { key: 'title_key', type: 'text', descending: true },
};

/** What a position's key must be in this order. */
export const keyTypeOf = (order: GameOrder): 'integer' | 'text' => orders[order].type ?? 'integer';

/** The conditions on a row of listed_game, bare columns of `game`. Of those on texts each row costs a look at its text. */
function conditionsSql(conditions: Conditions, parameter: Parameter): string[] {
  const { priceMinor, releaseDay, minRating, search, tier } = conditions;
  return [
    ...termsSql(conditions, parameter),
    ...(priceMinor ? [rangeSql(orders.price.key, priceMinor, parameter)] : []),
    ...(releaseDay ? [rangeSql(orders.releaseDate.key, releaseDay, parameter)] : []),
    ...(minRating === undefined ? [] : [ratingSql(minRating, parameter)]),
    ...(search === undefined
      ? []
      : tier === undefined
        ? [`(${titleSql(search, parameter)} OR ${textSql(search, parameter)})`]
        : tierConditionsSql(search, tier, parameter)),
  ];
}

const termsSql = ({ terms }: Conditions, parameter: Parameter) =>
  terms.map((anyOf) => `terms && ${parameter(anyOf, 'bigint[]')}`);
const rangeSql = (key = '', [min, max]: readonly [number, number], parameter: Parameter) =>
  `${key} BETWEEN ${parameter(min, 'integer')} AND ${parameter(max, 'integer')}`;
const ratingSql = (minRating: number, parameter: Parameter) =>
  `${orders['-rating'].key} <= ${parameter(-minRating, 'integer')}`;
const titleSql = ({ title }: SearchTerms, parameter: Parameter) =>
  `title_words @@ ${parameter(title, 'tsquery')}`;
// A scalar subquery, as an EXISTS might be turned into reading all of game_text at once.
const textSql = ({ text }: SearchTerms, parameter: Parameter) =>
  `coalesce((SELECT t.words @@ ${parameter(text, 'tsquery')} FROM game_text t WHERE t.product_id = game.product_id), false)`;

function tierConditionsSql(search: SearchTerms, tier: Tier, parameter: Parameter): string[] {
  if (tier === 0) return [`title_key = ${parameter(search.titleKey, 'text')}`];
  const isNotTitle = `title_key <> ${parameter(search.titleKey, 'text')}`;
  return tier === 1
    ? [isNotTitle, titleSql(search, parameter)]
    : [isNotTitle, `NOT ${titleSql(search, parameter)}`, textSql(search, parameter)];
}

const where = (conditions: readonly string[]) =>
  conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;

/** What a list shows of a game, as the last column of a statement. */
export type Shown = { readonly card: string } | 'name';

const shownSql = (shown: Shown, parameter: Parameter) =>
  shown === 'name'
    ? `(SELECT row_to_json(name)::text FROM (
      SELECT p.slug, p.title FROM product p WHERE p.id = hit.product_id) name)`
    : cardOf('hit.product_id', parameter(shown.card, 'text'));

/** Entries of an order's index from a position on, as a SELECT of listed_game's columns and `key`. */
function entriesSql(
  order: GameOrder,
  { tier, search }: Conditions,
  after: Position | undefined,
  entries: number,
  parameter: Parameter,
): string {
  const { key, type, descending } = orders[order];
  const from: string[] = [];
  // The one index that has its titles next to each other.
  if (tier === 0 && search) from.push(`title_key = ${parameter(search.titleKey, 'text')}`);
  if (after) {
    const rank = parameter(after.rank, 'bigint');
    from.push(
      key === undefined
        ? `popularity_rank > ${rank}`
        : `(${key}, popularity_rank) ${descending ? '<' : '>'} (${parameter(after.key, type ?? '')}, ${rank})`,
    );
  }
  return `SELECT *, ${key ?? '0'} AS key FROM listed_game ${where(from)}
    ORDER BY ${orderSql(order)} LIMIT ${entries}`;
}

const orderSql = (order: GameOrder) => {
  const { key, descending } = orders[order];
  const direction = descending ? ' DESC' : '';
  return `${key === undefined ? '' : `${key}${direction}, `}popularity_rank${direction}`;
};
const hitOrderSql = (order: GameOrder) =>
  orders[order].descending ? 'key DESC, popularity_rank DESC' : 'key, popularity_rank';

export interface GamesAsked {
  readonly order: GameOrder;
  readonly conditions: Conditions;
  readonly after?: Position | undefined;
  readonly limit: number;
  readonly show: Shown;
}

/** Rows of key, rank and what is shown: one more than `limit`, where the walk comes to so many. */
export const walkStatement = (
  { order, conditions, after, limit, show }: GamesAsked,
  { walk }: Bounds,
): Statement =>
  statement(
    (parameter) => `SELECT hit.key, hit.popularity_rank, ${shownSql(show, parameter)}
FROM (
  SELECT * FROM (${entriesSql(order, conditions, after, Math.max(walk, limit + 1), parameter)}) game
  ${where(conditionsSql(conditions, parameter))} LIMIT ${limit + 1}
) hit`,
  );

/**
 * The same further on. The fourth column is true in the row with which the walk ended before the games did, where the third is
 * null if it does not fit.
 */
export const scanStatement = (
  { order, conditions, after, limit, show }: GamesAsked,
  bounds: Bounds,
): Statement =>
  statement((parameter) => {
    const entries = readsTexts(conditions) ? bounds.textScan : bounds.scan;
    const fits = conditionsSql(conditions, parameter).join(' AND ') || 'true';
    return `SELECT hit.key, hit.popularity_rank, CASE WHEN fits THEN ${shownSql(show, parameter)} END, n = ${entries}
FROM (
  SELECT * FROM (
    SELECT game.*, ${fits} AS fits, row_number() OVER () AS n
    FROM (${entriesSql(order, conditions, after, entries, parameter)}) game
  ) entry WHERE fits OR n = ${entries} LIMIT ${limit + 1}
) hit`;
  });

const readsTexts = ({ search, tier }: Conditions) => search !== undefined && tier !== 0 && tier !== 1;

/** What a probe finds, one more than `most` at the most, as a SELECT of these columns. */
type FoundSql = (columns: string, most: number, parameter: Parameter) => string;

const foundByGin =
  (table: string, condition: (parameter: Parameter) => string): FoundSql =>
  (columns, most, parameter) =>
    `SELECT ${columns} FROM ${table} WHERE ${condition(parameter)} LIMIT ${most + 1}`;

/**
 * Along the index from the range's beginning, and what is in the range of the entries that were come upon. With its end in the
 * inner query the planner would think it narrow, whatever it is, and read the whole of it before the LIMIT.
 */
const foundInRange =
  (order: GameOrder, min: number | undefined, max: number): FoundSql =>
  (columns, most, parameter) => {
    const { key } = orders[order];
    const from = min === undefined ? [] : [`${key} >= ${parameter(min, 'integer')}`];
    return `SELECT ${columns} FROM (
    SELECT * FROM listed_game ${where(from)} ORDER BY ${orderSql(order)} LIMIT ${most + 1}
  ) entry WHERE ${key} <= ${parameter(max, 'integer')}`;
  };

/** The filters that games can be found by. */
function probesOf(conditions: Conditions): Map<Probe, FoundSql> {
  const { terms, priceMinor, releaseDay, minRating, search, tier } = conditions;
  const probes = new Map<Probe, FoundSql>();
  if (terms.length > 0)
    probes.set(
      'terms',
      foundByGin('listed_game', (parameter) => termsSql(conditions, parameter).join(' AND ')),
    );
  // A search is found by its words, and counting by ranges too would take longer than that.
  if (priceMinor && !search) probes.set('price', foundInRange('price', ...priceMinor));
  if (releaseDay && !search) probes.set('release', foundInRange('releaseDate', ...releaseDay));
  if (minRating !== undefined && !search)
    probes.set('rating', foundInRange('-rating', undefined, -minRating));
  if (search && tier !== 2)
    probes.set(
      'title',
      foundByGin('listed_game', (parameter) => titleSql(search, parameter)),
    );
  if (search && tier !== 0 && tier !== 1)
    probes.set(
      'text',
      foundByGin('game_text', (parameter) => `words @@ ${parameter(search.text, 'tsquery')}`),
    );
  return probes;
}

/** The probes there are for these conditions, in the order of the counts of `countStatement`. */
export const probeNames = (conditions: Conditions): Probe[] => [...probesOf(conditions).keys()];

/** One row: for each of these probes how many games it fits, up to one more than its most. */
export const countStatement = (
  conditions: Conditions,
  probes: readonly Probe[],
  { probe: most }: Bounds,
): Statement =>
  statement((parameter) => {
    const all = probesOf(conditions);
    const counts = probes.map(
      (probe) => `(SELECT count(*)::integer FROM (${all.get(probe)?.('', most[probe], parameter)}) x)`,
    );
    return `SELECT ${counts.join(',\n  ')}`;
  });

/**
 * What the planner thinks of a probe without its bound, as JSON: `Plan Rows` of the root is how much it fits. Undefined for
 * one along a range, which touches no more than its bound. The others read all that fits from their index, bits
 * that are cheap each, before they come to the first row.
 */
export const guessStatement = (conditions: Conditions, probe: Probe): Statement | undefined =>
  probe === 'terms' || probe === 'title' || probe === 'text'
    ? statement(
        (parameter) =>
          `EXPLAIN (FORMAT JSON) ${probesOf(conditions).get(probe)?.('', 2 ** 31 - 1, parameter)}`,
      )
    : undefined;

/** Games that a probe finds, as a SELECT of listed_game's columns. `search` is `title` and `text` together. */
function candidatesSql(
  probe: Probe | 'search',
  conditions: Conditions,
  most: Bounds['probe'],
  parameter: Parameter,
): string {
  const probes = probesOf(conditions);
  const found = (of: Probe, columns: string) => probes.get(of)?.(columns, most[of], parameter);
  if (probe !== 'search' && probe !== 'text') return found(probe, '*') ?? '';
  const ids =
    probe === 'text'
      ? found('text', 'product_id')
      : `(${found('title', 'product_id')}) UNION (${found('text', 'product_id')})`;
  // The LIMIT keeps this from becoming a join, which might read all of listed_game.
  return `SELECT game.* FROM (${ids}) id, LATERAL (
    SELECT * FROM listed_game l WHERE l.product_id = id.product_id LIMIT 1) game`;
}

/** As the walk, but all there are. A single row of nulls says that the probe fits more than its most. */
export const probeStatement = (
  { order, conditions, after, limit, show }: GamesAsked,
  probe: Probe | 'search',
  { probe: most }: Bounds,
): Statement =>
  statement((parameter) => {
    const { key = '0', type = 'integer', descending } = orders[order];
    const direction = descending ? '<' : '>';
    const from = after
      ? [
          `(key, popularity_rank) ${direction} (${parameter(after.key, type)}, ${parameter(after.rank, 'bigint')})`,
        ]
      : [];
    const candidatesMax = probe === 'search' ? most.title + most.text : most[probe];
    return `WITH candidate AS MATERIALIZED (
  ${candidatesSql(probe, conditions, most, parameter)}
), amount AS MATERIALIZED (
  SELECT count(*) > ${candidatesMax} AS is_too_much FROM candidate
)
SELECT hit.key, hit.popularity_rank, ${shownSql(show, parameter)}
FROM (
  SELECT * FROM (
    SELECT *, ${key} AS key FROM candidate game
    ${where(['NOT (SELECT is_too_much FROM amount)', ...conditionsSql(conditions, parameter)])}
  ) fitting ${where(from)}
  ORDER BY ${hitOrderSql(order)} LIMIT ${limit + 1}
) hit
UNION ALL SELECT NULL, NULL, NULL FROM amount WHERE is_too_much`;
  });

/**
 * How many of the games have each tag and are on sale, in rows of group, slug, name and number. The first row, of the
 * group null, has the number of all. They are counted among those that a probe finds, or among the most popular.
 */
export const facetStatement = (
  conditions: Conditions,
  probe: Probe | 'search' | undefined,
  { scan, textScan, facets, probe: most }: Bounds,
): Statement =>
  statement((parameter) => {
    const games =
      probe === undefined
        ? entriesSql(
            'popularity',
            { terms: [] },
            undefined,
            readsTexts(conditions) ? textScan : Math.max(scan, facets + 1),
            parameter,
          )
        : candidatesSql(probe, conditions, most, parameter);
    return `WITH fitting AS MATERIALIZED (
  SELECT terms FROM (${games}) game ${where(conditionsSql(conditions, parameter))} LIMIT ${facets + 1}
), counted AS (
  SELECT term, count(*)::integer AS n FROM fitting, unnest(terms) term WHERE term % 4 IN (0, 3) GROUP BY term
)
SELECT NULL AS "group", NULL AS slug, NULL AS name, (SELECT count(*)::integer FROM fitting) AS n
UNION ALL SELECT 'onSale', NULL, NULL, (SELECT n FROM counted WHERE term = 3)
UNION ALL (
  SELECT t.group_name, t.slug, t.name, c.n FROM counted c, LATERAL (
    SELECT * FROM tag t WHERE t.id = c.term / 4 LIMIT 1) t
  WHERE c.term % 4 = 0 ORDER BY t.group_name, c.n DESC, t.slug)`;
  });
