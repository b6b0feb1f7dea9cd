/**
 * A document in every form in which it leaves the server, each made once: identity when the document
 * arrives, br and gzip when first asked for. Bodies are latin1 strings, one character a byte: node:http
 * writes a string with the head in one piece, and a string needs no copy per request.
 */
import { hash } from 'node:crypto';
import { promisify } from 'node:util';
import { brotliCompress, gzip, constants as zlib } from 'node:zlib';
import type { Codec } from '../cache/entry.ts';
import { memoryHit } from './cache-status.ts';
import type { ContentCoding } from './content-coding.ts';

/** The document in one content coding, with its response headers for an answer from memory. */
export interface Variant {
  readonly etag: string;
  readonly body: string;
  /** Names and values in turn; Cache-Status is the last pair. */
  readonly headers: string[];
  /** The same for 304: what RFC 9110 section 15.4.5 asks for, no more. */
  readonly notModifiedHeaders: string[];
}

export interface Representation {
  readonly body: string;
  readonly cacheControl: string;
  readonly contentFields: readonly string[];
  readonly brotliQuality: number;
  readonly identity: Variant;
  br: Variant | Promise<Variant> | undefined;
  gzip: Variant | Promise<Variant> | undefined;
  /** What was cut out of it (`parts.ts`). */
  parts: Map<string, Representation> | undefined;
  /** The page in HTML that is made of it (`browser-pages.ts`), once somebody has asked for it. */
  page: Representation | undefined;
}

/** Document bytes (latin1) to their representation, and back; for the cache. */
export function representationCodec(cacheControl: string): Codec<Representation> {
  return {
    decode: (bytes) => (bytes.startsWith('{') ? createRepresentation(bytes, cacheControl) : undefined),
    encode: (representation) => representation.body,
    sizeBytes,
  };
}

function sizeBytes({ identity, br, gzip, parts, page }: Representation): number {
  let bytes = page === undefined ? 0 : sizeBytes(page);
  for (const variant of [identity, br, gzip])
    if (variant !== undefined && !(variant instanceof Promise))
      bytes += variant.body.length + headerOverheadBytes;
  if (parts !== undefined) for (const part of parts.values()) bytes += sizeBytes(part);
  return bytes;
}

// Header arrays, their strings and the objects around them, measured on the heap.
const headerOverheadBytes = 1024;

export interface RepresentationOptions {
  /** Fields that describe the content, names and values in turn; JSON if nothing is said. */
  readonly contentFields?: readonly string[];
  /** The value of Link. */
  readonly link?: string | undefined;
  /** Names these bytes and no others, in characters that an ETag may have; made of the bytes if nothing is said. */
  readonly digest?: string;
  /** For a document that is made for one answer, so that its compression is of use once. */
  readonly isForOnce?: boolean;
}

const json = ['Content-Type', 'application/json'] as const;
// The highest quality whose time, about a millisecond for a page, is still small beside a read from Postgres.
const brotliQuality = 5;
// A fifth of that time, and smaller than gzip would make it.
const brotliQualityForOnce = 2;

/** `body` is the document as a latin1 string of its UTF-8 bytes. */
export function createRepresentation(
  body: string,
  cacheControl: string,
  { contentFields = json, link, digest = digestOf(body), isForOnce = false }: RepresentationOptions = {},
): Representation {
  const described = link === undefined ? contentFields : [...contentFields, 'Link', link];
  return {
    body,
    cacheControl,
    contentFields: described,
    brotliQuality: isForOnce ? brotliQualityForOnce : brotliQuality,
    identity: createVariant(body, `"${digest}"`, cacheControl, described, 'identity'),
    br: undefined,
    gzip: undefined,
    parts: undefined,
    page: undefined,
  };
}

/** 128 bits of the bytes (latin1), in base64url. */
export const digestOf = (body: string): string =>
  hash('sha256', Buffer.from(body, 'latin1'), 'base64url').slice(0, 22);

function createVariant(
  body: string,
  etag: string,
  cacheControl: string,
  contentFields: readonly string[],
  coding: ContentCoding,
): Variant {
  const shared = [
    'ETag',
    etag,
    'Cache-Control',
    cacheControl,
    'Vary',
    'Accept-Encoding',
    'Access-Control-Allow-Origin',
    '*',
    'Access-Control-Expose-Headers',
    'Cache-Status, ETag, Link',
  ];
  const status = ['Cache-Status', memoryHit];
  return {
    etag,
    body,
    headers: [
      ...contentFields,
      'Content-Length',
      String(body.length),
      ...(coding === 'identity' ? [] : ['Content-Encoding', coding]),
      'X-Content-Type-Options',
      'nosniff',
      ...shared,
      ...status,
    ],
    notModifiedHeaders: [...shared, ...status],
  };
}

const compressBrotli = promisify(brotliCompress);
const compressGzip = promisify(gzip);

/**
 * The variant in this coding. A promise only while it is being made, which happens in zlib's threads, once,
 * whoever asks meanwhile; when it resolves, the representation has grown.
 */
export function variantIn(representation: Representation, coding: ContentCoding): Variant | Promise<Variant> {
  if (coding === 'identity') return representation.identity;
  const existing = representation[coding];
  if (existing !== undefined) return existing;
  const making = compress(representation, coding).then(
    (variant) => {
      representation[coding] = variant;
      return variant;
    },
    (error) => {
      representation[coding] = undefined;
      throw error;
    },
  );
  representation[coding] = making;
  return making;
}

async function compress(
  { body, identity, cacheControl, contentFields, brotliQuality }: Representation,
  coding: 'br' | 'gzip',
): Promise<Variant> {
  const bytes = Buffer.from(body, 'latin1');
  const compressed =
    coding === 'br'
      ? await compressBrotli(bytes, {
          params: {
            [zlib.BROTLI_PARAM_QUALITY]: brotliQuality,
            [zlib.BROTLI_PARAM_SIZE_HINT]: bytes.length,
          },
        })
      : await compressGzip(bytes);
  const etag = `${identity.etag.slice(0, -1)}-${coding}"`;
  return createVariant(compressed.toString('latin1'), etag, cacheControl, contentFields, coding);
}

/** The headers of an answer that did not come straight from memory: `headers` with another Cache-Status. */
export function withCacheStatus(headers: readonly string[], cacheStatus: string): string[] {
  return [...headers.slice(0, -1), cacheStatus];
}
