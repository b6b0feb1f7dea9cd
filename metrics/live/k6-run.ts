/** For tests: visitors by k6, which tells Prometheus what they see. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findK6 } from '../../loadtest/k6.ts';

const script = fileURLToPath(new URL('../../loadtest/scenarios/page-view.ts', import.meta.url));
const ratePerSecond = 50;

export interface K6Run {
  /** Ends it in order; its last figures are with Prometheus then. */
  stop(): Promise<void>;
}

interface K6Options {
  readonly url: string;
  readonly slugs: readonly string[];
  /** May be up later. */
  readonly prometheusUrl: string;
}

/** Visits pages until it is stopped; undefined where there is no k6. */
export function startK6({ url, slugs, prometheusUrl }: K6Options): K6Run | undefined {
  const k6 = findK6();
  if (k6 === undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'frontshelf-k6-'));
  const productsFile = join(folder, 'products.json');
  // The ids are for servers that know no slugs.
  writeFileSync(productsFile, JSON.stringify(slugs.map((slug) => [0, slug])));
  const variables = {
    URL: url,
    PRODUCTS_FILE: productsFile,
    SUMMARY_FILE: join(folder, 'summary.json'),
    RATE: ratePerSecond,
    DURATION: '1h',
    // Each would be a set of series more.
    SLICE_COUNT: 0,
  };
  const child = spawn(
    k6,
    [
      ...['run', '--quiet', '--no-usage-report', '--address', '', '--tag', 'testid=live'],
      ...['--out', 'experimental-prometheus-rw'],
      ...Object.entries(variables).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
      script,
    ],
    {
      env: {
        ...process.env,
        K6_PROMETHEUS_RW_SERVER_URL: `${prometheusUrl}/api/v1/write`,
        K6_PROMETHEUS_RW_PUSH_INTERVAL: '1s',
        K6_PROMETHEUS_RW_TREND_STATS: 'p(99)',
      },
      stdio: 'ignore',
    },
  );
  const exited = once(child, 'exit');
  return {
    async stop() {
      child.kill('SIGINT');
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
