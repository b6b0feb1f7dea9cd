import type { RoundResult } from './generator.ts';
import type { Spread } from './statistics.ts';

/** The figures of one side in one round. */
export interface Figures {
  readonly cpuMicrosPerRequest: number;
  readonly requestsPerSecond: number;
  readonly requests: number;
  /** CPU used, in cores. */
  readonly serverCores: number;
  readonly generatorCores: number;
}

export const figures = (result: RoundResult): Figures => ({
  cpuMicrosPerRequest: result.serverCpuNs / 1000 / result.requests,
  requestsPerSecond: result.requests / (result.wallNs / 1e9),
  requests: result.requests,
  serverCores: result.serverCpuNs / result.wallNs,
  generatorCores: result.generatorCpuNs / result.wallNs,
});

/** Lines of one name and one value. */
export const conditionsTable = (conditions: Readonly<Record<string, unknown>>) =>
  Object.entries(conditions)
    .map(([name, value]) => `${name.padEnd(26)}${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('\n');

const row = (...[first = '', ...others]: string[]) =>
  first.padEnd(8) + others.map((cell) => cell.padStart(16)).join('');

export const tableHead = (a: string, b: string) =>
  [
    `Each pair of figures is ${a}, ${b}.`,
    row('round', 'µs/request', 'ratio', 'requests/s', 'requests', 'server cores', 'generator cores'),
  ].join('\n');

export function tableRow(round: string, a: Figures, b: Figures): string {
  const pair = (of: (side: Figures) => number, digits: number) =>
    `${of(a).toFixed(digits)} ${of(b).toFixed(digits)}`;
  return row(
    round,
    pair((side) => side.cpuMicrosPerRequest, 2),
    (a.cpuMicrosPerRequest / b.cpuMicrosPerRequest).toFixed(3),
    pair((side) => side.requestsPerSecond, 0),
    pair((side) => side.requests, 0),
    pair((side) => side.serverCores, 2),
    pair((side) => side.generatorCores, 2),
  );
}

/** "1.10 (1.08–1.13)": the median, and the extremes. */
export const shown = ({ median, min, max }: Spread, digits: number) =>
  `${median.toFixed(digits)} (${min.toFixed(digits)}–${max.toFixed(digits)})`;
