/** The page of a product: every module of its document, in the order in which one decides about a game. */
import { hueOf, isPictureRole, type PictureRole } from './art.ts';
import { community, criticsSection, playersSection } from './community.ts';
import type { Offer, Product } from './document.ts';
import { count, day } from './format.ts';
import { type Html, html, link, type Part } from './html.ts';
import { layout } from './layout.ts';
import { picture, pictureUrl } from './pictures.ts';
import { priceTag } from './prices.ts';
import { prose } from './prose.ts';
import { section } from './section.ts';
import { bar, icon } from './symbols.ts';
import { languagesSection, requirementsSection } from './technical.ts';

/** The whole page as HTML. */
export function productPage(product: Product): string {
  const sections = [
    aboutSection(product),
    mediaSection(product),
    offersSection('editions', 'Editions', product.editions),
    offersSection('add-ons', 'Add-ons', product.addOns),
    achievementsSection(product),
    criticsSection(product),
    playersSection(product),
    requirementsSection(product),
    languagesSection(product),
    linksSection(product),
  ].filter((found) => found !== undefined);
  return layout({
    title: `${product.title} · Frontshelf`,
    description: product.shortDescription,
    className: `product hue-${hueOf(product.slug)}`,
    search: '',
    documentUrl: `/v1/products/${product.slug}`,
    main: html`<article>
${hero(product)}
<div class="wrap columns">
<aside aria-label="Price and facts">${buyBox(product)}</aside>
<div class="story">
<nav class="sections" aria-label="On this page"><ul>${sections.map(({ id, name }) => html`<li><a href="#${id}">${name}</a></li>`)}</ul></nav>
${sections.map(({ content }) => content)}
${product.legalText !== null && html`<p class="legal">${product.legalText}</p>`}
</div>
</div>
</article>`,
  }).html;
}

const kinds: Readonly<Record<string, string>> = { game: 'Game', edition: 'Edition', 'add-on': 'Add-on' };

function hero({ slug, title, type, shortDescription, genres, media, ...rest }: Product): Html {
  const of = (role: PictureRole) => media.find((medium) => medium.role === role);
  const logo = of('logo');
  return html`<div class="hero">
<div class="backdrop">${picture(slug, 'hero', of('hero')?.alt ?? '', { isFirst: true })}</div>
<div class="wrap">
<nav class="crumbs" aria-label="Breadcrumb"><ol><li><a href="/">Catalogue</a></li><li aria-current="page">${title}</li></ol></nav>
${logo && html`<div class="logo">${picture(slug, 'logo', logo.alt, { isFirst: true })}</div>`}
<p class="kind">${kinds[type] ?? type}</p>
<h1>${title}</h1>
<p class="lead">${shortDescription}</p>
${community(rest)}
${genres.length > 0 && html`<ul class="chips" aria-label="Genres">${genres.map(({ name }) => html`<li>${name}</li>`)}</ul>`}
</div>
</div>`;
}

function buyBox(product: Product): Html {
  const { slug, media, price, refundType, releaseDate, ageRating, editions, socialLinks } = product;
  const card = media.find(({ role }) => role === 'card');
  const homepage = socialLinks.find(({ network }) => network === 'homepage');
  const endsAt = price?.saleEndsAt;
  return html`<div class="buy">
<div class="cover">${picture(slug, 'card', card?.alt ?? '', { isFirst: true })}</div>
<div class="terms">
${priceTag(price)}
${endsAt && html`<p class="ends">Sale ends <time datetime="${endsAt}">${day(endsAt)}, ${endsAt.slice(11, 16)} UTC</time></p>`}
${editions.length > 0 && html`<a class="button" href="#editions">Compare ${count(editions.length + 1)} editions</a>`}
${homepage && html`<a class="button ${editions.length > 0 && 'quiet'}" href="${link(homepage.url)}" rel="external noreferrer">Official website ${icon('out')}</a>`}
</div>
<dl class="facts">
${fact('Developer', companies(product.developers))}
${fact('Publisher', companies(product.publishers))}
${fact('Release', releaseDate === null ? 'To be announced' : html`<time datetime="${releaseDate}">${day(releaseDate)}</time>`)}
${fact('Platforms', product.platforms.map(({ name }) => name).join(', '))}
${refundType && fact('Refunds', refundType.policyUrl === null ? refundType.name : html`<a href="${link(refundType.policyUrl)}" rel="external noreferrer">${refundType.name}</a>`)}
</dl>
${
  ageRating &&
  html`<div class="age"><p class="badge"><span class="hidden">Age rating: </span><b>${ageRating.code}</b><span>${ageRating.system}</span></p>
<div><p><b>${ageRating.title}</b></p><p>${ageRating.descriptors.join(', ')}</p></div></div>`
}
</div>`;
}

