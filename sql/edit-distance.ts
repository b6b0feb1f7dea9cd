/**
 * How many letters must be put in, left out, replaced or exchanged with the next to make one word of another, each letter
 * touched once: the optimal string alignment distance (Damerau 1964; Boytsov, "Indexing methods for approximate dictionary
 * searching", 2011, section 2).
 */
export function editDistance(from: string, to: string): number {
  const a = [...from];
  const b = [...to];
  let previous: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      let least = Math.min(at(next, j - 1) + 1, at(row, j) + 1, at(row, j - 1) + (isSame ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, at(previous, j - 2) + 1);
      next.push(least);
    }
    previous = row;
    row = next;
  }
  return at(row, b.length);
}

const at = (row: readonly number[], i: number) => row[i] ?? Number.POSITIVE_INFINITY;

/** How many such mistakes a word of this length may have; those of Elasticsearch's and Lucene's "AUTO" fuzziness. */
export const mistakesAllowed = (length: number): number => (length < 3 ? 0 : length < 6 ? 1 : 2);
