/** Whether a run may be believed: a broken target is not fast, and a generator at its end measures itself. */
import type { Run } from '../lab/result.ts';
import { count, decimal } from './text.ts';

export type State = 'valid' | 'void' | 'broken';

export interface Judgement {
  readonly state: State;
  /** A sentence with figures for each; none when valid. */
  readonly reasons: readonly string[];
}

/** Scenarios that drive a target to where it fails, or take away what it needs. */
const scenariosOfFailure: ReadonlySet<string> = new Set(['breakpoint', 'redis-down']);
const failedShareAllowed = 0.01;
const generatorShareAllowed = 0.9;

/**
 * `broken`: it answered wrongly, or did not answer, so that its times are those of errors. `void`: it was not asked as
 * it was to be, so that response times and throughput are not compared; work per page view still is.
 */
export function judgeRun(run: Run, scenario: string): Judgement {
  const faults = faultsOf(run, scenario);
  if (faults.length > 0) return { state: 'broken', reasons: faults };
  const limits = limitsOf(run, scenario);
  return { state: limits.length > 0 ? 'void' : 'valid', reasons: limits };
}

function faultsOf(run: Run, scenario: string): string[] {
  const { faults, wrongPages, wrongAnswers, requests, failedRequests } = run;
  const reasons = [...faults];
  if (wrongPages.length > 0) {
    const [first = ''] = wrongPages;
    const differed = wrongPages.length === 1 ? '1 page was' : `${count(wrongPages.length)} pages were`;
    reasons.push(`${differed} not as the database has it, such as: ${first.replace(/\.?$/, '.')}`);
  }
  if (wrongAnswers > 0)
    reasons.push(
      `${count(wrongAnswers)} of ${count(requests)} answers held something else than was asked for.`,
    );
  if (requests === 0) reasons.push('0 requests were made.');
  else if (failedRequests > failedShareAllowed * requests && !scenariosOfFailure.has(scenario))
    reasons.push(
      `${count(failedRequests)} of ${count(requests)} requests failed, ${decimal((100 * failedRequests) / requests)} %.`,
    );
  return reasons;
}

function limitsOf(
  { droppedIterations, generatorCpuSeconds, seconds, generatorCores }: Run,
  scenario: string,
): string[] {
  const reasons: string[] = [];
  // Who waits for a server that broke has no user left either.
  if (droppedIterations > 0 && scenario !== 'breakpoint')
    reasons.push(`The generator could not begin ${count(droppedIterations)} iterations.`);
  const share = generatorCpuSeconds / seconds / generatorCores;
  if (share > generatorShareAllowed)
    reasons.push(
      `The generator used ${decimal(100 * share)} % of its ${generatorCores === 1 ? 'core' : `${count(generatorCores)} cores`}.`,
    );
  return reasons;
}
