/**
 * A description as HTML. Of Markdown it knows what the catalogue's texts use: paragraphs apart by an empty line, lines
 * that begin with `- ` as a list, and `**strong**`. All else is text.
 */
import { type Html, html } from './html.ts';

export const prose = (text: string): readonly Html[] =>
  text.split(/\n{2,}/).flatMap((block) => {
    const lines = block.split('\n').filter((line) => line !== '');
    const groups: { isList: boolean; lines: string[] }[] = [];
    for (const line of lines) {
      const isList = line.startsWith('- ');
      const last = groups.at(-1);
      if (last?.isList === isList) last.lines.push(line);
      else groups.push({ isList, lines: [line] });
    }
    return groups.map(({ isList, lines }) =>
      isList
        ? html`<ul>${lines.map((line) => html`<li>${spans(line.slice(2))}</li>`)}</ul>`
        : html`<p>${spans(lines.join(' '))}</p>`,
    );
  });

/** Split at a capturing group, every second part is what stood between the asterisks. */
const spans = (line: string) =>
  line.split(/\*\*([^*]+)\*\*/).map((part, i) => (i % 2 === 1 ? html`<strong>${part}</strong>` : part));
