/** What a result says, in sentences; those about targets that are broken come first, and say nothing else of them. */
import { spread } from '../bench/statistics.ts';
import type { Result } from '../lab/result.ts';
import { type Row, ratioOf, rowsOf, sizesOf } from './figures.ts';
import { count, decimal, sizeText, withExtremes } from './text.ts';

/** The one that others are compared with, where it was measured and is not broken. */
const preferredReference = 'frontshelf';

/** Broken ones, void ones, then each size with its targets from the least server CPU per page view up. */
export function verdict(result: Result): string[] {
  const rows = rowsOf(result);
  const rounds = new Set(result.runs.map(({ round }) => round)).size;
  return [
    ...rows.filter(({ state }) => state === 'broken').map(brokenText),
    ...rows.flatMap((row) => voidText(row)),
    ...sizesOf(result.runs).flatMap((size) => {
      const compared = rows.filter((row) => row.size.name === size.name && row.state !== 'broken');
      const reference = referenceOf(compared);
      return compared
        .toSorted((a, b) => cpuOf(a) - cpuOf(b))
        .map((row) =>
          [
            cpuText(row, reference, result.scenario.name, rounds),
            timeText(row, reference, result.scenario.name),
            errorText(row),
            ...breakpointText(row, result.scenario.name),
          ].join(' '),
        );
    }),
  ];
}

/** Undefined when all are broken. */
export const referenceOf = (compared: readonly Row[]): Row | undefined =>
  compared.find(({ target }) => target === preferredReference) ?? compared[0];

const cpuOf = ({ figures }: Row) => figures.serverCpuMs?.median ?? Number.POSITIVE_INFINITY;

const brokenText = ({ target, size, reasons }: Row) =>
  `${target} is broken at ${size.name}, and its times are no result: ${reasons.join(' ')}`;

function voidText({ target, size, state, reasons, runs }: Row): string[] {
  if (state === 'broken' || reasons.length === 0) return [];
  const which =
    state === 'void' ? (runs.length === 1 ? 'is void' : 'is void in all rounds') : 'is void in some rounds';
  return [
    `${target} ${which} at ${size.name}; there its response times and throughput are not compared, its CPU per page view is: ${reasons.join(' ')}`,
  ];
}

function cpuText(row: Row, reference: Row | undefined, scenario: string, rounds: number): string {
  const { target, size, figures } = row;
  const at = `At ${size.name} ${target}`;
  if (figures.serverCpuMs === undefined) return `${at} served no page view.`;
  const needs = `${at} needs ${decimal(figures.serverCpuMs.median)} ms of server CPU per page view`;
  const ratio = reference && reference !== row ? ratioOf('serverCpuMs', row, reference, scenario) : undefined;
  if (ratio === undefined || reference === undefined) return `${needs}.`;
  const range =
    rounds === 1 ? 'one round' : `median of ${rounds} rounds, ${decimal(ratio.min)}–${decimal(ratio.max)}`;
  return `${needs}, ${decimal(ratio.median)} times as much as ${reference.target} (${range}).`;
}

function timeText(row: Row, reference: Row | undefined, scenario: string): string {
  const { avgMs, pageViewAvgMs, pageViewsPerSecond, requestsPerSecond } = row.figures;
  if (!avgMs || !pageViewAvgMs || !pageViewsPerSecond || !requestsPerSecond)
    return 'No valid round has its times.';
  const ratio =
    reference && reference !== row ? ratioOf('pageViewAvgMs', row, reference, scenario) : undefined;
  const compared = ratio && reference ? `, ${withExtremes(ratio)} times that of ${reference.target}` : '';
  return `A response took ${decimal(avgMs.median)} ms on average, a page view ${decimal(pageViewAvgMs.median)} ms${compared}; it served ${decimal(pageViewsPerSecond.median)} page views/s in ${decimal(requestsPerSecond.median)} requests/s.`;
}

function errorText({ runs }: Row): string {
  const requests = runs.reduce((sum, run) => sum + run.requests, 0);
  const failed = runs.reduce((sum, run) => sum + run.failedRequests, 0);
  return `${count(failed)} of ${count(requests)} requests failed.`;
}

function breakpointText({ runs, state }: Row, scenario: string): string[] {
  const rates = runs.flatMap(({ extra }) => extra.breakpointPerSecond ?? []);
  if (scenario !== 'breakpoint' || state !== 'valid' || rates.length === 0) return [];
  return [`It held its bounds up to ${withExtremes(spread(rates))} page views/s.`];
}

/** How the figures of several rounds were put together. */
export function methodText({ runs }: Result): string {
  const rounds = new Set(runs.map(({ round }) => round)).size;
  if (rounds === 1)
    return 'One round: there is no spread, and a difference below some tens of per cent may be the machine.';
  return `Each figure is the median of ${rounds} rounds, with the extremes in parentheses. No percentile is averaged: a p99 here is the median of the rounds' own p99. Ratios are made within a round, where targets took turns, and then the median is taken.`;
}

export const sizesText = ({ runs }: Result): string => sizesOf(runs).map(sizeText).join('; ');
