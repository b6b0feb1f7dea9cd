/** What several rounds of one figure come to. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** Where the median lies with a confidence of 95 %, by order statistics: no shape of the distribution is assumed. */
  readonly interval95: readonly [low: number, high: number];
}

/** Median and extremes; of an even count the median is the mean of the middle two. Throws on no values. */
export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const low = sorted[Math.floor((sorted.length - 1) / 2)];
  const high = sorted[Math.floor(sorted.length / 2)];
  const min = sorted.at(0);
  const max = sorted.at(-1);
  if (low === undefined || high === undefined || min === undefined || max === undefined)
    throw new Error('a spread needs at least one value');
  // Conover, Practical Nonparametric Statistics, §3.2; below six values there is nothing but the extremes.
  const outside = Math.max(0, Math.floor((sorted.length - 1.96 * Math.sqrt(sorted.length)) / 2) - 1);
  const interval95 = [sorted.at(outside) ?? min, sorted.at(-1 - outside) ?? max] as const;
  return { median: (low + high) / 2, min, max, interval95 };
}
