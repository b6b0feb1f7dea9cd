/**
 * What browsers are sent: pages in HTML that are made of the documents of the API, and the files that these load.
 *
 * A page is the same bytes for everybody for as long as its document is, so it has what a document has: a strong ETag,
 * 304, and variants that are compressed once. How a single answer came about is no part of it: that is said by its
 * header fields, Server-Timing for the page's own script and Cache-Status.
 */
import { LRUCache } from 'lru-cache';
import type { ServedFrom } from '../cache/entry.ts';
import { createRepresentation, type Form, type Representation } from './representation.ts';

/** Whoever makes the pages; this folder knows no HTML. */
export interface PageMaker {
  productPage(document: string): string;
  cataloguePage(document: string, values: ListValues): string;
  problemPage(title: string, detail: string): string;
  readonly assets: ReadonlyMap<string, { readonly contentType: string; readonly text: string }>;
  picture(slug: string, name: string): string | undefined;
}
export type ListValues = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

const htmlHeaders = [
  // Scripts and styles are files, none stands in a page; nothing is of another origin, and no page frames this one.
  'Content-Security-Policy',
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  'Referrer-Policy',
  'same-origin',
  'Permissions-Policy',
  'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  'Cross-Origin-Resource-Policy',
  'same-origin',
];
const htmlForm: Form = { contentType: 'text/html; charset=utf-8', headers: htmlHeaders };
const fileForm = (contentType: string): Form => ({
  contentType,
  // A drawing that is opened by itself is a document, and may do nothing.
  headers: ['Content-Security-Policy', "default-src 'none'", 'Cross-Origin-Resource-Policy', 'same-origin'],
});

/** Names have no version, as two versions of the server may answer during an update; so they are asked for anew soon. */
const fileCacheControl = 'public, max-age=300, stale-while-revalidate=86400';
/** Each is some 20 kB with its compressed forms. */
const picturesMax = 256;

const bytesOf = (text: string) => Buffer.from(text).toString('latin1');
const textOf = (bytes: string) => Buffer.from(bytes, 'latin1').toString();

export interface BrowserPages {
  productPage(document: Representation): Representation;
  cataloguePage(document: Representation, values: ListValues): Representation;
  /** Header fields and body of an answer that is not what was asked for. */
  problem(title: string, detail: string): { readonly headers: readonly string[]; readonly body: string };
  file(name: string): Representation | undefined;
  picture(slug: string, name: string): Representation | undefined;
}

export function createBrowserPages(maker: PageMaker): BrowserPages {
  const pageOf = (document: Representation, make: (json: string) => string): Representation => {
    document.page ??= createRepresentation(
      bytesOf(make(textOf(document.body))),
      document.cacheControl,
      htmlForm,
    );
    return document.page;
  };
  const files = new Map(
    [...maker.assets].map(([name, { contentType, text }]) => [
      name,
      createRepresentation(bytesOf(text), fileCacheControl, fileForm(contentType)),
    ]),
  );
  const pictures = new LRUCache<string, Representation>({ max: picturesMax });

  return {
    productPage: (document) => pageOf(document, maker.productPage),
    cataloguePage: (document, values) => pageOf(document, (json) => maker.cataloguePage(json, values)),
    problem: (title, detail) => ({
      headers: ['Content-Type', htmlForm.contentType, 'X-Content-Type-Options', 'nosniff', ...htmlHeaders],
      body: bytesOf(maker.problemPage(title, detail)),
    }),
    file: (name) => files.get(name),
    picture(slug, name) {
      const key = `${slug}/${name}`;
      const known = pictures.get(key);
      if (known !== undefined) return known;
      const svg = name.endsWith('.svg') ? maker.picture(slug, name.slice(0, -4)) : undefined;
      if (svg === undefined) return undefined;
      const made = createRepresentation(bytesOf(svg), fileCacheControl, fileForm('image/svg+xml'));
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
