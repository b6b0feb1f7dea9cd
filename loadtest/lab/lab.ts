/** A scenario on several targets by turns, each on the same database, and what each run came to. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../../local/ports.ts';
import { machineConditions } from '../bench/conditions.ts';
import { runK6 } from '../k6.ts';
import { newTestId, remoteWrite } from '../remote-write.ts';
import type { Scenario } from '../scenarios.ts';
import type { Belongings } from '../services/belongings.ts';
import { parts } from '../targets/parts.ts';
import { startTarget } from '../targets/start.ts';
import type { Target } from '../targets/target.ts';
import { type Companion, companionOf } from './companions.ts';
import { countedRequests } from './counted-requests.ts';
import { limitTo } from './limits.ts';
import { type Product, readProducts, wrongPages } from './pages.ts';
import { cpuSecondsOf, cpuSecondsOfEnded, memoryBytesOf } from './processes.ts';
import type { Result, Run, Size } from './result.ts';
import { type Stage, setStage } from './stage.ts';
import { breakpointOf, readSummary } from './summary.ts';

export interface Plan {
  readonly scenario: Scenario;
  readonly k6: string;
  readonly targets: readonly Target[];
  readonly sizes: readonly Size[];
  readonly rounds: number;
  readonly products: number;
  readonly timeScale: number;
  /** For the scenario's script, beside those that the lab sets itself. */
  readonly variables: Readonly<Record<string, string>>;
  readonly stalenessMs: number | null;
  readonly prometheus: string | undefined;
}

const defaultPageViewsPerSecond = 20;
const sliceCount = 24;
/** Pages that are compared with the database before and after each run. */
const comparedPages = 8;
const lookEveryMs = 1000;
/** Where it is not given. */
const breakpointP99Ms = 50;

/** Resolves what was measured. `say` hears of each step. Rejects with Obstacle when something cannot be started. */
export async function runLab(
  plan: Plan,
  belongings: Belongings,
  say: (line: string) => void,
): Promise<Result> {
  const { scenario, targets, sizes, rounds } = plan;
  say(`Making a database of ${plan.products} products.`);
  const stage = await setStage(belongings, plan.products);
  const products = await readProducts(stage.ownerUrl);
  const productsFile = join(belongings.folder, 'products.json');
  writeFileSync(productsFile, JSON.stringify(products.map(({ id, slug }) => [id, slug])));

  const common = { plan, stage, products, productsFile, belongings, say };
  const runs: Run[] = [];
  const total = rounds * sizes.length * targets.length;
  for (let round = 1; round <= rounds; round++)
    // Each target goes first once in as many rounds, so that no one has the warmer machine.
    for (const size of sizes)
      for (let turn = 0; turn < targets.length; turn++) {
        const target = targets[(turn + round - 1) % targets.length];
        if (target === undefined) continue;
        say(`[${runs.length + 1}/${total}] ${target.name}, ${size.name}, round ${round}`);
        const run = await measure({ ...common, target, size, round });
        runs.push(run);
        say(`    ${summaryOf(run)}`);
      }

  const { date, commit, uncommittedChanges, node, kernel, cpu } = machineConditions();
  return {
    scenario: {
      name: scenario.name,
      question: scenario.summary,
      settings: plan.variables,
      timeScale: plan.timeScale,
    },
    conditions: {
      date,
      commit,
      uncommittedChanges,
      node,
      kernel,
      cpu,
      cores: availableParallelism(),
      memoryBytes: totalmem(),
      placement: placement()
        ? `generator on the last core, target, Postgres and Redis on the others`
        : 'as the system chose',
      products: plan.products,
      rounds,
      stalenessMs: plan.stalenessMs ?? 'each target has its own default',
    },
    runs,
  };
}

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

