/** Whether what is promised for an overload was kept, step by step. */
import type { Pass, Result, Step } from './result.ts';

export interface Verdict {
  /** `void`: the generator was late, and what it timed is its own. */
  readonly state: 'held' | 'broken' | 'void';
  readonly promise: string;
  /** What it came to, and where. */
  readonly found: string;
}

/** The most that a request waits for its turn to read, by the design of the queue. */
export const queueDeadlineMs = 500;
export const refusedWithinMs = 50;
const goodputShare = 0.9;
export const hitsFactor = 2;
const recoveredWithinMs = 2000;
/** Of a hundred requests one may be sent as late as this; beside the bounds in which answers are promised it is little. */
const lateAllowedMs = 10;
/** A thread that is busier is late sooner or later. */
const coresAllowed = 0.9;
/** Reading a page takes a few milliseconds beside its delay. */
const readsFactor = 2;
const warmShareAllowed = 0.01;

/**
 * A sentence for each reason why times say nothing, those of this pass or, where none is named, of any. None when they
 * do.
 */
export function voidReasons({ passes, unloaded, lonelyReadMs, readDelayMs }: Result, pass?: Pass): string[] {
  const general = [
    ...(lonelyReadMs.p50 > readsFactor * readDelayMs
      ? [
          `Reading a page took ${ms(lonelyReadMs.p50)} without load: the machine was busy with something else.`,
        ]
      : []),
    ...generatorReasons('before the load', unloaded),
  ];
  return [
    ...general,
    ...(pass ? [pass] : passes).flatMap((one) =>
      stepsOf(one).flatMap((step) => [
        ...generatorReasons(nameOf(one, step), step),
        ...(step.warmPages > warmShareAllowed * step.requestsPerSecond * step.seconds
          ? [`${step.warmPages} of the cold pages were in memory ${nameOf(one, step)}.`]
          : []),
      ]),
    ),
  ];
}

const generatorReasons = (
  name: string,
  { lateMs, generatorCores }: Pick<Step, 'lateMs' | 'generatorCores'>,
) => [
  ...(lateMs !== null && lateMs.p99 > lateAllowedMs
    ? [`The generator was late ${name}: p99 ${ms(lateMs.p99)}, ${ms(lateAllowedMs)} are allowed.`]
    : []),
  ...(generatorCores > coresAllowed
    ? [`The generator used ${percent(generatorCores)} of a core ${name}.`]
    : []),
];

/** For each pass each promise. Promises about times are void in a pass whose times say nothing. */
export const judge = (result: Result): Verdict[] =>
  result.passes.flatMap((pass) => {
    const isVoid = voidReasons(result, pass).length > 0;
    return promisesOf(pass, result).map(({ promise, isHeld, found, isOfTimes }) => ({
      state: isOfTimes && isVoid ? 'void' : isHeld ? 'held' : 'broken',
      promise: `${promise}, ${refusedText[pass.refused]}`,
      found,
    }));
  });

export const refusedText = {
  'give up': 'refused clients give up',
  retry: 'refused clients retry',
} as const satisfies Record<Pass['refused'], string>;

interface Finding {
  readonly promise: string;
  readonly isHeld: boolean;
  readonly found: string;
  readonly isOfTimes: boolean;
}

function promisesOf(pass: Pass, { unloaded }: Result): Finding[] {
  const all = stepsOf(pass);
  const [first] = pass.steps;
  const last = pass.steps.at(-1);
  if (first === undefined || last === undefined) return [];
  const peak = most(pass.steps, ({ goodputPerSecond }) => goodputPerSecond);
  const admittedWithinMs = queueDeadlineMs + (first.admittedMs?.p99 ?? 0);
  const admitted = most(all, ({ admittedMs }) => admittedMs?.p99 ?? 0);
  const refused = most(all, ({ refusedMs }) => refusedMs?.p99 ?? 0);
  const hit = most(all, ({ hits }) => hits.ms?.p99 ?? 0);
  const hitsWithinMs = hitsFactor * (unloaded.hits.ms?.p99 ?? 0);
  const hits = all.reduce((sum, step) => sum + step.hits.requests, 0);
  const failedHits = all.reduce((sum, step) => sum + step.hits.failed, 0);
  const others = otherOutcomes(all);
  const at = (step: Step) => `at ${loadText(step.load)}`;
  return [
    {
      promise: `goodput at ${loadText(last.load)} is at least ${goodputShare} of its peak`,
      isHeld: last.goodputPerSecond >= goodputShare * peak.goodputPerSecond,
      found: `${(last.goodputPerSecond / peak.goodputPerSecond).toFixed(2)} of ${rate(peak.goodputPerSecond)} ${at(peak)}`,
      isOfTimes: true,
    },
    {
      promise: `p99 of what is admitted is at most ${ms(queueDeadlineMs)} above that at ${loadText(first.load)}`,
      isHeld: (admitted.admittedMs?.p99 ?? 0) <= admittedWithinMs,
      found: `${ms(admitted.admittedMs?.p99 ?? 0)} ${at(admitted)}, ${ms(admittedWithinMs)} are allowed`,
      isOfTimes: true,
    },
    {
      promise: `p99 of refusals is at most ${ms(refusedWithinMs)}`,
      isHeld: (refused.refusedMs?.p99 ?? 0) <= refusedWithinMs,
      found:
        refused.refusedMs === null ? 'nothing was refused' : `${ms(refused.refusedMs.p99)} ${at(refused)}`,
      isOfTimes: true,
    },
    {
      promise: 'every page in memory comes',
      isHeld: failedHits === 0,
      found: `${failedHits} of ${hits} did not`,
      isOfTimes: false,
    },
    {
      promise: `p99 of pages in memory is at most ${hitsFactor} times what it is without load`,
      isHeld: (hit.hits.ms?.p99 ?? 0) <= hitsWithinMs,
      found: `${ms(hit.hits.ms?.p99 ?? 0)} ${at(hit)}, ${ms(hitsWithinMs)} are allowed`,
      isOfTimes: true,
    },
    {
      promise: `all is normal within ${ms(recoveredWithinMs)} of the step down`,
      isHeld: pass.recoveryMs !== null && pass.recoveryMs <= recoveredWithinMs,
      found: pass.recoveryMs === null ? 'it was not before the end' : `after ${ms(pass.recoveryMs)}`,
      isOfTimes: true,
    },
    {
      promise: 'the only statuses are 200 and 503',
      isHeld: others.size === 0,
      found:
        others.size === 0
          ? 'there was no other'
          : [...others].map(([name, count]) => `${count} times ${name}`).join(', '),
      isOfTimes: false,
    },
  ];
}

const stepsOf = ({ steps, stepDown }: Pass) => [...steps, stepDown];

const nameOf = (pass: Pass, step: Step) =>
  `${step === pass.stepDown ? 'after the step down' : `at ${loadText(step.load)}`} when ${refusedText[pass.refused]}`;

/** The first of the steps with the most. Throws on no steps. */
function most(steps: readonly Step[], of: (step: Step) => number): Step {
  return steps.reduce((found, step) => (of(step) > of(found) ? step : found));
}

function otherOutcomes(steps: readonly Step[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const step of steps)
    for (const [name, count] of Object.entries(step.otherOutcomes))
      counts.set(name, (counts.get(name) ?? 0) + count);
  return counts;
}

const ms = (value: number) => `${value < 100 ? Number(value.toFixed(1)) : Math.round(value)} ms`;
const rate = (perSecond: number) => `${perSecond.toFixed(0)}/s`;
const percent = (share: number) => `${(100 * share).toFixed(0)} %`;
export const loadText = (load: number): string => `${load}×`;
