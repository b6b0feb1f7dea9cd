/** k6's summary of a run, so far as the verdict reads it. */
export interface Summary {
  readonly metrics: Readonly<
    Record<
      string,
      {
        readonly values: Readonly<Record<string, number>>;
        readonly thresholds?: Readonly<Record<string, { readonly ok: boolean }>>;
      }
    >
  >;
}

/** What the slices of a run have thresholds for is to be in the summary; they promise nothing. */
const isOfSlice = (metric: string) => metric.includes('{slice:');

/** One line per figure that was promised, and whether it was held; what it came to, where k6 says so. */
export function verdict({ metrics }: Summary): string[] {
  const promised = Object.entries(metrics).filter(([metric]) => !isOfSlice(metric));
  return promised.flatMap(([metric, { values, thresholds }]) =>
    Object.entries(thresholds ?? {}).map(([condition, { ok }]) => {
      // "p(99)<100" is about the value named "p(99)".
      const value = values[/^[^<>=!]*/.exec(condition)?.[0].trim() ?? ''];
      const shown = value === undefined ? '' : `, it is ${Number(value.toFixed(3))}`;
      return `${ok ? 'held  ' : 'BROKEN'}  ${metric} ${condition}${shown}`;
    }),
  );
}
