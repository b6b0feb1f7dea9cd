/** Pictures in a page, and their addresses. */
import { type PictureRole, pictureSizes } from './art.ts';
import { type Html, html } from './html.ts';

export const pictureUrl = (slug: string, role: PictureRole, number = 1): string =>
  `/assets/art/${slug}/${role}-${number}.svg`;

/** `alt` empty: the picture says nothing that is not beside it. `isFirst`: it is on the first screen. */
export function picture(
  slug: string,
  role: PictureRole,
  alt: string,
  { number = 1, isFirst = false }: { number?: number; isFirst?: boolean } = {},
): Html {
  const { width, height } = pictureSizes[role];
  return html`<img src="${pictureUrl(slug, role, number)}" alt="${alt}" width="${width}" height="${height}" ${isFirst ? html`fetchpriority="high"` : html`loading="lazy"`} decoding="async">`;
}
