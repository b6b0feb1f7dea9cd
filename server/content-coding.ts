import Negotiator from 'negotiator';

export type ContentCoding = 'br' | 'gzip' | 'identity';

/** The answer for a body that compression would make smaller, and for one that leaves in one packet in any case. */
interface Choice {
  readonly large: ContentCoding;
  readonly small: ContentCoding;
}

const known = new Map<string, Choice>();
const mostKnown = 256;

const codingsByPreference = ['br', 'gzip'] as const;

/** With its head it fits into a packet. */
const smallBodyBytes = 900;

/**
 * The coding to answer in (RFC 9110 section 12.5.3): the smallest that the client accepts, unless it would
 * rather have none, or the body is so small that it would gain nothing.
 * Browsers send a handful of different values, so the answers are remembered.
 */
export function negotiateCoding(acceptEncoding: string, bodyBytes: number): ContentCoding {
  if (acceptEncoding === '') return 'identity';
  const choice = known.get(acceptEncoding) ?? remember(acceptEncoding);
  return bodyBytes <= smallBodyBytes ? choice.small : choice.large;
}

function remember(acceptEncoding: string): Choice {
  const acceptable = new Negotiator({ headers: { 'accept-encoding': acceptEncoding } }).encodings([
    'br',
    'gzip',
    'identity',
  ]);
  const smallest = codingsByPreference.find((candidate) => acceptable.includes(candidate)) ?? 'identity';
  const choice: Choice = {
    large: acceptable[0] === 'identity' ? 'identity' : smallest,
    small: acceptable.includes('identity') ? 'identity' : smallest,
  };
  if (known.size >= mostKnown) known.clear();
  known.set(acceptEncoding, choice);
  return choice;
}
