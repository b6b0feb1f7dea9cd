/** A page of the list: the `limit` products whose popularity rank comes next after `afterRank` (0: the first). */
export interface ListPosition {
  readonly afterRank: number;
  readonly limit: number;
}

/** The position that the parameters of a list name; undefined when the cursor is not one of `encodeCursor`. */
export function requestedPosition(target: { limit: number; cursor?: string }): ListPosition | undefined {
  const afterRank = target.cursor === undefined ? 0 : decodeCursor(target.cursor);
  return afterRank === undefined ? undefined : { afterRank, limit: target.limit };
}

/** A list position as a cache key, and back. */
export const listKey = ({ afterRank, limit }: ListPosition): string => `${afterRank}/${limit}`;

export function listPosition(key: string): ListPosition {
  const [afterRank, limit] = key.split('/');
  return { afterRank: Number(afterRank), limit: Number(limit) };
}

/** A keyset cursor: opaque to clients, so that what a list is ordered by can change. */
export const encodeCursor = (rank: number): string => Buffer.from(`rank:${rank}`).toString('base64url');

function decodeCursor(cursor: string): number | undefined {
  const match = /^rank:([1-9]\d{0,14})$/.exec(Buffer.from(cursor, 'base64url').toString('latin1'));
  const rank = match?.[1] === undefined ? undefined : Number(match[1]);
  // Base64 has several spellings of the same bytes; only ours is a key.
  return rank !== undefined && encodeCursor(rank) === cursor ? rank : undefined;
}
