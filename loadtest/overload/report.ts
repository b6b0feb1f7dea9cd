/** A result as text for a terminal. */
import { judge, loadText, refusedText, voidReasons } from './judge.ts';
import type { Latencies, Pass, Result, Step } from './result.ts';

export function reportText(result: Result): string {
  const { capacityPerSecond, lonelyReadMs, unloaded, passes } = result;
  const reasons = voidReasons(result);
  return [
    `Capacity: ${capacityPerSecond.toFixed(0)} cold pages/s; one asked for alone took ${times(lonelyReadMs)} ms (p50 / p99).`,
    `Pages in memory without other load: ${times(unloaded.hits.ms)} ms (p50 / p99); the generator was late by ${times(unloaded.lateMs)} ms.`,
    ...passes.flatMap((pass) => ['', ...passText(pass)]),
    '',
    ...judge(result).map(({ state, promise, found }) => `${states[state]}  ${promise}: ${found}`),
    ...(reasons.length > 0 ? ['', 'What is void was not timed as it was to be:', ...reasons] : []),
  ].join('\n');
}

const states = { held: 'held  ', broken: 'BROKEN', void: 'void  ' };

const columns: readonly (readonly [heading: string, of: (step: Step) => string])[] = [
  ['offered/s', ({ offeredPerSecond }) => offeredPerSecond.toFixed(0)],
  ['requests/s', ({ requestsPerSecond }) => requestsPerSecond.toFixed(0)],
  ['goodput/s', ({ goodputPerSecond }) => goodputPerSecond.toFixed(1)],
  ['refused/s', ({ refusalsPerSecond }) => refusalsPerSecond.toFixed(1)],
  ['admitted ms', ({ admittedMs }) => times(admittedMs, true)],
  ['refused ms', ({ refusedMs }) => times(refusedMs)],
  ['hits', ({ hits }) => `${hits.requests - hits.failed} of ${hits.requests}`],
  ['hits ms', ({ hits }) => times(hits.ms)],
  ['late ms', ({ lateMs }) => times(lateMs)],
  ['generator', ({ generatorCores }) => generatorCores.toFixed(2)],
  ['server', ({ serverCores }) => serverCores?.toFixed(2) ?? '–'],
  ['all', ({ busyCores }) => busyCores.toFixed(2)],
];

function passText({ refused, steps, stepDown, recoveryMs }: Pass): string[] {
  const rows = [
    ['load', ...columns.map(([heading]) => heading)],
    ...steps.map((step) => [loadText(step.load), ...columns.map(([, of]) => of(step))]),
    [`then ${loadText(stepDown.load)}`, ...columns.map(([, of]) => of(stepDown))],
  ];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return [
    `When ${refusedText[refused]} (ms: p50 / p99, admitted also the most; generator, server, all: cores):`,
    ...rows.map((row) => row.map((cell, column) => cell.padStart(widths[column] ?? 0)).join('  ')),
    recoveryMs === null
      ? 'After the step down it was not normal again before the end.'
      : `It was normal ${recoveryMs} ms after the step down.`,
  ];
}

function times(latencies: Latencies | null, withMost = false): string {
  if (latencies === null) return '–';
  const { p50, p99, max } = latencies;
  return [p50, p99, ...(withMost ? [max] : [])].map((value) => value.toFixed(value < 10 ? 1 : 0)).join(' / ');
}
