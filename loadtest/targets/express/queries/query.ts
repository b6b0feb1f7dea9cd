import type pg from 'pg';

/** Some keys of the page document with their values. */
export interface Part {
  readonly [key: string]: unknown;
  readonly systemRequirements?: readonly SystemRequirements[];
}

/** Requirements of one operating system: both tiers, or one of them. */
export interface SystemRequirements {
  readonly os: string;
  readonly minimum?: readonly Requirement[];
  readonly recommended?: readonly Requirement[];
}

export interface Requirement {
  readonly component: string;
  readonly value: string;
}

/** Reads a part of a product's page, in the market US; null when there is no such product. */
export type Query = (pool: pg.Pool, productId: number) => Promise<Part | null>;

/** Resolves the rows of a prepared statement, which Postgres parses once per connection. */
export async function read<Row extends pg.QueryResultRow>(
  pool: pg.Pool,
  name: string,
  text: string,
  values: readonly unknown[],
): Promise<Row[]> {
  const { rows } = await pool.query<Row>({ name, text, values: [...values] });
  return rows;
}

/**
 * Resolves the part, or null when there is no such product. Few parts are empty, so that only these cost a second
 * statement, which tells a product without such rows from none.
 */
export async function ifKnown<T extends Part>(
  pool: pg.Pool,
  productId: number,
  isEmpty: boolean,
  part: T,
): Promise<T | null> {
  if (!isEmpty) return part;
  const found = await read(pool, 'product-exists', 'SELECT FROM product WHERE id = $1', [productId]);
  return found.length > 0 ? part : null;
}

/** SQL of a timestamptz in UTC as ISO 8601 to the second. */
export const isoTime = (column: string) =>
  `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`;
