/**
 * What browsers are sent: pages in HTML that are made of the documents of the API, and the files that these load.
 *
 * A page is the same bytes for everybody for as long as its document is, so it has what a document has: a strong ETag,
 * 304, and variants that are compressed once. How a single answer came about is no part of it: that is said by its
 * header fields, Server-Timing for the page's own script and Cache-Status.
 */
import { LRUCache } from 'lru-cache';
import type { ServedFrom } from '../cache/entry.ts';
import { createRepresentation, type Representation } from './representation.ts';

/** Whoever makes the pages; this folder knows no HTML. */
export interface PageMaker {
  productPage(document: string): string;
  cataloguePage(document: string, values: ListValues): string;
  problemPage(title: string, detail: string): string;
  readonly assets: ReadonlyMap<string, { readonly contentType: string; readonly text: string }>;
  picture(slug: string, name: string): string | undefined;
}
export type ListValues = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

const nothingElse = "default-src 'none'";
const ownOnly = ['Referrer-Policy', 'same-origin', 'Cross-Origin-Resource-Policy', 'same-origin'];
const htmlFields = [
  'Content-Type',
  'text/html; charset=utf-8',
  // Scripts and styles are files, none stands in a page; nothing is of another origin, and no page frames this one.
  'Content-Security-Policy',
  `${nothingElse}; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'`,
  'Permissions-Policy',
  'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  ...ownOnly,
];
const fileFields = (contentType: string) => [
  'Content-Type',
  contentType,
  // A drawing that is opened by itself is a document, and may do nothing.
  'Content-Security-Policy',
  nothingElse,
  ...ownOnly,
];

/** Names have no version, as two versions of the server may answer during an update; so they are asked for anew soon. */
const fileCacheControl = 'public, max-age=300, stale-while-revalidate=86400';
/** Each is some 20 kB with its compressed forms. */
const picturesMax = 256;

const bytesOf = (text: string) => Buffer.from(text).toString('latin1');
const textOf = (bytes: string) => Buffer.from(bytes, 'latin1').toString();

/** Makes a page of a document, which keeps it; `onMade` is called when the document has grown by it. */
export type PageOf = (document: Representation, onMade: () => void) => Representation;

export interface BrowserPages {
  readonly productPage: PageOf;
  cataloguePage(document: Representation, values: ListValues, onMade: () => void): Representation;
  /** Header fields and body of an answer that is not what was asked for. */
  problem(title: string, detail: string): { readonly fields: readonly string[]; readonly body: string };
  file(name: string): Representation | undefined;
  picture(slug: string, name: string): Representation | undefined;
}

export function createBrowserPages(maker: PageMaker): BrowserPages {
  function pageOf(document: Representation, make: (json: string) => string, onMade: () => void) {
    if (document.page !== undefined) return document.page;
    const made = createRepresentation(bytesOf(make(textOf(document.body))), document.cacheControl, {
      contentFields: htmlFields,
    });
    document.page = made;
    onMade();
    return made;
  }
  const files = new Map(
    [...maker.assets].map(([name, { contentType, text }]) => [
      name,
      createRepresentation(bytesOf(text), fileCacheControl, { contentFields: fileFields(contentType) }),
    ]),
  );
  const pictures = new LRUCache<string, Representation>({ max: picturesMax });

  return {
    productPage: (document, onMade) => pageOf(document, maker.productPage, onMade),
    cataloguePage: (document, values, onMade) =>
      pageOf(document, (json) => maker.cataloguePage(json, values), onMade),
    problem: (title, detail) => ({
      fields: [...htmlFields, 'X-Content-Type-Options', 'nosniff'],
      body: bytesOf(maker.problemPage(title, detail)),
    }),
    file: (name) => files.get(name),
    picture(slug, name) {
      const key = `${slug}/${name}`;
      const known = pictures.get(key);
      if (known !== undefined) return known;
      const svg = name.endsWith('.svg') ? maker.picture(slug, name.slice(0, -4)) : undefined;
      if (svg === undefined) return undefined;
      const made = createRepresentation(bytesOf(svg), fileCacheControl, {
        contentFields: fileFields('image/svg+xml'),
      });
      pictures.set(key, made);
      return made;
    },
  };
}

/** Server-Timing (W3C) of an answer: where it came from, and the time from the request's head to the answer's, in ms. */
export const serverTiming = (servedFrom: ServedFrom, durationMs: number): [string, string] => [
  'Server-Timing',
  `frontshelf;desc="${servedFrom}";dur=${durationMs.toFixed(3)}`,
];
