/**
 * What a search asks the database for. Every word must be found. The last may be the beginning of one in the title, as
 * it may be still being typed. Words so common that they are not kept of descriptions ("the") count only where
 * there are no others. One that no title and no company has is looked for as it is and as those it may have been meant to be.
 */
import type pg from 'pg';
import { editDistance, mistakesAllowed } from './edit-distance.ts';
import type { SearchTerms } from './game-statements.ts';

const wordsMax = 8;

/** A row for each word: as it is compared, the query for its stem, and words like it if it is in no title. */
export const wordsStatement = `SELECT array_to_string(whole, ' '), used.word,
    to_tsquery('english', '''' || used.word || ''''),
    CASE WHEN length(used.word) > 2 AND NOT EXISTS (
      SELECT FROM search_word s WHERE s.word >= used.word
        AND s.word <= CASE WHEN place = least(cardinality(whole), ${wordsMax}) THEN used.word || chr(1114111) ELSE used.word END)
      THEN similar_words(used.word) END
  FROM (SELECT search_words($1)) query (whole), unnest(whole[1:${wordsMax}]) WITH ORDINALITY used (word, place)
  ORDER BY place`;

export interface UnderstoodSearch {
  /** Undefined when there is no word in it. */
  readonly terms: SearchTerms | undefined;
  /** The words that no title has, and those that are looked for as well. */
  readonly corrections: readonly { readonly word: string; readonly to: readonly string[] }[];
}

/** Rejects as the client does. */
export async function understandSearch(
  client: pg.Pool | pg.ClientBase,
  q: string,
): Promise<UnderstoodSearch> {
  const { rows } = await client.query<[string, string, string, string[] | null]>({
    text: wordsStatement,
    values: [q],
    rowMode: 'array',
  });
  return searchTerms(
    rows.map(([whole, word, stem, similar]) => ({ whole, word, stem, similar: similar ?? [] })),
  );
}

interface Word {
  /** All words of the search. */
  readonly whole: string;
  readonly word: string;
  /** A tsquery; empty for a word that says nothing. */
  readonly stem: string;
  readonly similar: readonly string[];
}

/** What these words come to. */
export function searchTerms(words: readonly Word[]): UnderstoodSearch {
  const telling = words.filter(({ stem }) => stem !== '');
  const counting = telling.length > 0 ? telling : words;
  const whole = words[0]?.whole;
  if (whole === undefined) return { terms: undefined, corrections: [] };
  const last = words.at(-1);
  const meant = counting.map((word) => ({ word, to: nearest(word.word, word.similar) }));
  const all = (alternatives: (word: Word, to: readonly string[]) => string[]) =>
    meant.map(({ word, to }) => `(${alternatives(word, to).join(' | ')})`).join(' & ');
  return {
    terms: {
      titleKey: [...whole].slice(0, 60).join(''),
      title: all((word, to) => [
        `'${word.word}'${word === last ? ':*' : ''}`,
        ...to.map((other) => `'${other}'`),
      ]),
      text: all((word, to) => [
        `'${word.word}'`,
        ...(word.stem === '' ? [] : [word.stem]),
        ...to.map((other) => `'${other}'`),
      ]),
    },
    corrections: meant.flatMap(({ word, to }) => (to.length > 0 ? [{ word: word.word, to }] : [])),
  };
}

/** Those of the similar words that are the fewest mistakes away, if no more than may be made. */
export function nearest(word: string, similar: readonly string[]): string[] {
  const allowed = mistakesAllowed(word.length);
  const distances = similar.map((other) => ({ other, distance: editDistance(word, other) }));
  const least = Math.min(allowed, ...distances.map(({ distance }) => distance));
  return distances.flatMap(({ other, distance }) => (distance === least ? [other] : [])).slice(0, 3);
}
