import type pg from 'pg';

// What tgenabled says: fires always, except in replication sessions, or in these only.
const statements = `
  SELECT format('ALTER TABLE %s DISABLE TRIGGER %I', tgrelid::regclass, tgname) AS disable,
    format('ALTER TABLE %s ENABLE %s TRIGGER %I', tgrelid::regclass,
      CASE tgenabled WHEN 'A' THEN 'ALWAYS' WHEN 'R' THEN 'REPLICA' ELSE '' END, tgname) AS enable
  FROM pg_trigger
  WHERE tgrelid = ANY ($1::regclass[]) AND NOT tgisinternal AND tgenabled <> 'D'
  ORDER BY tgrelid, tgname`;

/**
 * Disables the triggers of tables, and returns the statements that enable them again as they were. Meant for one
 * transaction, as dropIndexes is.
 */
export async function disableTriggers(client: pg.ClientBase, tables: readonly string[]): Promise<string[]> {
  const { rows } = await client.query<{ disable: string; enable: string }>(statements, [tables]);
  for (const { disable } of rows) await client.query(disable);
  return rows.map(({ enable }) => enable);
}
