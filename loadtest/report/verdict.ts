/** What a result says, in sentences; those about targets that are broken come first, and say nothing else of them. */
import type { Result } from '../lab/result.ts';
import { type Row, ratioOf, rowsOf, sizesOf, spreadOf } from './figures.ts';
import { count, decimal, sizeText, withExtremes } from './text.ts';

/** The one that others are compared with, where it was measured and is not broken. */
const preferredReference = 'frontshelf';

/** What is not to be believed, and then what is left to compare. */
export const verdict = (result: Result): string[] => [...complaints(result), ...comparisons(result)];

/** A sentence for each target at each size that is broken or, after these, void. */
export function complaints(result: Result): string[] {
  const rows = rowsOf(result);
  return [...rows.filter(({ state }) => state === 'broken').map(brokenText), ...rows.flatMap(voidText)];
}

/** Size by size, the targets that are not broken, from the least server CPU per page view up. */
export function comparisons(result: Result): string[] {
  const rows = rowsOf(result).filter(({ state }) => state !== 'broken');
  return sizesOf(result.runs).flatMap((size) => {
    const compared = rows.filter((row) => row.size.name === size.name);
    const reference = referenceOf(compared);
    const scenario = result.scenario.name;
    return compared
      .toSorted((a, b) => cpuOf(a) - cpuOf(b))
      .map((row) =>
        [
          cpuText(row, reference),
          timeText(row, reference),
          errorText(row),
          ...breakpointText(row, scenario),
        ].join(' '),
      );
  });
}

/** Undefined when all are broken. */
const referenceOf = (compared: readonly Row[]): Row | undefined =>
  compared.find(({ target }) => target === preferredReference) ?? compared[0];

const cpuOf = ({ figures }: Row) => figures.serverCpuMs?.median ?? Number.POSITIVE_INFINITY;

const brokenText = ({ target, size, reasons }: Row) =>
  `${target} is broken at ${size.name}, and its times are no result: ${reasons.join(' ')}`;

function voidText({ target, size, state, reasons, runs, timedRuns }: Row): string[] {
  if (state === 'broken' || reasons.length === 0) return [];
  const rounds = runs.length === 1 ? '' : ` in ${runs.length - timedRuns.length} of ${runs.length} rounds`;
  return [
    `${target} is void at ${size.name}${rounds}: its response times and throughput there are not compared, its CPU per page view is. ${reasons.join(' ')}`,
  ];
}

function cpuText(row: Row, reference: Row | undefined): string {
  const { target, size, figures } = row;
  const at = `At ${size.name} ${target}`;
  if (figures.serverCpuMs === undefined) return `${at} served no page view.`;
  const needs = `${at} needs ${decimal(figures.serverCpuMs.median)} ms of server CPU per page view`;
  if (reference === undefined || reference === row) return `${needs}.`;
  const ratio = ratioOf('serverCpuMs', row, reference);
  return ratio === undefined
    ? `${needs}.`
    : `${needs}, ${withExtremes(ratio)} times as much as ${reference.target}.`;
}

function timeText(row: Row, reference: Row | undefined): string {
  const { avgMs, pageViewAvgMs, pageViewsPerSecond, requestsPerSecond } = row.figures;
  if (!avgMs || !pageViewAvgMs || !pageViewsPerSecond || !requestsPerSecond)
    return 'No valid round has its response times.';
  const ratio = reference && reference !== row ? ratioOf('pageViewAvgMs', row, reference) : undefined;
  const compared = ratio && reference ? `, ${withExtremes(ratio)} times that of ${reference.target}` : '';
  const served = `it served ${decimal(pageViewsPerSecond.median)} page views/s`;
  const pageView = `${decimal(pageViewAvgMs.median)} ms`;
  // Where a page view is one request, the two are one figure.
  if (row.runs.every(({ requests, pageViews }) => requests === pageViews))
    return `A response, and with it a page view, took ${pageView} on average${compared}; ${served}.`;
  return `A response took ${decimal(avgMs.median)} ms on average and a page view ${pageView}${compared}; ${served} in ${decimal(requestsPerSecond.median)} requests/s.`;
}

function errorText({ runs }: Row): string {
  const requests = runs.reduce((sum, run) => sum + run.requests, 0);
  const failed = runs.reduce((sum, run) => sum + run.failedRequests, 0);
  return `${count(failed)} of ${count(requests)} requests failed.`;
}

function breakpointText({ timedRuns }: Row, scenario: string): string[] {
  const rate = spreadOf(timedRuns.flatMap(({ extra }) => extra.breakpointPerSecond ?? []));
  if (scenario !== 'breakpoint' || rate === undefined) return [];
  return [`It held its bounds up to ${withExtremes(rate)} page views/s.`];
}

/** How the figures of several rounds were put together. */
export function methodText({ runs }: Result): string {
  const rounds = new Set(runs.map(({ round }) => round)).size;
  if (rounds === 1)
    return 'One round: there is no spread, and a difference below some tens of per cent may be the machine.';
  return `Each figure is the median of ${rounds} rounds, with the extremes in parentheses. No percentile is averaged: a p99 here is the median of the rounds' own p99. Ratios are made within a round, where targets took turns, and then the median is taken.`;
}

export const sizesText = ({ runs }: Result): string => sizesOf(runs).map(sizeText).join('; ');
