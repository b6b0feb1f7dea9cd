/** One run, from an empty folder to its result. */
import { loadavg } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { query } from '../../local/database.ts';
import { freePort } from '../../local/ports.ts';
import { machineConditions } from '../bench/conditions.ts';
import { type Host, startHost } from '../provers/hosts.ts';
import { seededRandom } from '../provers/random.ts';
import { processesByPort } from '../provers/worker-connections.ts';
import type { Belongings } from '../services/belongings.ts';
import { prepareCatalogue } from './catalogue.ts';
import { startChasers } from './chasers.ts';
import { describeFault, type Fault, planFaults } from './fault-plan.ts';
import { startFaults } from './faults.ts';
import { createLedger } from './ledger.ts';
import type { Options } from './options.ts';
import { startReaders } from './readers.ts';
import { createReader } from './reading.ts';
import { answersOf, lagOf, type Result, thinness } from './report.ts';
import { setStage } from './stage.ts';
import { startWriters } from './writers.ts';
import type { WriteKind } from './writes.ts';

const hostCount = 2;
const workersPerHost = 2;
/** So many that a change of all of them is logged as one of every page. */
const products = 6000;
/** Time at the end in which no fault begins, so that what comes after the last one is seen as well. */
const calmMs = 1500;
const lookEveryMs = 1000;
/** A worker that has been ready for so long without being asked was missed. */
const reachWithinMs = 5000;
/** With fewer, or less than half of what was wanted, the servers were not really asked. */
const leastReadsPerSecond = 50;

/** Before code that has just been started is compiled, what it takes says nothing of a server that has been up for a while. */
const youngMs = 15_000;

const young = 'while the hosts were young';
const healthy = 'while all was well';
const healthyWide = 'the same, about a write of many pages';
const healthyUnwoken = 'the same, about a write that wakes nobody';
const broken = 'while things broke';

