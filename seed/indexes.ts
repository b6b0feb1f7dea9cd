import type pg from 'pg';

/** How to take an index or constraint away, and how to make it again. */
interface Definition {
  readonly drop: string;
  readonly create: string;
}

// A key is an index too, and a foreign key needs the key it refers to: made in this order, dropped in reverse.
const definitions = `
  SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS drop,
    format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) AS create,
    CASE contype WHEN 'f' THEN 3 ELSE 1 END AS step, conrelid, conname AS name
  FROM pg_constraint
  WHERE contype IN ('p', 'u', 'f') AND (conrelid = ANY ($1::regclass[]) OR confrelid = ANY ($1::regclass[]))
  UNION ALL
  SELECT format('DROP INDEX %s', indexrelid::regclass), pg_get_indexdef(indexrelid), 2, indrelid, indexrelid::text
  FROM pg_index
  WHERE indrelid = ANY ($1::regclass[]) AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
  ORDER BY step, conrelid, name`;

/**
 * Drops the indexes, keys and foreign keys of tables, and returns the statements that make them again as
 * they were. Meant for one transaction, so that nothing is missing whatever happens in between.
 */
export async function dropIndexes(client: pg.ClientBase, tables: readonly string[]): Promise<string[]> {
  const { rows } = await client.query<Definition>(definitions, [tables]);
  for (const { drop } of rows.toReversed()) await client.query(drop);
  return rows.map(({ create }) => create);
}
