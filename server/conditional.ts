/** True when If-None-Match names `etag` by weak comparison (RFC 9110 section 13.1.2), so that 304 is the answer. */
export function matchesEtag(ifNoneMatch: string, etag: string): boolean {
  if (ifNoneMatch === '') return false;
  if (ifNoneMatch === etag || ifNoneMatch.trim() === '*') return true;
  // An entity tag holds no quote (RFC 9110 section 8.8.3), so this finds each in a list, weak or strong.
  for (const [tag] of ifNoneMatch.matchAll(/"[^"]*"/g)) if (tag === etag) return true;
  return false;
}