async function measure({
  plan,
  stage,
  products,
  productsFile,
  belongings,
  target,
  size,
  round,
  say,
}: Measurement): Promise<Run> {
  const ports = await Promise.all(Array.from({ length: 24 }, () => freePort()));
  const limits = limitTo(size);
  await stage.flushRedis();
  const started = await startTarget(
    target,
    {
      databaseUrl: stage.readerUrl,
      redisUrl: stage.redisUrl,
      workers: Math.max(1, Math.floor(size.cores ?? availableParallelism() - 1)),
      stalenessMs: plan.stalenessMs,
      port: () => ports.pop() ?? 0,
    },
    { wrap: (command) => limits.wrap(onServerCores(command)), onSpawn: belongings.onSpawnGroup },
  );
  try {
    const compared = sample(products, comparedPages, round);
    const compare = () => wrongPages(stage.ownerUrl, started.origin, target.api, compared);
    const wrongBefore = plan.scenario.name === 'cold-cache' ? [] : await compare();

    const summaryFile = join(belongings.folder, 'summary.json');
    rmSync(summaryFile, { force: true });
    const companion: Companion = companionOf(plan.scenario.name, {
      stage,
      products,
      timeScale: plan.timeScale,
    });
    const countedBefore = await countedRequests(started.metricsUrl);
    const usageBefore = await stage.usage();
    const cpuBefore = cpuSecondsOf(started.pids);
    const generatorCpuBefore = cpuSecondsOfEnded();
    let peakMemoryBytes = memoryBytesOf(started.pids);
    const looking = setInterval(() => {
      peakMemoryBytes = Math.max(peakMemoryBytes, memoryBytesOf(started.pids));
    }, lookEveryMs);
    const startedAtMs = performance.now();
    companion.start();
    const complaints: string[] = [];
    try {
      await runK6(
        plan.k6,
        plan.scenario.path,
        {
          ...plan.variables,
          ...(plan.scenario.name === 'page-view' && { RATE: String(pageViewsPerSecond(plan, target)) }),
          URL: started.origin,
          API: target.api,
          PRODUCTS_FILE: productsFile,
          SUMMARY_FILE: summaryFile,
          TIME_SCALE: String(plan.timeScale),
          SLICE_COUNT: String(sliceCount),
        },
        {
          settings: plan.prometheus
            ? remoteWrite(plan.prometheus, newTestId(`${plan.scenario.name}-${target.name}`, new Date()))
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
    const serverCpuSeconds = cpuSecondsOf(started.pids) - cpuBefore;
    const usage = await stage.usage();
    const counted = await countedRequests(started.metricsUrl);
    // Until whatever was read before the last edit has had its time.
    if (plan.stalenessMs !== null) await delay(2 * plan.stalenessMs);
    const wrongAfter = await compare();
    for (const line of complaints.slice(0, 5)) say(`    k6: ${line}`);

    const summary = readSummary(readFileSync(summaryFile, 'utf8'));
    const broke =
      plan.scenario.name === 'breakpoint'
        ? breakpointOf(summary.slices, Number(plan.variables.P99_MS ?? breakpointP99Ms))
        : null;
    const breakpoint = broke === null ? {} : { breakpointPerSecond: broke };
    const pageStatements = usage.pageStatements - usageBefore.pageStatements;
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
      generatorCores: placement() ? 1 : availableParallelism(),
      wrongPages: [...wrongBefore, ...wrongAfter],
      countedByServer: counted === null || countedBefore === null ? null : counted - countedBefore,
      extra: {
        ...extra,
        ...breakpoint,
        ...(target.api === 'page' && { pageStatements }),
        pushComplaints: complaints.length,
      },
    };
  } finally {
    await started.stop();
    limits.remove();
  }
}

/**
 * Of the scenario `page-view`: as many requests for all, so fifteen times as many pages where one takes one request. At a
 * rate of pages that fifteen requests allow, such a server would be idle nearly all the time, and cost what idling does.
 */
function pageViewsPerSecond({ variables }: Plan, { api }: Target): number {
  const rate = Number(variables.RATE ?? defaultPageViewsPerSecond);
  return api === 'page' ? rate * parts.length : rate;
}

/** Whether the generator and the rest can have cores of their own. */
const placement = (): boolean => availableParallelism() > 1 && process.platform === 'linux';

const onServerCores = (command: readonly string[]): string[] =>
  placement() ? ['taskset', '-c', `0-${availableParallelism() - 2}`, ...command] : [...command];

const onGeneratorCore = (command: readonly string[]): string[] =>
  placement() ? ['taskset', '-c', String(availableParallelism() - 1), ...command] : [...command];

/** Some from the top and some from all over, others in each round. */
function sample(products: readonly Product[], count: number, round: number): Product[] {
  const step = Math.max(1, Math.floor(products.length / count));
  return Array.from({ length: count }, (_, i) => products[(i * step + round - 1) % products.length]).filter(
    (product) => product !== undefined,
  );
}

function summaryOf(run: Run): string {
  const perView = (seconds: number) => ((1000 * seconds) / Math.max(1, run.pageViews)).toFixed(2);
  return [
    `${(run.pageViews / run.seconds).toFixed(1)} page views/s`,
    `response avg ${run.responseMs.avg.toFixed(1)} ms, p99 ${run.responseMs.p99.toFixed(1)} ms`,
    `${perView(run.serverCpuSeconds)} ms CPU per page view`,
    `${run.failedRequests} of ${run.requests} failed, ${run.wrongAnswers} wrong`,
    ...run.wrongPages.slice(0, 1),
  ].join('; ');
}
