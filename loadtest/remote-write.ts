/**
 * The environment in which k6 also sends its figures to a Prometheus, as the dashboard "Load test" reads them: the
 * series of a test have its `testid`. That Prometheus has to run with --web.enable-remote-write-receiver.
 */
export const remoteWrite = (prometheusUrl: string, testId: string): Readonly<Record<string, string>> => ({
  K6_OUT: 'experimental-prometheus-rw',
  K6_PROMETHEUS_RW_SERVER_URL: new URL('/api/v1/write', prometheusUrl).href,
  // Each figure more is a series more for every set of labels.
  K6_PROMETHEUS_RW_TREND_STATS: 'p(99)',
  K6_TAGS: `testid:${testId}`,
});

/** Tells this run from all others, and when it began: `page-view-20261125T091500Z`. */
export const newTestId = (scenario: string, now: Date): string =>
  `${scenario}-${now.toISOString().replaceAll(/[-:]|\.\d+/g, '')}`;
