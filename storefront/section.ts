/** A part of a page under a heading of its own, which the page's navigation leads to. */
import { type Html, html } from './html.ts';

export interface Section {
  readonly id: string;
  /** What the navigation calls it. */
  readonly name: string;
  readonly content: Html;
}

export const section = (id: string, title: string, content: Html, name = title): Section => ({
  id,
  name,
  content: html`<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2>
${content}
</section>
`,
});
