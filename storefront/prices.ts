/** A price as a page shows it. */
import type { Price } from './document.ts';
import { money } from './format.ts';
import { type Html, html } from './html.ts';

/** Null is a product that is not sold, or not yet. */
export function priceTag(price: Price | null): Html {
  if (price === null) return html`<p class="price"><span class="now">To be announced</span></p>`;
  const { currency, listMinor, saleMinor, discountPercent } = price;
  const shown = (minor: number) => (minor === 0 ? 'Free' : money(minor, currency));
  if (saleMinor === null || saleMinor === listMinor)
    return html`<p class="price"><span class="now">${shown(listMinor)}</span></p>`;
  return html`<p class="price"><span class="discount"><span class="hidden">Discount: </span>−${discountPercent}%</span>
<s><span class="hidden">Regular price: </span>${shown(listMinor)}</s>
<span class="now"><span class="hidden">Price now: </span>${shown(saleMinor)}</span></p>`;
}
