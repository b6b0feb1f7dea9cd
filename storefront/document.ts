/**
 * The documents of the API as far as pages show them. A document is checked once, where it is parsed; what a page
 * does not show may be of any form.
 */

type Guard<T> = (value: unknown) => value is T;
type Guarded<G> = G extends Guard<infer T> ? T : never;

const text: Guard<string> = (value) => typeof value === 'string';
const number: Guard<number> = (value) => typeof value === 'number';
const flag: Guard<boolean> = (value) => typeof value === 'boolean';
const orNull =
  <T>(guard: Guard<T>): Guard<T | null> =>
  (value): value is T | null =>
    value === null || guard(value);
const list =
  <T>(guard: Guard<T>): Guard<readonly T[]> =>
  (value): value is readonly T[] =>
    Array.isArray(value) && value.every(guard);
const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const object =
  <T extends object>(fields: { readonly [K in keyof T]: Guard<T[K]> }): Guard<Readonly<T>> =>
  (value): value is Readonly<T> =>
    isRecord(value) && Object.entries<Guard<unknown>>(fields).every(([name, guard]) => guard(value[name]));

const named = object({ slug: text, name: text });
const company = object({ name: text, url: orNull(text) });
const price = object({
  currency: text,
  listMinor: number,
  saleMinor: orNull(number),
  discountPercent: number,
  saleEndsAt: orNull(text),
});
const image = object({ alt: text });
const offer = object({
  slug: text,
  title: text,
  shortDescription: text,
  image: orNull(image),
  price: orNull(price),
});
const requirement = object({ component: text, value: text });
const language = object({ code: text, name: text });

const isProduct = object({
  slug: text,
  title: text,
  type: text,
  shortDescription: text,
  description: text,
  rating: orNull(object({ average: number, count: number, histogram: list(number) })),
  trailer: orNull(object({ url: text, alt: text })),
  media: list(object({ role: text, alt: text })),
  genres: list(named),
  features: list(named),
  platforms: list(named),
  developers: list(company),
  publishers: list(company),
  releaseDate: orNull(text),
  ageRating: orNull(
    object({ system: text, code: text, title: text, minAge: number, descriptors: list(text) }),
  ),
  price: orNull(price),
  refundType: orNull(object({ name: text, policyUrl: orNull(text) })),
  editions: list(offer),
  addOns: list(offer),
  achievements: orNull(
    object({
      total: number,
      top: list(
        object({
          name: text,
          description: text,
          xp: number,
          tier: text,
          hidden: flag,
          rarityPercent: number,
        }),
      ),
    }),
  ),
  critics: orNull(
    object({
      average: orNull(number),
      recommendPercent: number,
      verdict: orNull(text),
      reviews: list(
        object({
          outlet: text,
          author: text,
          headline: text,
          quote: text,
          score: orNull(number),
          scoreMax: orNull(number),
          recommended: flag,
          url: text,
          publishedOn: text,
        }),
      ),
    }),
  ),
  polls: list(object({ question: text, emoji: text, total: number })),
  reviews: orNull(
    object({
      count: number,
      latest: list(object({ author: text, stars: number, title: text, body: text, createdAt: text })),
    }),
  ),
  systemRequirements: list(object({ os: text, minimum: list(requirement), recommended: list(requirement) })),
  languages: orNull(object({ audio: list(language), text: list(language) })),
  socialLinks: list(object({ network: text, url: text })),
  legalText: orNull(text),
});

const counted = list(object({ slug: text, name: text, count: number }));
const facets = object({
  isComplete: flag,
  genre: counted,
  feature: counted,
  platform: counted,
  onSale: number,
});

const isCatalogue = object({
  items: list(
    object({
      slug: text,
      title: text,
      type: text,
      shortDescription: text,
      image: orNull(image),
      price: orNull(price),
      rating: orNull(object({ average: number, count: number })),
      releaseDate: orNull(text),
      developers: list(company),
    }),
  ),
  nextCursor: orNull(text),
  facets: orNull(facets),
  corrections: list(object({ word: text, to: list(text) })),
});

export type Product = Guarded<typeof isProduct>;
export type Catalogue = Guarded<typeof isCatalogue>;
export type CatalogueItem = Catalogue['items'][number];
export type Facets = NonNullable<Catalogue['facets']>;
export type Price = Guarded<typeof price>;
export type Offer = Guarded<typeof offer>;

/** The document of a product page. Throws when it is not one. */
export function parseProduct(json: string): Product {
  const document: unknown = JSON.parse(json);
  if (!isProduct(document)) throw new TypeError('The document is not that of a product page.');
  return document;
}

/** The document of a list of products with its facets. Throws when it is not one. */
export function parseCatalogue(json: string): Catalogue {
  const document: unknown = JSON.parse(json);
  if (!isCatalogue(document)) throw new TypeError('The document is not a list of products.');
  return document;
}
