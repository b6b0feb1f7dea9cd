/** One run: a target started, warmed, compared with the database, loaded by k6, counted and stopped. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Obstacle } from '../../local/obstacle.js';
import { freePort } from '../../local/ports.ts';
import { runK6 } from '../k6.ts';
import { newTestId, remoteWrite } from '../remote-write.ts';
import type { Belongings } from '../services/belongings.ts';
import { parts } from '../targets/parts.ts';
import { type StartedTarget, startTarget } from '../targets/start.ts';
import type { Target } from '../targets/target.ts';
import { companionOf } from './companions.ts';
import { countedRequests } from './counted-requests.ts';
import type { Plan } from './lab.ts';
import { limitTo } from './limits.ts';
import { type Product, wrongPages } from './pages.ts';
import { generatorCores, onGeneratorCore, serverCores } from './placement.ts';
import { cpuSecondsOf, cpuSecondsOfEnded, memoryBytesOf } from './processes.ts';
import type { Run, Size } from './result.ts';
import type { Stage } from './stage.ts';
import { breakpointOf, readSummary } from './summary.ts';
import { coldScenarios, warmUp } from './warm-up.ts';

const defaultPageViewsPerSecond = 20;
const sliceCount = 24;
/** Pages that are compared with the database before and after each run. */
const comparedPages = 8;
const lookEveryMs = 2000;
const complaintsShown = 5;
/** As k6 says that a push took longer than its interval, or failed. */
const isLatePush = /Some samples may be dropped|Failed to send the time series/;
/** Where it is not given. */
const breakpointP99Ms = 50;

interface Measurement {
  readonly plan: Plan;
  readonly stage: Stage;
  readonly products: readonly Product[];
  readonly productsFile: string;
  readonly belongings: Belongings;
  readonly target: Target;
  readonly size: Size;
  readonly round: number;
  readonly say: (line: string) => void;
}

/** Rejects with Obstacle when the target cannot be started; one that breaks afterwards is a result. */
export async function measure(measurement: Measurement): Promise<Run> {
  const { plan, stage, products, belongings, target, size } = measurement;
  const ports = await Promise.all(Array.from({ length: 24 }, () => freePort()));
  const limits = limitTo(size);
  await stage.flushRedis();
  const started = await startTarget(
    target,
    {
      databaseUrl: stage.readerUrl,
      redisUrl: stage.redisUrl,
      workers: Math.max(1, Math.floor(size.cores ?? serverCores)),
      stalenessMs: plan.stalenessMs,
      port: () => ports.pop() ?? 0,
    },
    { wrap: limits.wrap, onSpawn: belongings.onSpawnGroup },
  );
  let run: Run;
  let fault: string | undefined;
  try {
    if (!coldScenarios.has(plan.scenario.name)) await warmUp(started.origin, target.api, products);
    run = await load(measurement, started);
  } finally {
    await started.stop().catch(({ message }: Error) => {
      fault = message;
    });
    limits.remove();
  }
  return fault === undefined ? run : { ...run, faults: [fault] };
}

