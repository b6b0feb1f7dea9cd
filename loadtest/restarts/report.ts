import { type Finding, findingText, roundMs } from '../provers/promises.ts';
import type { Result } from './prove.ts';
import type { ScenarioResult } from './scenarios.ts';

export const isKept = ({ scenarios }: Result): boolean =>
  scenarios.every(({ findings }) => findings.every((finding: Finding) => finding.isKept));

const shown = (name: string, value: number) =>
  name.endsWith('Ms') ? `${name.slice(0, -2)} ${roundMs(value)}` : `${name} ${value}`;

function scenarioLines({ name, skipped, load, events = [], findings }: ScenarioResult): string[] {
  if (skipped !== undefined) return ['', name, `  not tried: ${skipped}`];
  return [
    '',
    name,
    ...(load
      ? [
          `  ${load.requests} requests: p50 ${roundMs(load.p50Ms)}, p99 ${roundMs(load.p99Ms)}, slowest ${roundMs(load.slowestMs)}, ${load.slow} slower than 1 s; sent late by ${roundMs(load.lateP99Ms)} (p99)`,
          ...Object.entries(load.outcomes).map(([outcome, count]) => `  ${outcome.padEnd(30)}${count}`),
        ]
      : []),
    ...events.map(
      (event) =>
        `  ${Object.entries(event)
          .map(([key, value]) => shown(key, value))
          .join(', ')}`,
    ),
    ...findings.map((finding) => `  ${findingText(finding)}`),
  ];
}

export function reportText(result: Result): string {
  return [
    '',
    ...Object.entries(result.conditions).map(
      ([name, value]) => `${name.padEnd(20)}${typeof value === 'string' ? value : JSON.stringify(value)}`,
    ),
    ...result.scenarios.flatMap(scenarioLines),
    '',
    isKept(result) ? 'Every promise was kept.' : 'A promise was broken.',
  ].join('\n');
}
