/** HTML in which whatever is put in is text, unless it is HTML already. */

/** Markup that may go into a page as it is. Only `html` makes it. */
export interface Html {
  readonly html: string;
}

/** What a template takes. Nothing comes of `undefined`, `null` and `false`, so a part may be left out with `&&`. */
export type Part = Html | string | number | undefined | null | false | readonly Part[];

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const escaped = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? '');

const isList = (part: Html | readonly Part[]): part is readonly Part[] => Array.isArray(part);

function markup(part: Part): string {
  if (part === undefined || part === null || part === false) return '';
  if (typeof part === 'string') return escaped(part);
  if (typeof part === 'number') return String(part);
  return isList(part) ? part.map(markup).join('') : part.html;
}

/** Template tag: escapes every text that is put in. It is safe as content, and as an attribute's value in quotes. */
export const html = (strings: TemplateStringsArray, ...parts: readonly Part[]): Html => ({
  html: String.raw({ raw: strings }, ...parts.map(markup)),
});

/**
 * An address from the catalogue as the value of a `href`: `#` unless it is http or https, as `javascript:` and its like
 * would run in the page.
 */
export const link = (url: string): string => (/^https?:\/\//i.test(url) ? url : '#');
