import Negotiator from 'negotiator';

export type ContentCoding = 'br' | 'gzip' | 'identity';

const known = new Map<string, ContentCoding>();
const mostKnown = 256;

const codingsByPreference = ['br', 'gzip'] as const;

/**
 * The coding to answer in (RFC 9110 section 12.5.3): the smallest that the client accepts, unless it would
 * rather have none.
 * Browsers send a handful of different values, so the answers are remembered.
 */
export function negotiateCoding(acceptEncoding: string): ContentCoding {
  if (acceptEncoding === '') return 'identity';
  const remembered = known.get(acceptEncoding);
  if (remembered !== undefined) return remembered;
  const acceptable = new Negotiator({ headers: { 'accept-encoding': acceptEncoding } }).encodings([
    'br',
    'gzip',
    'identity',
  ]);
  const coding =
    acceptable[0] === 'identity'
      ? 'identity'
      : (codingsByPreference.find((candidate) => acceptable.includes(candidate)) ?? 'identity');
  if (known.size >= mostKnown) known.clear();
  known.set(acceptEncoding, coding);
  return coding;
}
