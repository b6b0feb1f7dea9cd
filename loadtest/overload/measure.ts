/** One run, from an empty folder to its result. */
import { cpus } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { Obstacle } from '../../local/obstacle.js';
import { machineConditions } from '../bench/conditions.ts';
import { cpuTimeNs } from '../bench/cpu-time.ts';
import { type OpenLoop, type Outcome, startOpenLoop } from '../open-loop.ts';
import type { Host } from '../provers/hosts.ts';
import { type Random, seededRandom } from '../provers/random.ts';
import type { Belongings } from '../services/belongings.ts';
import { inTurn, startClients, timeoutMs } from './clients.ts';
import { startHits } from './hits.ts';
import type { Options } from './options.ts';
import { type Arrival, recoveryMs } from './recovery.ts';
import type { Latencies, Pass, Refused, Result, Step } from './result.ts';
import { type Stage, serverSettings, setStage } from './stage.ts';
import { createTally, isFromMemory, isRefusal, latenciesOf, type Tally } from './tally.ts';

const loads = [0.5, 1, 2, 5, 10];
const downLoad = 0.5;
const hitsPerSecond = 200;
const retries = 3;
const retryAfterMs = 100;
/** Four for each connection to Postgres, so that none is ever without work. */
const requestsUnderWay = 16;
const longestCapacitySeconds = 5;
const lonelyReads = 50;
/** The step down is looked at for so long, at least. */
const leastDownSeconds = 5;

export async function measure(
  options: Options,
  belongings: Belongings,
  say: (line: string) => void,
): Promise<Result> {
  const { seconds, seed, products, readDelayMs } = options;
  const random = seededRandom(seed);
  say('Making a database and starting a server.');
  const stage = await setStage(belongings, options);
  const nextCold = inTurn(random, stage.cold);
  const lonelyReadMs = await readOneByOne(stage.url, nextCold, readDelayMs);
  const capacityPerSecond = await capacityOf(stage.url, nextCold, Math.min(seconds, longestCapacitySeconds));
  say(`Its capacity is ${capacityPerSecond.toFixed(0)} pages/s.`);

  const watch = createWatch(stage.host);
  const hits = startHits(
    { url: stage.url, paths: stage.hot, ratePerSecond: hitsPerSecond, seed },
    (outcome) => watch.tallyAt(outcome.plannedAtMs)?.hit(outcome),
  );
  // What the first requests take says nothing of those that follow.
  await delay(Math.min(1000, seconds * 250));
  const before = watch.begin();
  await delay(seconds * 1000);
  const endBefore = before.end();
  const passes: Pass[] = [];
  for (const refused of ['give up', 'retry'] as const)
    passes.push(
      await measurePass({ refused, stage, nextCold, random, seconds, capacityPerSecond, watch, say }),
    );
  await hits.stop();
  const { ends, complaint } = stage.host;
  await stage.host.stop();
  if (ends > 0) throw new Error(`The server ended meanwhile: ${complaint.trim() || 'it said nothing'}`);
  return {
    conditions: {
      ...machineConditions(),
      products,
      seconds,
      seed,
      hitsPerSecond,
      hotPages: stage.hot.length,
      coldPages: stage.cold.length,
      retries,
      retryAfterMs,
      settings: { ...serverSettings, ...options.settings },
    },
    readDelayMs,
    capacityPerSecond,
    lonelyReadMs,
    unloaded: endBefore(),
    passes,
  };
}

interface PassOptions {
  readonly refused: Refused;
  readonly stage: Stage;
  readonly nextCold: () => string;
  readonly random: Random;
  readonly seconds: number;
  readonly capacityPerSecond: number;
  readonly watch: Watch;
  readonly say: (line: string) => void;
}

async function measurePass(options: PassOptions): Promise<Pass> {
  const { refused, stage, nextCold, random, seconds, capacityPerSecond, watch, say } = options;
  /** Retries that are due, by their pages; a page is not asked for anew before they are over. */
  const tries = new Map<string, number>();
  const arrivals: { plannedAtMs: number; latencyMs: number | undefined }[] = [];
  let keepsArrivals = false;

  function onOutcome(outcome: Outcome): void {
    const { target, plannedAtMs, latencyMs, status } = outcome;
    const tried = tries.get(target) ?? 0;
    watch.tallyAt(plannedAtMs)?.cold(outcome, tried > 0);
    if (keepsArrivals) arrivals.push({ plannedAtMs, latencyMs: status === 200 ? latencyMs : undefined });
    if (refused === 'retry' && isRefusal(outcome) && tried < retries) {
      tries.set(target, tried + 1);
      clients.sendAfter(retryAfterMs, target);
    } else tries.delete(target);
  }

  const clients = startClients({ url: stage.url, ratePerSecond: 0, nextTarget: nextCold, random, onOutcome });
  const ended: (() => Step)[] = [];
  const run = async (load: number, forSeconds: number) => {
    const step = watch.begin(load);
    clients.setRate(load * capacityPerSecond);
    await delay(forSeconds * 1000);
    ended.push(step.end());
    return step.beganAtMs;
  };
  for (const load of loads) {
    say(`${load} times that, and those who are refused ${refused}.`);
    await run(load, seconds);
  }
  keepsArrivals = true;
  const downSeconds = Math.max(leastDownSeconds, seconds);
  const downAtMs = await run(downLoad, downSeconds);
  await clients.stop();
  const [first, ...others] = ended.map((step) => step());
  const stepDown = others.pop();
  if (first === undefined || stepDown === undefined) throw new Error('No step was made.');
  const normalMs = 2 * (first.admittedMs?.p99 ?? 0);
  const after: Arrival[] = arrivals
    .filter(({ plannedAtMs }) => plannedAtMs >= downAtMs)
    .map(({ plannedAtMs, latencyMs }) => ({ afterMs: plannedAtMs - downAtMs, latencyMs }));
  return {
    refused,
    steps: [first, ...others],
    stepDown,
    recoveryMs: recoveryMs(after, normalMs, downSeconds * 1000),
  };
}

