import type { Served } from '../cache/read-through.ts';

/** The Cache-Status of a request answered from memory, part of an entry's precomputed headers. */
export const memoryHit = 'frontshelf-memory; hit';

/**
 * The way an answer took, as RFC 9211 writes it: the tier nearest to the source first. An answer that may miss
 * changes which are older than it should has `detail=stale`, or `detail=stale-if-error` out of a memory whose source failed.
 */
export function cacheStatus({ servedFrom, memory, redis, collapsed }: Served<unknown>): string {
  const isStale = servedFrom === 'stale';
  const members: string[] = [];
  if (redis === 'hit') members.push(`frontshelf-redis; hit${isStale ? '; detail=stale' : ''}`);
  else if (redis === 'negative') members.push('frontshelf-redis; hit; detail=negative');
  else if (redis === 'miss')
    members.push(`frontshelf-redis; fwd=uri-miss${servedFrom === 'postgres' ? '; stored' : ''}`);
  else if (redis === 'outdated') members.push('frontshelf-redis; fwd=stale');
  else if (redis === 'bypass') members.push('frontshelf-redis; fwd=bypass');
  else if (redis === 'error') members.push('frontshelf-redis; fwd=miss; detail=unavailable');

  if (memory === 'hit') members.push(memoryHit);
  else if (memory === 'negative') members.push('frontshelf-memory; hit; detail=negative');
  else if (memory !== 'off') {
    const reason = memory === 'stale' ? 'stale' : 'uri-miss';
    const outcome =
      isStale && redis !== 'hit' ? '; detail=stale-if-error' : collapsed ? '; collapsed' : '; stored';
    members.push(`frontshelf-memory; fwd=${reason}${outcome}`);
  } else if (isStale && redis !== 'hit') members.push('frontshelf-memory; fwd=bypass; detail=stale');
  else if (members.length === 0) members.push('frontshelf-memory; fwd=bypass');
  return members.join(', ');
}

/** The same of an answer that several values went into. */
export function batchCacheStatus(batch: readonly Served<unknown>[]): string {
  const hits = batch.filter(({ memory }) => memory === 'hit' || memory === 'negative').length;
  if (hits === batch.length) return memoryHit;
  const isStale = batch.some(({ servedFrom }) => servedFrom === 'stale');
  return `frontshelf-memory; fwd=${hits > 0 ? 'partial' : 'miss'}${isStale ? '; detail=stale' : ''}`;
}
