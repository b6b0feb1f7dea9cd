/** What every page has around its content: the document's head, the bar with the search, and the footer. */
import { type Html, html, type Part } from './html.ts';
import { icon, symbols } from './symbols.ts';

export interface Page {
  readonly title: string;
  readonly description: string;
  /** Class of the page, and of its hue. */
  readonly className: string;
  /** What the search field holds. */
  readonly search: string;
  /** The form that the search field belongs to, where the page has one of its own for lists. */
  readonly searchForm?: string;
  /** The address of the document of which this page is made, if it is made of one. */
  readonly documentUrl?: string;
  readonly main: Part;
}

/** A whole page. It refers to nothing but this server. */
export function layout({ title, description, className, search, searchForm, documentUrl, main }: Page): Html {
  const field = (form: string) => html`<label class="hidden" for="q">Search games</label>
${icon('search')}<input id="q" name="q" type="search" form="${form}" value="${search}" maxlength="100" placeholder="Search games" autocomplete="off" enterkeyhint="search">`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="description" content="${description}">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="/assets/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/assets/storefront.css">
<script src="/assets/storefront.js" defer></script>
</head>
<body class="${className}">
${symbols}
<a class="skip" href="#main">Skip to the content</a>
<header class="top">
<div class="wrap">
<a class="brand" href="/" aria-label="Frontshelf">${icon('shelf')}<span>Frontshelf</span></a>
${
  searchForm === undefined
    ? html`<form id="search" class="search" action="/" role="search">${field('search')}</form>`
    : html`<div class="search" role="search">${field(searchForm)}</div>`
}
</div>
</header>
<main id="main" tabindex="-1">
${main}
</main>
<footer class="bottom">
<div class="wrap">
<p class="served"><span class="pulse" aria-hidden="true"></span><span id="served">Served by Frontshelf</span></p>
<p class="links">${documentUrl !== undefined && html`<a href="${documentUrl}">This page as JSON</a>`} <a href="/openapi.json">The API</a></p>
</div>
</footer>
</body>
</html>
`;
}
