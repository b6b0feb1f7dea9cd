/** The storefront: the list of products with a search and filters that are plain forms. */
import { hueOf } from './art.ts';
import type { Catalogue, CatalogueItem } from './document.ts';
import { type FilterValues, filterForm, formId, isFiltered, queryOf } from './filters.ts';
import { compactCount, day, decimal } from './format.ts';
import { type Html, html } from './html.ts';
import { layout } from './layout.ts';
import { picture } from './pictures.ts';
import { priceTag } from './prices.ts';
import { stars } from './symbols.ts';

/** The whole page as HTML. `values` are the parameters of the list, `offered` the names of those that lists have. */
export function cataloguePage(
  { items, nextCursor, facets, corrections }: Catalogue,
  values: FilterValues,
  offered: ReadonlySet<string>,
): string {
  const { q = '', cursor } = values;
  const isFront = !isFiltered(values) && cursor === undefined;
  const featured = isFront ? items[0] : undefined;
  return layout({
    title: q === '' ? 'Frontshelf' : `${q} · Frontshelf`,
    description: 'Every game of the catalogue, most popular first.',
    className: 'catalogue',
    search: String(q),
    ...(offered.has('q') && { searchForm: formId }),
    documentUrl: `/v1/products${queryOf(values)}`,
    main: html`${featured && banner(featured)}
<div class="wrap columns">
<aside aria-label="Filters">${filterForm(values, offered, facets)}</aside>
<section class="results" aria-labelledby="results-title">
<h1 id="results-title">${heading(values, isFront)}</h1>
${corrections.length > 0 && html`<p class="note">${corrections.map(({ word, to }) => html`No game is called “${word}”, so this is also what fits “${to.join('” or “')}”. `)}</p>`}
${
  items.length === 0 && nextCursor !== null
    ? html`<div class="empty"><p><b>Nothing yet.</b></p><p>There is more of the catalogue to look through.</p></div>`
    : items.length === 0
      ? html`<div class="empty"><p><b>Nothing on this shelf.</b></p><p>No game fits what you asked for. Take a filter away, or <a href="/">see the whole catalogue</a>.</p></div>`
      : html`<ul class="grid">${items.map((item, i) => card(item, i < 4))}</ul>`
}
<nav class="pages" aria-label="Pages">
${cursor !== undefined && html`<a class="button quiet" rel="first" href="/${queryOf({ ...values, cursor: undefined })}">First page</a>`}
${nextCursor !== null && html`<a class="button" rel="next" href="/${queryOf({ ...values, cursor: nextCursor })}">Next page</a>`}
</nav>
</section>
</div>`,
  }).html;
}

function heading(values: FilterValues, isFront: boolean): Html {
  if (values.q !== undefined) return html`Results for “${String(values.q)}”`;
  if (isFront) return html`Most popular`;
  return isFiltered(values) ? html`Games that fit` : html`More games`;
}

function banner({ slug, title, shortDescription, price, rating }: CatalogueItem): Html {
  return html`<section class="hero banner hue-${hueOf(slug)}" aria-labelledby="featured">
<div class="backdrop">${picture(slug, 'hero', '', { isFirst: true })}</div>
<div class="wrap">
<p class="kind">Number one today</p>
<h2 id="featured"><a href="/products/${slug}">${title}</a></h2>
<p class="lead">${shortDescription}</p>
${rating && html`<p class="verdicts">${stars(rating.average)}<span><b>${decimal(rating.average)}</b> of 5 · ${compactCount(rating.count)} ratings</span></p>`}
<div class="offer">${priceTag(price)}<a class="button" href="/products/${slug}">See the game<span class="hidden">: ${title}</span></a></div>
</div>
</section>`;
}

function card(item: CatalogueItem, isFirst: boolean): Html {
  const { slug, title, image, price, rating, releaseDate, developers } = item;
  return html`<li class="card hue-${hueOf(slug)}">
<div class="cover">${picture(slug, 'card', image?.alt ?? '', { isFirst })}</div>
<h2><a href="/products/${slug}">${title}</a></h2>
<p class="by">${developers.map(({ name }) => name).join(', ') || 'Independent'}</p>
<p class="meta">${
    rating
      ? html`<span class="rated"><span class="glyph" aria-hidden="true">★</span> <b>${decimal(rating.average)}</b><span class="hidden"> of 5 stars</span></span>`
      : html`<span>Not rated</span>`
  }<span>${releaseDate === null ? 'Unreleased' : html`<time datetime="${releaseDate}">${day(releaseDate).slice(-4)}</time>`}</span></p>
${priceTag(price)}
</li>`;
}
