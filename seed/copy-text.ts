/** What COPY's text format can carry here; `null` is SQL's NULL. */
export type CopyValue = string | number | boolean | null;

const special = /[\\\t\n\r]/;
const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };

/** Returns one line of COPY's text format. A NUL, which Postgres cannot hold, is left for Postgres to refuse. */
export function copyLine(values: readonly CopyValue[]): string {
  let line = '';
  for (const [index, value] of values.entries()) {
    if (index > 0) line += '\t';
    line += value === null ? '\\N' : typeof value === 'string' ? escaped(value) : value;
  }
  return `${line}\n`;
}

// Nearly no text needs it, and finding that out is cheaper than replacing nothing.
const escaped = (text: string) =>
  special.test(text) ? text.replace(/[\\\t\n\r]/g, (character) => escapes[character] ?? character) : text;
