/** What is asked of lists, as targets: by chance, so that a run meets combinations that nobody thought of, and by seed, so that it can be repeated. */
import { pick, type Random } from '../provers/random.ts';

const sorts = ['popularity', '-releaseDate', 'releaseDate', '-rating', 'price', '-price', 'title', '-title'];

/** What a server lists, to ask for. */
export interface Vocabulary {
  readonly slugs: readonly string[];
  readonly titles: readonly string[];
  readonly companies: readonly string[];
  readonly genres: readonly string[];
  readonly features: readonly string[];
  readonly platforms: readonly string[];
  /** The targets of hundredth pages, in every order. */
  readonly hundredthPages: readonly string[];
}

/** Those that the promise about lists is made of. */
export const listCases = [
  'list, first page',
  'list, hundredth page',
  'filtered list',
  'filtered list, limit 100',
  'filtered list with facets',
  'search',
  'filtered search',
  'suggestions',
  'related games',
  'reviews',
] as const;
export const pageMiss = 'page miss';
export type Case = typeof pageMiss | (typeof listCases)[number];
export const cases: readonly Case[] = [pageMiss, ...listCases];

/** A target of this case. */
export function targetOf(what: Case, random: Random, known: Vocabulary): string {
  const slug = () => pick(random, known.slugs);
  switch (what) {
    case 'page miss':
      return `/v1/products/${slug()}`;
    case 'list, first page':
      return `/v1/products?sort=${pick(random, sorts)}`;
    case 'list, hundredth page':
      return pick(random, known.hundredthPages);
    case 'filtered list':
      return `/v1/products?${filters(random, known)}&sort=${pick(random, sorts)}`;
    case 'filtered list, limit 100':
      return `/v1/products?${filters(random, known)}&sort=${pick(random, sorts)}&limit=100`;
    case 'filtered list with facets':
      return `/v1/products?${filters(random, known)}&sort=${pick(random, sorts)}&facets=true`;
    case 'search':
      return `/v1/products?q=${words(random, known)}`;
    case 'filtered search':
      return `/v1/products?q=${words(random, known)}&${filters(random, known)}&sort=${pick(random, ['relevance', ...sorts])}`;
    case 'suggestions':
      return `/v1/suggest?q=${encodeURIComponent(
        pick(random, known.titles)
          .slice(0, 1 + Math.floor(random() * 12))
          .trim(),
      )}`;
    case 'related games':
      return `/v1/products/${slug()}/related`;
    case 'reviews':
      return `/v1/reviews?product=${slug()}`;
  }
}

/** One to four filters. */
function filters(random: Random, known: Vocabulary): string {
  const price = () => Math.floor(random() * 7000);
  const day = () => `20${15 + Math.floor(random() * 12)}-0${1 + Math.floor(random() * 9)}-15`;
  const kinds = [
    () => `genre=${pick(random, known.genres)}`,
    () => `feature=${pick(random, known.features)}`,
    () => `platform=${pick(random, known.platforms)}`,
    () => `developer=${encodeURIComponent(pick(random, known.companies))}`,
    () => `minPriceMinor=${price()}`,
    () => `maxPriceMinor=${price()}`,
    () => 'onSale=true',
    () => `releasedFrom=${day()}`,
    () => `releasedTo=${day()}`,
    () => `minRating=${pick(random, ['2', '3', '3.5', '4', '4.5', '4.9'])}`,
  ];
  const some = Array.from({ length: 1 + Math.floor(random() * 4) }, () => pick(random, kinds));
  return [...new Set(some)].map((make) => make()).join('&');
}

/** One to three words of a title, every third time with two letters exchanged. */
function words(random: Random, { titles }: Vocabulary): string {
  const of = pick(random, titles).split(' ');
  const from = Math.floor(random() * of.length);
  const some = of.slice(from, from + 1 + Math.floor(random() * 3)).join(' ');
  const at = 1 + Math.floor(random() * (some.length - 2));
  const mistyped = some.slice(0, at) + some.charAt(at + 1) + some.charAt(at) + some.slice(at + 2);
  return encodeURIComponent(random() < 1 / 3 && some.length > 4 ? mistyped : some);
}
