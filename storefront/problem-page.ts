/** What a reader sees in the place of a page that is not to be had. */
import { html } from './html.ts';
import { layout } from './layout.ts';

/** The whole page as HTML. `detail` is one sentence of ours. */
export function problemPage(title: string, detail: string): string {
  return layout({
    title: `${title} · Frontshelf`,
    description: detail,
    className: 'catalogue',
    search: '',
    main: html`<div class="wrap problem"><p class="kind">Frontshelf</p><h1>${title}</h1><p class="lead">${detail}</p><a class="button" href="/">To the catalogue</a></div>`,
  }).html;
}
