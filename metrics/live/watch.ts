/** For tests: a real Prometheus that watches servers with the project's rules, and what it says of them. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findPrometheus, type Prometheus, startPrometheus } from '../../local/prometheus.ts';
import { hastened, readRuleFile, ruleFileNames } from '../prometheus/rule-files.ts';

export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  /** Unix time in seconds. */
  readonly points: readonly (readonly [at: number, value: number])[];
}

interface RuleState {
  readonly name: string;
  readonly health: string;
  readonly lastError?: string;
}

export interface ActiveAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly state: string;
}

export interface Watch extends Prometheus {
  /** Unix time in seconds from which on it has looked. */
  readonly since: number;
  /** Rejects with Prometheus' own reason. */
  ask(expression: string): Promise<Series[]>;
  /** The same from then, `since` unless given, until now. */
  askRange(expression: string, stepSeconds: number, from?: number): Promise<Series[]>;
  rules(): Promise<RuleState[]>;
  /** Those that fire, and those that wait for their time. */
  alerts(): Promise<ActiveAlert[]>;
}

/** Why there can be none, for a test's `skip`; false when there can. */
export const noPrometheus = findPrometheus()
  ? false
  : 'prometheus is not on the PATH; Debian has it in package prometheus';

interface WatchOptions {
  /** For its data; the account that it runs as must be able to enter it. */
  readonly folder: string;
  readonly port: number;
  /** Addresses such as `127.0.0.1:3001`, by job. */
  readonly targets: Readonly<Record<string, readonly string[]>>;
  /** Everything 60 times as fast, and scraped every second instead of every five. */
  readonly isHastened: boolean;
}

export async function startWatch({ folder, port, targets, isHastened }: WatchOptions): Promise<Watch> {
  const program = findPrometheus();
  if (program === undefined) throw new Error('prometheus is not on the PATH.');
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o755);
  const ruleFiles = ruleFileNames.map((name) => {
    if (!isHastened) return fileURLToPath(new URL(`../prometheus/${name}`, import.meta.url));
    const path = join(folder, name);
    writeFileSync(path, JSON.stringify(hastened(readRuleFile(name))));
    return path;
  });
  const config = {
    global: {
      scrape_interval: isHastened ? '1s' : '5s',
      scrape_timeout: '1s',
      evaluation_interval: isHastened ? '1s' : '15s',
    },
    rule_files: ruleFiles,
    scrape_configs: Object.entries(targets).map(([job, addresses]) => ({
      job_name: job,
      static_configs: [{ targets: addresses }],
    })),
  };
  const prometheus = await startPrometheus({ program, config, folder: join(folder, 'prometheus'), port });
  const since = Date.now() / 1000;

  async function get(path: string, parameters: Readonly<Record<string, string>> = {}): Promise<unknown> {
    const response = await fetch(`${prometheus.url}/api/v1/${path}?${new URLSearchParams(parameters)}`);
    const { status, error, data } = Object(await response.json());
    if (status !== 'success') throw new Error(`${error}: ${parameters.query ?? path}`);
    return data;
  }

  return {
    ...prometheus,
    since,
    async ask(query) {
      return seriesOf(await get('query', { query }));
    },
    async askRange(query, stepSeconds, from = since) {
      const [start, end] = [String(from), String(Date.now() / 1000)];
      return seriesOf(await get('query_range', { query, start, end, step: String(stepSeconds) }));
    },
    async rules() {
      const groups: readonly { rules: readonly RuleState[] }[] = Object(await get('rules')).groups;
      return groups.flatMap(({ rules }) => rules);
    },
    async alerts() {
      return Object(await get('alerts')).alerts;
    },
  };
}

type Point = readonly [at: number, value: string];

/** Prometheus' answer of any type as series; a scalar is one without labels. */
function seriesOf(data: unknown): Series[] {
  const { resultType, result } = Object(data);
  if (resultType === 'scalar') return [{ labels: {}, points: points([result]) }];
  return result.map(({ metric, value, values }: Record<'metric' | 'value' | 'values', never>) => ({
    labels: metric,
    points: points(values ?? [value]),
  }));
}

const points = (raw: readonly Point[]) => raw.map(([at, value]) => [at, Number(value)] as const);