const fact = (term: string, value: Part): Part =>
  value !== '' && value !== undefined && html`<div><dt>${term}</dt><dd>${value}</dd></div>`;

const companies = (list: Product['developers']): Part =>
  list.length > 0
    ? list.map(
        ({ name, url }, i) =>
          html`${i > 0 && ', '}${url === null ? name : html`<a href="${link(url)}" rel="external noreferrer">${name}</a>`}`,
      )
    : undefined;

function aboutSection({ slug, title, description, media, features }: Product) {
  const overview = media.find(({ role }) => role === 'description');
  return section(
    'about',
    'About',
    html`<div class="prose">${prose(description)}</div>
${overview && html`<p class="overview">${picture(slug, 'description', overview.alt)}</p>`}
${features.length > 0 && html`<h3>Features</h3><ul class="chips" aria-label="Features of ${title}">${features.map(({ name }) => html`<li>${icon('check')}${name}</li>`)}</ul>`}`,
  );
}

function mediaSection({ slug, trailer, media }: Product) {
  const shown = media.flatMap(({ role, alt }, i) => {
    if (!isPictureRole(role) || ['card', 'hero', 'logo', 'description'].includes(role)) return [];
    const number = 1 + media.slice(0, i).filter((other) => other.role === role).length;
    return [{ role, alt, number }];
  });
  if (trailer === null && shown.length === 0) return undefined;
  return section(
    'media',
    'Media',
    html`<ul class="gallery">
${
  trailer &&
  html`<li class="trailer"><a href="${link(trailer.url)}" rel="external noreferrer">${picture(slug, 'trailer', trailer.alt)}<span class="caption"><span class="round">${icon('play')}</span>Watch the trailer</span></a></li>`
}
${shown.map(
  ({ role, alt, number }, i) =>
    html`<li><a class="zoom" href="${pictureUrl(slug, role, number)}">${picture(slug, role, `${alt}, ${i + 1} of ${shown.length}`, { number })}</a></li>`,
)}
</ul>
<dialog class="viewer" aria-label="Picture in full size">
<form method="dialog"><button type="button" value="previous">Previous</button><p aria-live="polite"></p><button type="button" value="next">Next</button><button value="close">Close</button></form></dialog>`,
  );
}

function offersSection(id: string, title: string, offers: readonly Offer[]) {
  if (offers.length === 0) return undefined;
  return section(
    id,
    title,
    html`<ul class="offers">${offers.map(
      (offer) =>
        html`<li class="hue-${hueOf(offer.slug)}">${picture(offer.slug, 'card', offer.image?.alt ?? '')}
<div><h3><a href="/products/${offer.slug}">${offer.title}</a></h3><p>${offer.shortDescription}</p>${priceTag(offer.price)}</div></li>`,
    )}</ul>`,
  );
}

function achievementsSection({ achievements }: Product) {
  if (achievements === null) return undefined;
  const { total, top } = achievements;
  return section(
    'achievements',
    'Achievements',
    html`<p class="note">${total > top.length ? `The ${top.length} worth most of ${count(total)}.` : `All ${count(total)}.`}</p>
<ul class="trophies">${top.map(
      ({ name, description, xp, tier, hidden, rarityPercent }) =>
        html`<li class="${tier}"><span class="medal">${icon('trophy')}</span>
<div><h3>${name}${hidden && html` <small>hidden</small>`}</h3><p>${description}</p>
<p class="rarity">${bar(rarityPercent)}<span>${rarityPercent}% of players</span></p></div>
<p class="xp"><b>${count(xp)}</b> XP<span>${tier}</span></p></li>`,
    )}</ul>`,
  );
}

const networkNames: Readonly<Record<string, string>> = {
  discord: 'Discord',
  facebook: 'Facebook',
  homepage: 'Website',
  instagram: 'Instagram',
  reddit: 'Reddit',
  twitch: 'Twitch',
  x: 'X',
  youtube: 'YouTube',
};

function linksSection({ socialLinks }: Product) {
  if (socialLinks.length === 0) return undefined;
  return section(
    'links',
    'Links',
    html`<ul class="links">${socialLinks.map(
      ({ network, url }) =>
        html`<li><a href="${link(url)}" rel="external noreferrer">${networkNames[network] ?? network} ${icon('out')}</a></li>`,
    )}</ul>`,
  );
}
