/** A list's query, as the server understands it, to its document, from what Postgres has. */
import type pg from 'pg';
import type { DatabaseOperation } from '../metrics/recorder.ts';
import { encodeCursor, type ListQuery, nextTarget } from '../server/list-query.ts';
import { readGameList, readSuggestions } from '../sql/game-list.ts';
import { readProductRows } from '../sql/product-rows.ts';
import { readRelatedGames } from '../sql/related-games.ts';

export interface ListDocument {
  /** JSON, one character per byte of its UTF-8. */
  readonly body: string;
  /** The value of Link; undefined when there is no next page. */
  readonly link: string | undefined;
}

/** Undefined when the product that is asked about does not exist. Rejects with DatabaseUnavailable when Postgres cannot answer now. */
export async function readList(pool: pg.Pool, query: ListQuery): Promise<ListDocument | undefined> {
  switch (query.kind) {
    case 'games': {
      const { items, next, facets, corrections } = await readGameList(pool, query);
      return paged(query, next && encodeCursor(query, next.key, next.rank), [
        `"items":${items}`,
        `"corrections":${corrections}`,
        `"facets":${facets ?? 'null'}`,
      ]);
    }
    case 'suggestions':
      return { body: `{"items":${await readSuggestions(pool, query)}}`, link: undefined };
    case 'related': {
      const items = await readRelatedGames(pool, query);
      return items === undefined ? undefined : { body: `{"items":${items}}`, link: undefined };
    }
    case 'reviews':
    case 'achievements': {
      const rows = await readProductRows(pool, query.kind, query);
      if (rows === undefined) return undefined;
      const cursor = rows.next && encodeCursor(query, rows.next.key, rows.next.id);
      return paged(query, cursor, [`"items":${rows.items}`]);
    }
  }
}

function paged(query: ListQuery, cursor: string | null, [items, ...rest]: readonly string[]): ListDocument {
  const nextCursor = `"nextCursor":${cursor === null ? 'null' : `"${cursor}"`}`;
  return {
    body: `{${[items, nextCursor, ...rest].join(',')}}`,
    link: cursor === null ? undefined : `<${nextTarget(query, cursor)}>; rel="next"`,
  };
}

/** What the metrics call the reading of such a list. */
export function operationOf(query: ListQuery): DatabaseOperation {
  if (query.kind !== 'games') return query.kind;
  return query.q === undefined ? 'product_list' : 'search';
}
