/**
 * A stamp is the Postgres snapshot that something was read in, as text: `xmin:xmax:xip,…`. A transaction is visible in it
 * when its id is less than xmin, or less than xmax and none of the xip, which were under way (pg_visible_in_snapshot).
 * Both are top-level transactions only, so subtransactions make no difference, and a prepared transaction is
 * under way until it is committed. Ids have 64 bits: text or bigint here, never a number.
 */

/**
 * The stamp of the statement that this SQL expression stands in. Not pg_current_snapshot() alone: on a standby it leaves out
 * the xip (Postgres keeps them elsewhere there), and so claims what is still under way on the primary. There
 * the stamp ends at xmin: it claims less than was read, never more.
 */
export const stampSql = `CASE WHEN pg_is_in_recovery()
  THEN format('%1$s:%1$s:', pg_snapshot_xmin(pg_current_snapshot())) ELSE pg_current_snapshot()::text END`;

interface Snapshot {
  readonly xmin: bigint;
  readonly xmax: bigint;
  readonly xip: readonly bigint[];
}

/** Whether a text is a stamp. */
export const isStamp = (text: string): boolean => parse(text) !== undefined;

/**
 * Whether what was read under a stamp includes what the transaction `xid` changed, if that was committed:
 * the same answer as pg_visible_in_snapshot. A text that is no stamp includes nothing.
 */
export function stampCovers(stamp: string, xid: string | bigint): boolean {
  const snapshot = parse(stamp);
  return snapshot !== undefined && isVisible(BigInt(xid), snapshot);
}

/**
 * Whether what was read under a stamp includes everything that is visible in a snapshot, as when it was read at the
 * same time or later. Exact for snapshots of one primary; else it may say no where yes is true. A text
 * that is no stamp includes nothing.
 */
export function stampIncludes(stamp: string, snapshot: string): boolean {
  const ours = parse(stamp);
  const theirs = parse(snapshot);
  if (ours === undefined || theirs === undefined) return false;
  return ours.xmax >= theirs.xmax && !ours.xip.some((xid) => isVisible(xid, theirs));
}

/** What was read under a stamp includes every committed transaction with a smaller id than this; 0 where it is no stamp. */
export const stampHorizon = (stamp: string): string => String(parse(stamp)?.xmin ?? 0);

const isVisible = (xid: bigint, { xmin, xmax, xip }: Snapshot) =>
  xid < xmin || (xid < xmax && !xip.includes(xid));

// One stamp is usually held against many changes, or many stamps against one snapshot.
const latest = new Map<string, Snapshot>();
const mostLatest = 16;

function parse(text: string): Snapshot | undefined {
  const known = latest.get(text);
  if (known !== undefined) return known;
  const [, xmin, xmax, xip] = /^(\d{1,20}):(\d{1,20}):((?:\d{1,20}(?:,\d{1,20})*)?)$/.exec(text) ?? [];
  if (xmin === undefined || xmax === undefined || xip === undefined) return undefined;
  const snapshot = {
    xmin: BigInt(xmin),
    xmax: BigInt(xmax),
    xip: xip === '' ? [] : xip.split(',').map(BigInt),
  };
  if (latest.size === mostLatest) latest.clear();
  latest.set(text, snapshot);
  return snapshot;
}
