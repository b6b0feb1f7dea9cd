/** What pages load, by the name under `/assets/`. Files are read once. */
import { readFileSync } from 'node:fs';
import { hueCount, hueDegrees } from './art.ts';

export interface Asset {
  readonly contentType: string;
  readonly text: string;
}

const read = (url: URL) => readFileSync(url, 'utf8');
const folder = new URL('./styles/', import.meta.url);
/** In this order, as later rules win: what is true everywhere, the parts of pages from top to bottom, what differs by window. */
const styles = ['ground', 'frame', 'stage', 'product', 'community', 'technical', 'catalogue', 'windows'].map(
  (name) => read(new URL(`${name}.css`, folder)),
);
const hues = Array.from({ length: hueCount }, (_, hue) => `.hue-${hue}{--hue:${hueDegrees(hue)}}\n`);

export const assets: ReadonlyMap<string, Asset> = new Map([
  [
    'storefront.css',
    {
      contentType: 'text/css; charset=utf-8',
      text: [...styles, hues.join('')].join('\n'),
    },
  ],
  [
    'storefront.js',
    {
      contentType: 'text/javascript; charset=utf-8',
      text: read(new URL('./storefront.js', import.meta.url)),
    },
  ],
  ['icon.svg', { contentType: 'image/svg+xml', text: read(new URL('./icon.svg', import.meta.url)) }],
]);
