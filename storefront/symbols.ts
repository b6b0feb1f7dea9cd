/** Drawings that a page refers to by `<use href="#draw-name">`, once in each page. */
import { type Html, html } from './html.ts';

const star = (x: number) => `M${x} 1.6l2.6 5.6 6.1.7-4.5 4.2 1.2 6-5.4-3-5.4 3 1.2-6-4.5-4.2 6.1-.7z`;

export const symbols: Html = html`<svg class="symbols" aria-hidden="true" focusable="false">
<symbol id="draw-stars" viewBox="0 0 100 20"><path d="${[10, 30, 50, 70, 90].map(star).join('')}"/></symbol>
<symbol id="draw-trophy" viewBox="0 0 24 24"><path d="M7 3h10v2h4v3a4 4 0 0 1-4.2 4A5 5 0 0 1 13 14.9V18h3v3H8v-3h3v-3.1A5 5 0 0 1 7.2 12 4 4 0 0 1 3 8V5h4zm0 4H5v1a2 2 0 0 0 2 2zm10 0v3a2 2 0 0 0 2-2V7z"/></symbol>
<symbol id="draw-check" viewBox="0 0 24 24"><path d="M9.5 18.6 3.4 12.5l2.2-2.2 3.9 3.9L18.4 5.3l2.2 2.2z"/></symbol>
<symbol id="draw-play" viewBox="0 0 24 24"><path d="M7 4.5v15L20 12z"/></symbol>
<symbol id="draw-search" viewBox="0 0 24 24"><path d="M10.5 3a7.5 7.5 0 1 0 4.6 13.4l4.8 4.8 1.8-1.8-4.8-4.8A7.5 7.5 0 0 0 10.5 3zm0 2.5a5 5 0 1 1 0 10 5 5 0 0 1 0-10z"/></symbol>
<symbol id="draw-out" viewBox="0 0 24 24"><path d="M13 4h7v7h-2.4V8.1l-8.7 8.7-1.7-1.7 8.7-8.7H13zM5 6h5v2.4H6.4v9.2h9.2V14H18v6H4V6z"/></symbol>
<symbol id="draw-shelf" viewBox="0 0 32 32"><path d="M2 26h28v3H2z"/><path class="tint" d="M5 8h6v16H5z"/><path d="M13 4h6v20h-6zM23.4 8.2l5.6 1.6-4 14.2h-4z"/></symbol>
</svg>`;

/** A drawing in the size and colour of the text around it; it says nothing that the text does not. */
export const icon = (name: 'trophy' | 'check' | 'play' | 'search' | 'out' | 'shelf'): Html =>
  html`<svg class="icon" aria-hidden="true" focusable="false"><use href="#draw-${name}"/></svg>`;

/** Stars filled up to `value` of 5, for those who see; the words are the caller's. */
export const stars = (value: number): Html =>
  html`<svg class="stars" viewBox="0 0 100 20" aria-hidden="true" focusable="false"><use class="off" href="#draw-stars" width="100" height="20"/><svg width="${Math.round(value * 200) / 10}" height="20"><use href="#draw-stars" width="100" height="20"/></svg></svg>`;

/** A bar filled up to `percent`. */
export const bar = (percent: number): Html =>
  html`<svg class="bar" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true" focusable="false"><rect width="${percent}" height="1"/></svg>`;
