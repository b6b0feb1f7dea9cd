/** What an answer for a page shows of the cells that the prober writes. */
import type { Shown } from './ledger.ts';

/** The names of cells. Products go by their slug: it is what a card of them has. */
export const cells = {
  /** The product's id, or `none` where there is no such product. */
  slug: (slug: string) => `slug ${slug}`,
  title: (slug: string) => `title of ${slug}`,
  shortDescription: (slug: string) => `short description of ${slug}`,
  listPrice: (slug: string) => `list price of ${slug}`,
  newestReview: (slug: string) => `newest review of ${slug}`,
  probeLink: (slug: string) => `probe's link of ${slug}`,
  probeAddOn: (slug: string) => `probe's add-on of ${slug}`,
  /** A company's URL stays, and tells which it is. */
  company: (url: string) => `name of the company at ${url}`,
  genre: (slug: string) => `name of the genre ${slug}`,
  /** The same for all products. */
  legalText: 'legal text of all products',
};

export const none = 'none';
/** Begins the slug of what the prober itself adds. */
export const probePrefix = 'probe-';
export const probeNetwork = 'probe';

interface Card {
  readonly slug: string;
  readonly title: string;
  readonly shortDescription: string;
  readonly price: { readonly listMinor: number } | null;
}

interface Page extends Card {
  readonly id: number;
  readonly legalText: string | null;
  readonly genres: readonly { readonly slug: string; readonly name: string }[];
  readonly developers: readonly { readonly name: string; readonly url: string }[];
  readonly publishers: readonly { readonly name: string; readonly url: string }[];
  readonly editions: readonly Card[];
  readonly addOns: readonly Card[];
  readonly reviews: { readonly latest: readonly { readonly title: string }[] } | null;
  readonly socialLinks: readonly { readonly network: string; readonly url: string }[];
}

/** `body` is the document's text. Throws when it is no page, or another product's. */
export function shownByPage(slug: string, body: string): readonly Shown[] {
  const page: Page = JSON.parse(body);
  if (page.slug !== slug) throw new Error(`The page for ${slug} is that of ${page.slug}.`);
  const link = page.socialLinks.find(({ network }) => network === probeNetwork);
  const addOn = page.addOns.find((card) => card.slug.startsWith(probePrefix));
  return [
    [cells.slug(slug), String(page.id)],
    ...[page, ...page.editions, ...page.addOns].flatMap(shownByCard),
    [cells.newestReview(slug), page.reviews?.latest[0]?.title ?? none],
    [cells.probeLink(slug), link?.url ?? none],
    [cells.probeAddOn(slug), addOn?.title ?? none],
    ...[...page.developers, ...page.publishers].map(({ url, name }): Shown => [cells.company(url), name]),
    ...page.genres.map((genre): Shown => [cells.genre(genre.slug), genre.name]),
    ...(slug.startsWith(probePrefix) ? [] : [[cells.legalText, page.legalText ?? none] as const]),
  ];
}

/** As `shownByPage`, without parsing a page again that is as it was, which would take a core from the servers. */
export function createPageReader(): typeof shownByPage {
  const latest = new Map<string, { readonly body: string; readonly shown: readonly Shown[] }>();
  return (slug, body) => {
    const known = latest.get(slug);
    if (known?.body === body) return known.shown;
    const shown = shownByPage(slug, body);
    latest.set(slug, { body, shown });
    return shown;
  };
}

const shownByCard = ({ slug, title, shortDescription, price }: Card): Shown[] => [
  [cells.title(slug), title],
  [cells.shortDescription(slug), shortDescription],
  [cells.listPrice(slug), String(price?.listMinor ?? none)],
];

/** The same for a 404. */
export const shownByAbsence = (slug: string): Shown[] => [[cells.slug(slug), none]];
