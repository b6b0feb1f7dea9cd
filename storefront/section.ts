/** A part of a page under a heading of its own, which the page's navigation leads to. */
import { type Html, html } from './html.ts';

export interface Section {
  readonly id: string;
  readonly title: string;
  readonly content: Html;
}

export const section = (id: string, title: string, content: Html): Section => ({
  id,
  title,
  content: html`<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2>
${content}
</section>
`,
});