export async function prove(
  options: Options,
  belongings: Belongings,
  say: (line: string) => void,
): Promise<Result> {
  const { seconds, healthySeconds, boundMs, seed } = options;
  const random = seededRandom(seed);
  const ledger = createLedger();
  say('Making a database.');
  const stage = await setStage(belongings, hostCount, products);
  const catalogue = await query(stage.databaseUrl, (client) => prepareCatalogue(client, ledger));
  say('Starting the hosts.');
  const hosts = await Promise.all(
    Array.from({ length: hostCount }, async (_, number) =>
      startHost({
        name: `host ${number + 1}`,
        port: await freePort(),
        adminPort: await freePort(),
        env: {
          DATABASE_URL: stage.databaseUrlOf(number),
          REDIS_URL: stage.redis.url,
          WORKERS: String(workersPerHost),
          ...options.settings,
        },
        logFolder: options.logs,
        onSpawn: belongings.onSpawnGroup,
      }),
    ),
  );

  const startedAtMs = performance.now();
  const cpuBefore = process.cpuUsage();
  const loopDelay = monitorEventLoopDelay({ resolution: 5 });
  loopDelay.enable();
  const elapsedMs = () => performance.now() - startedAtMs;
  const healthyMs = healthySeconds * 1000;
  const plan = planFaults({
    seed,
    fromMs: healthyMs,
    untilMs: Math.max(healthyMs + 1, seconds * 1000 - calmMs),
    hosts: hostCount,
    kinds: options.faults,
  });
  const faults = startFaults({ plan, stage, hosts, startedAtMs, fromMs: healthyMs });
  const phase = (kind?: WriteKind) => {
    if (elapsedMs() >= healthyMs) return broken;
    if (elapsedMs() < Math.min(youngMs, healthyMs / 2)) return young;
    if (kind === 'without a wake-up') return healthyUnwoken;
    return writers.isWide ? healthyWide : healthy;
  };
  const reader = createReader({ ledger, boundMs, faultsUnderWay: faults.underWay, phase });
  const { counts } = reader;
  const chasers = startChasers({ hosts, ledger, reader, phase });
  const readers = startReaders({ hosts, catalogue, reader, random, perSecond: options.readsPerSecond });
  const writers = startWriters({
    databaseUrl: stage.databaseUrl,
    catalogue,
    ledger,
    random,
    perSecond: options.writesPerSecond,
    onCommitted: chasers.chase,
  });
  const watch = watchWorkers(hosts, () => [...readers.targets, ...chasers.targets], chasers.reach);

  const progress = setInterval(() => {
    const writes = [...writers.counts.values()].reduce((sum, count) => sum + count, 0);
    const made = [...faults.counts.values()].reduce((sum, count) => sum + count, 0);
    say(
      `${Math.round(elapsedMs() / 1000)} s: ${counts.judged} answers judged, ${writes} writes, ${made} faults, ${counts.lyingAnswers} lies`,
    );
  }, 10_000);
  try {
    await Promise.all([delay(seconds * 1000), faults.done]);
  } finally {
    clearInterval(progress);
  }
  watch.stop();
  loopDelay.disable();
  const { user, system } = process.cpuUsage(cpuBefore);
  const proberCores = (user + system) / 1000 / elapsedMs();
  await Promise.all([readers.stop(), chasers.stop(), writers.stop()]);
  const hostEnds = Object.fromEntries(hosts.map(({ name, ends }) => [name, ends]));
  await Promise.all(hosts.map((host) => host.stop()));

  const measured = {
    readsJudged: counts.judged,
    writes: Object.fromEntries(writers.counts),
    faults: Object.fromEntries(faults.counts),
    workers: {
      seen: watch.due().length,
      reached: watch.due().filter((pid) => counts.byWorker.has(pid)).length,
    },
    lags: byPhase(chasers.lagsMs),
  };
  return {
    conditions: {
      ...machineConditions(),
      hosts: hostCount,
      workersPerHost,
      products,
      seconds,
      healthySeconds,
      boundMs,
      seed,
      readsPerSecond: options.readsPerSecond,
      writesPerSecond: options.writesPerSecond,
      settings: options.settings,
      loadAverage: loadavg()[0],
      // What the prober takes from the servers, and how late it is itself to see an answer.
      proberCores,
      proberDelayMs: { p50: loopDelay.percentile(50) / 1e6 - 5, p99: loopDelay.percentile(99) / 1e6 - 5 },
    },
    plan: plan.map((fault: Fault) => `${fault.atMs} ms: ${describeFault(fault)}`),
    ...measured,
    hits: byPhase(counts.hitsMs),
    ...answersOf(counts),
    refusedConnections: counts.refusedConnections,
    failedWrites: writers.failures,
    hostEnds,
    brokenChases: chasers.broken,
    lyingAnswers: counts.lyingAnswers,
    violations: counts.violations,
    thin: thinness(measured, {
      reads: seconds * Math.min(leastReadsPerSecond, options.readsPerSecond / 2),
      faultKinds: options.faults,
      lagPhases: [healthy, broken],
    }),
  };
}

const byPhase = (valuesMs: ReadonlyMap<string, number[]>) =>
  Object.fromEntries(
    [young, healthy, healthyWide, healthyUnwoken, broken].flatMap((phase) => {
      const values = valuesMs.get(phase);
      return values ? [[phase, lagOf(values)]] : [];
    }),
  );

/** Tells each connection which worker answers on it, and knows which workers there have been. */
function watchWorkers(
  hosts: readonly Host[],
  targets: () => ReturnType<typeof startReaders>['targets'],
  reach: (workers: readonly number[]) => void,
) {
  const readySinceMs = new Map<number, number>();
  const due = new Set<number>();
  const timer = setInterval(() => {
    const pids = hosts.flatMap(({ workers }) => workers.map(({ pid }) => pid));
    for (const pid of pids) {
      const sinceMs = readySinceMs.get(pid) ?? performance.now();
      readySinceMs.set(pid, sinceMs);
      if (performance.now() - sinceMs >= reachWithinMs) due.add(pid);
    }
    const byPort = processesByPort(pids);
    for (const target of targets()) target.workerPid = byPort.get(target.connection.localPort ?? -1);
    reach(pids);
  }, lookEveryMs);
  return {
    /** Those that were ready long enough to be asked. */
    due: () => [...due],
    stop: () => clearInterval(timer),
  };
}
