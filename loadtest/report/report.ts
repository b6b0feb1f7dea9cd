/** A result as files: `result.json`, from which all else is made, and `report.html`, which is for people. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Obstacle } from '../../local/obstacle.js';
import type { Result } from '../lab/result.ts';
import { page } from './page.ts';

const resultFile = 'result.json';
const maxJsonBytes = 1e6;

/** Writes both files to a folder that exists. */
export function writeReport(result: Result, folder: string): void {
  const json = resultJson(result);
  writeFileSync(join(folder, resultFile), json);
  writeFileSync(join(folder, 'report.html'), page(result));
}

/** Throws Obstacle when the folder has no result that can be read. */
export function readResult(folder: string): Result {
  const path = join(folder, resultFile);
  let result: unknown;
  try {
    result = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new Obstacle(
      `${path} must be a result of the lab: ${error instanceof Error ? error.message : error}`,
    );
  }
  if (!isResult(result))
    throw new Obstacle(`${path} must be a result of the lab, with "scenario", "conditions" and "runs".`);
  return result;
}

const isResult = (value: unknown): value is Result =>
  typeof value === 'object' &&
  value !== null &&
  'scenario' in value &&
  'conditions' in value &&
  'runs' in value &&
  Array.isArray(value.runs);

/** At most 1 MB, a run a line: of too many rounds, only the first keep their curves, and the conditions say so. */
export function resultJson(result: Result): string {
  const rounds = Math.max(0, ...result.runs.map(({ round }) => round));
  for (let kept = rounds; kept > 0; kept--) {
    const json = textOf(kept === rounds ? result : withoutCurvesAfter(kept, result));
    if (Buffer.byteLength(json) <= maxJsonBytes) return json;
  }
  return textOf(withoutCurvesAfter(0, result));
}

const withoutCurvesAfter = (round: number, result: Result): Result => ({
  ...result,
  conditions: { ...result.conditions, curves: `only of rounds up to ${round}: all would be more than 1 MB` },
  runs: result.runs.map((run) => (run.round > round ? { ...run, slices: [] } : run)),
});

/** Six digits are more than was measured, and counts keep all of theirs. */
const rounded = (_key: string, value: unknown) =>
  typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(6)) : value;

function textOf({ scenario, conditions, runs }: Result): string {
  const head = JSON.stringify({ scenario, conditions }, rounded, 2).slice(0, -2);
  return `${head},\n  "runs": [\n${runs.map((run) => `    ${JSON.stringify(run, rounded)}`).join(',\n')}\n  ]\n}\n`;
}
