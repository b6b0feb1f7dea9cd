/** Everything the storefront shows, of documents as text: what a server needs to know of it. */
import { drawPicture, isPictureRole } from './art.ts';
import { type Asset, assets } from './assets.ts';
import { cataloguePage } from './catalogue-page.ts';
import { parseCatalogue, parseProduct } from './document.ts';
import type { FilterValues } from './filters.ts';
import { problemPage } from './problem-page.ts';
import { productPage } from './product-page.ts';

export interface Storefront {
  /** Both throw when the document is of another kind. */
  productPage(document: string): string;
  cataloguePage(document: string, values: FilterValues): string;
  problemPage(title: string, detail: string): string;
  /** By the name under `/assets/`. */
  readonly assets: ReadonlyMap<string, Asset>;
  /** The SVG of a picture of a product, as `card-1`; undefined when there is no such picture. */
  picture(slug: string, name: string): string | undefined;
}

/** `listParameters` are the names of the parameters that the catalogue's page takes. */
export function createStorefront(listParameters: readonly string[]): Storefront {
  const offered = new Set(listParameters);
  return {
    productPage: (document) => productPage(parseProduct(document)),
    cataloguePage: (document, values) => cataloguePage(parseCatalogue(document), values, offered),
    problemPage,
    assets,
    picture(slug, name) {
      const [, role = '', number] = /^([a-z]+)-([1-9]\d?)$/.exec(name) ?? [];
      return isPictureRole(role) ? drawPicture(slug, role, Number(number)) : undefined;
    },
  };
}