interface Watch {
  /** Of the step in which a request was due; undefined between steps. */
  tallyAt(plannedAtMs: number): Tally | undefined;
  /** Ends with the figures, to be asked for when the last outcome is in. */
  begin(load?: number): { readonly beganAtMs: number; end(): () => Step };
}

function createWatch(host: Host): Watch {
  let steps: { readonly fromMs: number; untilMs: number; readonly tally: Tally }[] = [];
  return {
    tallyAt: (plannedAtMs) =>
      steps.findLast(({ fromMs, untilMs }) => plannedAtMs >= fromMs && plannedAtMs < untilMs)?.tally,
    begin(load = 0) {
      const tally = createTally();
      const step = { fromMs: performance.now(), untilMs: Number.POSITIVE_INFINITY, tally };
      // What is due in an earlier one has its outcome within the time in which it is given up.
      steps = [...steps.filter(({ untilMs }) => untilMs > step.fromMs - 2 * timeoutMs), step];
      const cpuBefore = process.cpuUsage();
      const busyBeforeMs = busyCpuMs();
      const serverBeforeMs = serverCpuMs(host);
      return {
        beganAtMs: step.fromMs,
        end() {
          step.untilMs = performance.now();
          const durationMs = step.untilMs - step.fromMs;
          const { user, system } = process.cpuUsage(cpuBefore);
          const generatorCores = (user + system) / 1000 / durationMs;
          const busyCores = (busyCpuMs() - busyBeforeMs) / durationMs;
          const serverAfterMs = serverCpuMs(host);
          const serverCores =
            serverBeforeMs === null || serverAfterMs === null
              ? null
              : (serverAfterMs - serverBeforeMs) / durationMs;
          return () => ({
            load,
            ...tally.figures(durationMs / 1000),
            generatorCores,
            serverCores,
            busyCores,
          });
        },
      };
    },
  };
}

/** Null on a system that does not tell, and while a process of the server ends. */
function serverCpuMs({ primary, workers }: Host): number | null {
  try {
    return cpuTimeNs([...(primary ? [primary] : []), ...workers].map(({ pid }) => pid)) / 1e6;
  } catch {
    return null;
  }
}

/** What all programs of the machine have used so far. */
const busyCpuMs = () =>
  cpus().reduce((sum, { times: { user, nice, sys, irq } }) => sum + user + nice + sys + irq, 0);

/** Rejects with Obstacle when pages do not come, or come without the delay: then there is nothing to measure. */
async function readOneByOne(url: string, nextCold: () => string, readDelayMs: number): Promise<Latencies> {
  const latenciesMs: number[] = [];
  const wrong: string[] = [];
  const done = Promise.withResolvers<void>();
  const loop = startClosedLoop(url, nextCold, 1, (outcome) => {
    const { status, error, latencyMs, lateMs } = outcome;
    if (status !== 200) wrong.push(`${error ?? status}`);
    else if (isFromMemory(outcome)) wrong.push('a hit');
    else latenciesMs.push(latencyMs - lateMs);
    if (wrong.length > 0 || latenciesMs.length === lonelyReads) done.resolve();
  });
  await done.promise;
  await loop.stop();
  if (wrong.length > 0) throw new Obstacle(`A page that is in no cache should come; ${wrong[0]} came.`);
  const latencies = latenciesOf(latenciesMs);
  if (latencies === null || latencies.p50 < readDelayMs)
    throw new Obstacle(
      `Reading a page should take ${readDelayMs} ms at least; it takes ${latencies?.p50.toFixed(1)} ms.`,
    );
  return latencies;
}

/** Pages per second that come when there is always one more to read. */
async function capacityOf(url: string, nextCold: () => string, seconds: number): Promise<number> {
  let pages = 0;
  const loop = startClosedLoop(url, nextCold, requestsUnderWay, (outcome) => {
    if (outcome.status === 200 && !isFromMemory(outcome)) pages++;
  });
  // Connections are opened and statements planned first.
  await delay(1000);
  pages = 0;
  const fromMs = performance.now();
  await delay(seconds * 1000);
  const perSecond = (1000 * pages) / (performance.now() - fromMs);
  await loop.stop();
  if (perSecond === 0) throw new Obstacle('No page that is in no cache came: there is no capacity.');
  return perSecond;
}

/** So many who each ask for the next page when theirs has come. */
function startClosedLoop(
  url: string,
  nextTarget: () => string,
  underWay: number,
  onOutcome: (outcome: Outcome) => void,
): OpenLoop {
  const loop = startOpenLoop({
    url,
    ratePerSecond: 0,
    connections: 'keep-alive',
    nextTarget,
    timeoutMs,
    onOutcome(outcome) {
      onOutcome(outcome);
      loop.sendAfter(0, nextTarget());
    },
  });
  for (let i = 0; i < underWay; i++) loop.sendAfter(0, nextTarget());
  return loop;
}
