/**
 * The pieces of PromQL that panels are made of. Each expression selects the series of the servers that the viewer
 * chose, and each counter goes through a rate over Grafana's own interval, which never falls between two scrapes.
 */

/** A label must equal a value, or match a pattern that is given as `=~pattern`, `!~pattern` or `!=value`. */
export type Matchers = Readonly<Record<string, string>>;

const chosen: Matchers = { job: '=~$job', instance: '=~$instance' };

/** The series of this metric that match, of whatever job. */
export function anySeries(metric: string, matchers: Matchers): string {
  const parts = Object.entries(matchers).map(([label, wanted]) => {
    const [, operator = '=', value = wanted] = /^(=~|!~|!=)(.*)$/.exec(wanted) ?? [];
    return `${label}${operator}"${value}"`;
  });
  return `${metric}{${parts.join(',')}}`;
}

/** The series of this metric that the chosen servers expose. */
export const series = (metric: string, matchers: Matchers = {}) =>
  anySeries(metric, { ...chosen, ...matchers });

/** `sum by (a, b) (expression)`; without labels a single sum. */
export const sumBy = (labels: string, expression: string) =>
  `sum${labels && ` by (${labels})`} (${expression})`;
export const maxBy = (labels: string, expression: string) =>
  `max${labels && ` by (${labels})`} (${expression})`;

/** Events per second of a counter, summed by these labels. */
export const rate = (counter: string, labels = '', matchers: Matchers = {}) =>
  sumBy(labels, `rate(${series(counter, matchers)}[$__rate_interval])`);

/** How often a counter went up within the panel's step, summed by these labels. */
export const increase = (counter: string, labels = '', matchers: Matchers = {}) =>
  sumBy(labels, `increase(${series(counter, matchers)}[$__rate_interval])`);

/** A quantile of a classic histogram over all chosen servers, by these labels. */
export const quantile = (q: number, histogram: string, labels = '', matchers: Matchers = {}) =>
  `histogram_quantile(${q}, ${rate(`${histogram}_bucket`, labels ? `le, ${labels}` : 'le', matchers)})`;

/** A share; empty instead of 0/0 while nothing happens. */
export const ratio = (part: string, whole: string) => `${part} / (${whole} > 0)`;

/** Figures of a process that are a worker's; exporters have metrics of the same names. */
export const ofWorkers: Matchers = { worker: '=~.+' };
