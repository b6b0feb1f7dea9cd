/** HTML in which what is put in is text, unless it is HTML already. */

export interface Html {
  readonly html: string;
}

type Part = Html | string | number | readonly Html[];

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const escaped = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? '');

function markup(part: Part): string {
  if (typeof part === 'string') return escaped(part);
  if (typeof part === 'number') return String(part);
  return 'html' in part ? part.html : part.map(({ html }) => html).join('');
}

/** Template tag: escapes each text that is put in, also within quoted attributes. */
export const html = (strings: TemplateStringsArray, ...parts: readonly Part[]): Html => ({
  html: String.raw({ raw: strings }, ...parts.map(markup)),
});

export const nothing: Html = { html: '' };

/** Code of our own or of a library, which must not end its element early. */
export const script = (code: string): Html => ({
  html: `<script>${code.replaceAll('</script', '<\\/script').replaceAll('<!--', '<\\!--')}</script>`,
});

export const style = (css: string): Html => ({ html: `<style>${css}</style>` });

/** Data for a script of the page; no text in it can end the element. */
export const jsonScript = (id: string, value: unknown): Html => ({
  html: `<script type="application/json" id="${escaped(id)}">${JSON.stringify(value).replaceAll('<', '\\u003c')}</script>`,
});
