/**
 * Zipf's law: the r-th most popular of n things is asked for in proportion to 1 / r^exponent. Web traffic was
 * measured at exponents of 0.6 to 0.83 (Breslau et al. 1999; Wessels 2001); 0 is uniform. Runs in Node and in k6.
 */

/** Sums of the weights of ranks 1 to r, for r up to `count`. */
export function cumulativeWeights(count: number, exponent: number): number[] {
  let sum = 0;
  return Array.from({ length: count }, (_, index) => {
    sum += (index + 1) ** -exponent;
    return sum;
  });
}

/** Index, 0 the most popular, of one of the things. `random` is evenly spread over [0, 1). */
export function draw(cumulative: ArrayLike<number>, random: number): number {
  const wanted = random * (cumulative[cumulative.length - 1] ?? 0);
  let low = 0;
  let high = cumulative.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((cumulative[middle] ?? 0) > wanted) high = middle;
    else low = middle + 1;
  }
  return low;
}
