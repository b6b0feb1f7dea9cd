/**
 * Parts of a page: one module, or some fields. A part is cut out of the page's bytes, which are never parsed: one scan finds
 * where each module begins and ends. Its ETag is made of its own bytes, so that a client's copy of the media stays good while
 * the price changes.
 */
import { createRepresentation, type Representation } from './representation.ts';

/** One module's value, or an object of several. */
export type Part = { readonly module: string } | { readonly fields: readonly string[] };

/** Of one page. Clients choose the fields, and there are more sets of them than any memory could hold. */
const partsMax = 8;

/**
 * The part as a representation of its own, which the page keeps: after `onMade` the page is larger or smaller than before. In
 * which order fields are named, and how often, makes no difference; a module that the page does not have is null.
 */
export function partOf(page: Representation, part: Part, onMade: () => void): Representation {
  const key = 'module' in part ? part.module : `{${[...new Set(part.fields)].toSorted().join()}`;
  page.parts ??= new Map();
  const kept = page.parts.get(key);
  if (kept !== undefined) return kept;

  const made = createRepresentation(
    'module' in part ? moduleIn(page.body, part.module) : fieldsIn(page.body, part.fields),
    page.cacheControl,
  );
  const oldest = page.parts.size < partsMax ? undefined : page.parts.keys().next().value;
  if (oldest !== undefined) page.parts.delete(oldest);
  page.parts.set(key, made);
  onMade();
  return made;
}

function moduleIn(page: string, name: string): string {
  for (const member of membersOf(page)) if (member.name === name) return page.slice(member.from, member.to);
  return 'null';
}

/** In the order of the page, and those it does not have behind them. */
function fieldsIn(page: string, names: readonly string[]): string {
  const wanted = new Set(names);
  const found: string[] = [];
  for (const { name, from, to } of membersOf(page))
    if (wanted.delete(name)) found.push(`"${name}":${page.slice(from, to)}`);
  for (const name of wanted) found.push(`"${name}":null`);
  return `{${found.join(',')}}`;
}

interface Member {
  readonly name: string;
  /** Where its value begins, and where it has ended. */
  readonly from: number;
  readonly to: number;
}

const quote = 0x22;
const comma = 0x2c;
const backslash = 0x5c;
const opening = new Set([0x5b, 0x7b]);
const closing = new Set([0x5d, 0x7d]);

/** The members of a JSON object without white space around its names. Throws for what ends before it is complete. */
export function* membersOf(json: string): Generator<Member> {
  for (let at = 1; json.charCodeAt(at) === quote; ) {
    const from = endOfString(json, at) + 1;
    const to = endOfValue(json, from);
    yield { name: json.slice(at + 1, from - 2), from, to };
    at = to + 1;
  }
}

/** `start` is at the opening quote. */
function endOfString(json: string, start: number): number {
  for (let end = json.indexOf('"', start + 1); end >= 0; end = json.indexOf('"', end + 1)) {
    let escapes = 0;
    while (json.charCodeAt(end - 1 - escapes) === backslash) escapes++;
    if (escapes % 2 === 0) return end + 1;
  }
  throw new Error('The page ends within a string.');
}

function endOfValue(json: string, start: number): number {
  let depth = 0;
  for (let at = start; at < json.length; at++) {
    const code = json.charCodeAt(at);
    if (code === quote) at = endOfString(json, at) - 1;
    else if (opening.has(code)) depth++;
    else if (depth === 0 && (code === comma || closing.has(code))) return at;
    else if (closing.has(code)) depth--;
  }
  throw new Error('The page ends within a module.');
}
