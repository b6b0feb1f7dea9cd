/** What pages load, by the name under `/assets/`. Files are read once. */
import { readFileSync } from 'node:fs';
import { hueCount, hueDegrees } from './art.ts';

export interface Asset {
  readonly contentType: string;
  readonly text: string;
}

const read = (url: URL) => readFileSync(url, 'utf8');
const hues = Array.from({ length: hueCount }, (_, hue) => `.hue-${hue}{--hue:${hueDegrees(hue)}}\n`);

export const assets: ReadonlyMap<string, Asset> = new Map([
  [
    'storefront.css',
    {
      contentType: 'text/css; charset=utf-8',
      text: read(new URL('./storefront.css', import.meta.url)) + hues.join(''),
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
