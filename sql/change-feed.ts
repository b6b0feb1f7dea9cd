/**
 * Reads the change log (migrations/0004_change_log.sql). A reader keeps the snapshot of its last reading as `seen`, and the
 * next reading returns the changes that are visible now and were not in `seen`, with a new snapshot. A transaction is
 * in the first snapshot taken after its commit and in every later one, so each change is returned exactly once,
 * whatever the order of commits, and one that stays open delays no other; a sequence number would lose those
 * that commit late.
 */
import type pg from 'pg';
import { databaseError } from './errors.ts';
import { isStamp, stampSql } from './stamp.ts';

/** LISTEN to this to be woken by a commit that changed pages. Messages are empty, and may be lost. */
export const changeChannel = 'frontshelf_catalogue_change';

/** The key of a change to every page; no slug can be this. */
export const everyPage = '*';

export interface Change {
  /** The slug whose page changed, appeared or went, or `everyPage`. */
  readonly key: string;
  /** The transaction that changed it, a decimal number. A key stands here once for each of its transactions. */
  readonly xid: string;
}

/**
 * Why it cannot be told what changed: the log was pruned further than `seen`, the database is behind `seen` (it was
 * restored, failed over with loss, or is another one's lagging standby), or there are more changes than the limit.
 */
export type Gap = 'pruned' | 'rewound' | 'overflow';

export interface Changes {
  /** Pass it as `seen` next time. */
  readonly snapshot: string;
  /** Another one than before means another database, or one that lost commits: nothing read from it before counts. */
  readonly history: string;
  /** None on the first reading, and none in a gap. */
  readonly changes: readonly Change[];
  /** In a gap any page may have changed; what was read in `snapshot` or later is current all the same. */
  readonly gap: Gap | undefined;
}

// One statement, so one snapshot. The upper bound on xid says nothing new; with it the planner takes the index
// without knowing the values. The limit is on rows of the log, so that a long absence costs no long statement.
const text = `WITH now AS (
  SELECT ${stampSql} AS snapshot, catalogue_history() AS history
), change AS (
  SELECT xid, product_id, card, key FROM catalogue_change
  WHERE xid >= pg_snapshot_xmin($1::pg_snapshot) AND xid < pg_snapshot_xmax(pg_current_snapshot())
    AND NOT pg_visible_in_snapshot(xid, $1::pg_snapshot)
  LIMIT $2::integer + 1
)
SELECT now.snapshot, now.history,
  CASE
    WHEN pg_snapshot_xmax($1::pg_snapshot) > pg_snapshot_xmax(now.snapshot::pg_snapshot) THEN 'rewound'
    WHEN pg_snapshot_xmax($1::pg_snapshot) < pg_snapshot_xmax(horizon.pruned) THEN 'pruned'
    WHEN EXISTS (SELECT FROM pg_snapshot_xip($1::pg_snapshot) xid WHERE pg_visible_in_snapshot(xid, horizon.pruned)) THEN 'pruned'
    WHEN (SELECT count(*) FROM change) > $2::integer THEN 'overflow'
  END AS gap,
  (SELECT json_agg(json_build_object('key', page.key, 'xid', page.xid::text)) FROM (
    SELECT DISTINCT named.key, change.xid
    FROM change, unnest(ARRAY[change.key, (SELECT slug FROM product WHERE id = change.product_id),
      (SELECT parent.slug FROM product JOIN product parent ON parent.id = product.parent_id
        WHERE product.id = change.product_id AND change.card)]) AS named (key)
    WHERE named.key IS NOT NULL
  ) page) AS changes
FROM now LEFT JOIN catalogue_change_horizon horizon ON horizon.history = now.history`;

interface Row {
  readonly snapshot: string;
  readonly history: string;
  readonly gap: Gap | null;
  readonly changes: readonly Change[] | null;
}

/**
 * Reads what was committed since `seen`, the snapshot of an earlier reading, or where to begin when it is undefined. More than
 * `limit` rows of the log are a gap. Any connection will do, and any number of readers, each with its own `seen`.
 * Throws RangeError when `seen` is no snapshot. Rejects with DatabaseUnavailable when Postgres cannot answer now.
 */
export async function readChanges(
  client: pg.Pool | pg.ClientBase,
  seen: string | undefined,
  limit = 10_000,
): Promise<Changes> {
  if (seen !== undefined && !isStamp(seen)) throw new RangeError(`"${seen}" is no snapshot.`);
  const { rows } = await client
    .query<Row>({ name: 'changes', text, values: [seen ?? null, limit] })
    .catch((error: unknown) => {
      throw databaseError(error);
    });
  const [row] = rows;
  if (row === undefined) throw new Error('The statement for changes returned no row.');
  const { snapshot, history, gap, changes } = row;
  return { snapshot, history, gap: gap ?? undefined, changes: gap === null ? (changes ?? []) : [] };
}

/**
 * Deletes changes that every reader could see at least `retentionMs` ago, at most 10,000 of them, and resolves to how many it
 * was: call again when it was as many. A reader that was away for longer finds a gap. The retention is a minute or more.
 * Call it now and then, on a connection to the primary that nothing else uses meanwhile. Rejects as readChanges does.
 */
export async function pruneChanges(client: pg.ClientBase, retentionMs: number): Promise<number> {
  try {
    // The role's transactions are read-only by default; this function is all it may write with.
    await client.query('BEGIN READ WRITE');
    const { rows } = await client.query<{ deleted: number }>(
      "SELECT prune_catalogue_change($1 * interval '1 millisecond') AS deleted",
      [retentionMs],
    );
    await client.query('COMMIT');
    return rows[0]?.deleted ?? 0;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw databaseError(error);
  }
}