async function load(
  { plan, stage, products, productsFile, belongings, target, size, round, say }: Measurement,
  { origin, pids, metricsUrl }: StartedTarget,
): Promise<Run> {
  const { scenario, variables, timeScale, prometheus, stalenessMs } = plan;
  const compared = sample(products, comparedPages, round);
  const compare = () => wrongPages(stage.ownerUrl, origin, target.api, compared);
  // A page that is compared is a page that is cached.
  const wrongBefore = scenario.name === 'cold-cache' ? [] : await compare();

  const summaryFile = join(belongings.folder, 'summary.json');
  rmSync(summaryFile, { force: true });
  const complaints: string[] = [];
  const companion = companionOf(scenario.name, { stage, products, timeScale });
  const countedBefore = await countedRequests(metricsUrl);
  const usageBefore = await stage.usage();
  const cpuBefore = cpuSecondsOf(pids);
  const generatorCpuBefore = cpuSecondsOfEnded();
  let peakMemoryBytes = memoryBytesOf(pids);
  const looking = setInterval(() => {
    peakMemoryBytes = Math.max(peakMemoryBytes, memoryBytesOf(pids));
  }, lookEveryMs);
  const startedAtMs = performance.now();
  companion.start();
  try {
    await runK6(
      plan.k6,
      scenario.path,
      {
        ...variables,
        ...(scenario.name === 'page-view' && { RATE: String(pageViewsPerSecond(plan, target)) }),
        URL: origin,
        API: target.api,
        PRODUCTS_FILE: productsFile,
        SUMMARY_FILE: summaryFile,
        TIME_SCALE: String(timeScale),
        SLICE_COUNT: String(sliceCountOf(plan)),
      },
      {
        settings: prometheus
          ? remoteWrite(prometheus, newTestId(`${scenario.name}-${target.name}`, new Date()))
          : {},
        wrap: onGeneratorCore,
        quiet: true,
        complain: (line) => complaints.push(line),
      },
    );
  } finally {
    clearInterval(looking);
  }
  const extra = await companion.stop();
  const seconds = (performance.now() - startedAtMs) / 1000;
  const generatorCpuSeconds = cpuSecondsOfEnded() - generatorCpuBefore;
  // Of one that has ended nothing is known.
  const serverCpuSeconds = Math.max(0, cpuSecondsOf(pids) - cpuBefore);
  const usage = await stage.usage();
  const counted = await countedRequests(metricsUrl);
  // Until whatever was read before the last edit has had its time.
  if (stalenessMs !== null) await delay(2 * stalenessMs);
  const wrongAfter = await compare();
  for (const line of complaints.slice(0, complaintsShown)) say(`    k6: ${line}`);
  if (!existsSync(summaryFile)) throw new Obstacle(`k6 left no result: ${complaints.join('\n')}`);

  const summary = readSummary(readFileSync(summaryFile, 'utf8'));
  const broke =
    scenario.name === 'breakpoint'
      ? breakpointOf(summary.slices, Number(variables.P99_MS ?? breakpointP99Ms))
      : null;
  return {
    target: target.name,
    api: target.api,
    size,
    round,
    ...summary,
    seconds: summary.seconds ?? seconds,
    serverCpuSeconds,
    serverPeakMemoryBytes: peakMemoryBytes,
    postgresCpuSeconds: usage.postgresCpuSeconds - usageBefore.postgresCpuSeconds,
    redisCpuSeconds: Math.max(0, usage.redisCpuSeconds - usageBefore.redisCpuSeconds),
    sqlStatements: usage.sqlStatements - usageBefore.sqlStatements,
    redisCommands: Math.max(0, usage.redisCommands - usageBefore.redisCommands),
    generatorCpuSeconds,
    generatorCores,
    wrongPages: [...wrongBefore, ...wrongAfter],
    faults: [],
    countedByServer: counted === null || countedBefore === null ? null : counted - countedBefore,
    extra: {
      ...extra,
      ...(broke !== null && { breakpointPerSecond: broke / requestsPerView(target) }),
      ...(target.api === 'page' && { pageStatements: usage.pageStatements - usageBefore.pageStatements }),
      ...(prometheus && { latePushes: complaints.filter((line) => isLatePush.test(line)).length }),
    },
  };
}

/** In Prometheus each slice would be a set of series more, each of which lacks its first sample. */
const sliceCountOf = ({ prometheus, scenario }: Plan) =>
  prometheus === undefined || scenario.name === 'breakpoint' ? sliceCount : 0;

/**
 * Of the scenario `page-view`: so many times as many pages where one takes one request, which is as much as k6 can ask for on
 * one core. At the same rate of pages such a server would be idle nearly all the time, and cost what idling and waking up do.
 */
const pagesForAPageOfParts = 2 * parts.length;

const pageViewsPerSecond = ({ variables }: Plan, { api }: Target): number =>
  Number(variables.RATE ?? defaultPageViewsPerSecond) * (api === 'page' ? pagesForAPageOfParts : 1);

const requestsPerView = ({ api }: Target): number => (api === 'page' ? 1 : parts.length);

/** Some from the top and some from all over, others in each round. */
function sample(products: readonly Product[], count: number, round: number): Product[] {
  const step = Math.max(1, Math.floor(products.length / count));
  return Array.from({ length: count }, (_, i) => products[(i * step + round - 1) % products.length]).filter(
    (product) => product !== undefined,
  );
}
