import type { Served } from '../cache/read-through.ts';

/** The Cache-Status of a request answered from memory, part of an entry's precomputed headers. */
export const memoryHit = 'frontshelf-memory; hit';

/** The way an answer took, as RFC 9211 writes it: the tier nearest to the source first. */
export function cacheStatus({ value, servedFrom, memory, redis, collapsed }: Served<unknown>): string {
  const members: string[] = [];
  if (redis === 'hit') members.push('frontshelf-redis; hit');
  else if (redis === 'miss')
    members.push(
      `frontshelf-redis; fwd=uri-miss${servedFrom === 'postgres' && value !== undefined ? '; stored' : ''}`,
    );
  else if (redis === 'error') members.push('frontshelf-redis; fwd=miss; detail=unavailable');

  if (memory === 'negative') members.push('frontshelf-memory; hit; detail=negative');
  else if (memory !== 'off') {
    const reason = memory === 'stale' ? 'stale' : 'uri-miss';
    const outcome =
      servedFrom === 'stale' ? '; detail=stale-if-error' : collapsed ? '; collapsed' : '; stored';
    members.push(`frontshelf-memory; fwd=${reason}${outcome}`);
  } else if (members.length === 0) members.push('frontshelf-memory; fwd=bypass');
  return members.join(', ');
}
