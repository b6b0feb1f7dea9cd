/** One run, from an empty folder to its result: warm up, measure, break, settle, measure again. */
import { existsSync, globSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { query } from '../../local/database.ts';
import { freePort } from '../../local/ports.ts';
import { machineConditions } from '../bench/conditions.ts';
import { startHost } from '../provers/hosts.ts';
import { percentile } from '../provers/percentile.ts';
import { type Finding, findingText, roundMs } from '../provers/promises.ts';
import { startProxy } from '../provers/proxy.ts';
import { seededRandom } from '../provers/random.ts';
import { controlRedis } from '../provers/redis.ts';
import type { Belongings } from '../services/belongings.ts';
import { startDatabase } from '../services/database.ts';
import { compareHoldings, type Holdings, holdingsOf, memoryBytesOf, processesOf } from './baseline.ts';
import { type FaultKind, planFaults } from './fault-plan.ts';
import { type MadeFault, makeFault, obstacleTo, type Stage, unreachedWorkers } from './faults.ts';
import { countBy, type Judged, type Limits, recoveryMs, sortOut } from './judge.ts';
import type { Options } from './options.ts';
import { startTraffic } from './traffic.ts';

const products = 8000;
/** In memory from the start of a worker on. */
const hotPages = 100;
const role = 'soak_server';
const strangerRole = 'soak_stranger';
const databaseTimeoutMs = 2000;
const settings = {
  WORKERS: '2',
  DATABASE_TIMEOUT_MS: String(databaseTimeoutMs),
  WARMUP_PRODUCTS: String(hotPages),
  // The hot pages and some five hundred more: others leave memory, and Redis, before they are asked for again, and a hot
  // page is asked for a dozen times before it would.
  MEMORY_TIER_BYTES: String(16 * 2 ** 20),
  REDIS_TTL_MS: '30000',
};
/** What the way to a client and back may take, where server, services and generator share the machine. */
const deadlineMarginMs = 1000;
const recoverWithinMs = 5000;
/** From the end of a fault to the next one. */
const calmMs = recoverWithinMs + 2000;
const settleSeconds = 30;
/** Idle connections of clients are gone by then, and those to Postgres that were opened in need, which are kept for a minute. */
const restMs = 65_000;
const clientTimeoutMs = 20_000;
const leastSlowMs = 500;
/** A machine that stands still for longer makes faults of its own. */
const heldUpMostMs = 1000;
const progressEveryMs = 10_000;
/** In so much time every kind has its turn. */
const minutesForAll = 10;
const blamedKept = 50;

export interface FaultResult {
  readonly kind: FaultKind;
  /** Since the first fault was due. */
  readonly atMs: number;
  readonly lastedMs: number;
  /** From its beginning to the next fault, by status or error. */
  readonly answers: Readonly<Record<string, number>>;
  readonly recoveryMs: number;
  readonly complaint?: string;
}

export interface Result {
  readonly conditions: Readonly<Record<string, unknown>>;
  readonly notMade: Readonly<Record<string, string>>;
  readonly faults: readonly FaultResult[];
  readonly requests: number;
  readonly answers: Readonly<Record<string, number>>;
  readonly before: Holdings;
  readonly after: Holdings;
  readonly findings: readonly Finding[];
  /** The first of those that count against a promise. */
  readonly blamed: readonly (Judged & { readonly after: FaultKind | undefined })[];
}

export async function soak(
  options: Options,
  belongings: Belongings,
  say: (line: string) => void,
): Promise<Result> {
  const { minutes, warmSeconds, ratePerSecond, seed } = options;
  const random = seededRandom(seed);
  say('Making a database.');
  const redis = await controlRedis(belongings, 'The server is soaked');
  const database = await startDatabase(belongings, {
    products,
    readers: [role, strangerRole],
    settings: { max_connections: 60 },
  });
  const idOf = await query(database.urlOf('postgres'), async (client) => {
    const sql = 'SELECT slug, id FROM product ORDER BY popularity_rank, id';
    const { rows } = await client.query<{ slug: string; id: string }>(sql);
    return new Map(rows.map(({ slug, id }) => [slug, id]));
  });
  const slugs = [...idOf.keys()];
  const [hot, cold] = [slugs.slice(0, hotPages), slugs.slice(hotPages)];
  const redisProxy = await startProxy({ host: '127.0.0.1', port: redis.port });
  const clock = fakeClock(belongings.folder);
  const host = await startHost({
    name: 'server',
    port: await freePort(),
    adminPort: await freePort(),
    env: {
      DATABASE_URL: database.urlOf(role),
      REDIS_URL: `redis://127.0.0.1:${redisProxy.port}`,
      ...settings,
      ...clock?.env,
      NODE_OPTIONS: `--import ${new URL('collect-garbage.ts', import.meta.url)}`,
      ...options.settings,
    },
    logFolder: options.logs ?? 'full disk',
    onSpawn: belongings.onSpawnGroup,
  });
  const traffic = startTraffic({
    url: `http://127.0.0.1:${host.port}`,
    ...{ random, idOf, hot, cold },
    timeoutMs: clientTimeoutMs,
  });
  const { requests } = traffic;

  async function loadFor(seconds: number): Promise<void> {
    traffic.setRate(ratePerSecond);
    await delay(seconds * 1000);
  }
  async function holdings(): Promise<Holdings> {
    traffic.setRate(0);
    await delay(restMs);
    return holdingsOf(host, database.urlOf('postgres'), role);
  }

  const progress = setInterval(() => {
    const bad = requests.filter(({ verdict }) => verdict === 'wrong').length;
    const memoryMiB = processesOf(host).reduce((sum, pid) => sum + memoryBytesOf(pid), 0) / 2 ** 20;
    say(`  ${requests.length} requests, ${bad} wrong answers; the server has ${memoryMiB.toFixed(0)} MiB`);
  }, progressEveryMs);
  say(`Warming up for ${warmSeconds} s, and looking at what the server holds after a minute's rest.`);
  await loadFor(warmSeconds);
  const before = await holdings();
  const warm = requests
    .slice(requests.length >> 1)
    .map(({ sentAtMs, endedAtMs }) => endedAtMs - sentAtMs)
    .sort((a, b) => a - b);
  const limits: Limits = {
    deadlineMs: databaseTimeoutMs + deadlineMarginMs,
    recoveryMs: recoverWithinMs,
    slowMs: Math.max(leastSlowMs, 5 * percentile(warm, 0.99)),
  };

  const stage: Stage = {
    ...{ host, redis, redisProxy, database, role, strangerRole, traffic, cold, random },
    clockFile: clock?.file,
  };
  const obstacles = options.faults.map((kind) => [kind, obstacleTo(kind, stage)] as const);
  const possible = obstacles.flatMap(([kind, obstacle]) => (obstacle === undefined ? [kind] : []));
  const notMade: Record<string, string> = Object.fromEntries(
    obstacles.flatMap(([kind, obstacle]) => (obstacle === undefined ? [] : [[kind, obstacle]])),
  );
  if (options.logs !== undefined) notMade['disk full'] = 'the log is kept';

  say(`Breaking things for ${minutes} min.`);
  await loadFor(2);
  const startedAtMs = performance.now();
  const made: MadeFault[] = [];
  const faults: FaultResult[] = [];
  const plan = planFaults(seededRandom(seed), possible);
  const knownUnreached = new Set<number>();
  while (performance.now() - startedAtMs < minutes * 60_000) {
    const first = requests.length;
    const fault = await makeFault(stage, plan.next().value);
    made.push(fault);
    await delay(calmMs - (performance.now() - fault.endedAtMs));
    const since = requests.slice(first);
    const unreached = await unreachedWorkers(host);
    const isNew = unreached.some((pid) => !knownUnreached.has(pid));
    for (const pid of unreached) knownUnreached.add(pid);
    const complaint = fault.complaint ?? (isNew ? 'a worker gets no new connections any more' : undefined);
    const result = {
      kind: fault.kind,
      atMs: fault.beganAtMs - startedAtMs,
      lastedMs: fault.endedAtMs - fault.beganAtMs,
      answers: countBy(since),
      recoveryMs: recoveryMs(
        since.filter(
          (request) =>
            request.sentAtMs >= fault.endedAtMs && sortOut([request], made, limits).excused.length === 0,
        ),
        fault.endedAtMs,
        limits,
      ),
      ...(complaint !== undefined && { complaint }),
    };
    faults.push(result);
    say(faultLine(result));
  }

  say(`Settling for ${settleSeconds} s, and looking at what the server holds after a minute's rest.`);
  const fromRedisBefore = traffic.fromRedis;
  await loadFor(settleSeconds);
  const fromRedis = traffic.fromRedis - fromRedisBefore;
  const after = await holdings();
  clearInterval(progress);
  await traffic.stop();
  await host.terminate();

  const sorted = sortOut(requests, made, limits);
  const blamed = [...sorted.wrong, ...sorted.unanswered, ...sorted.late, ...sorted.refusedHits];
  const none = (promise: string, blamed: readonly Judged[]): Finding => ({
    promise,
    found: blamed.length === 0 ? 'none' : JSON.stringify(countBy(blamed)),
    isKept: blamed.length === 0,
  });
  const kindsMade = new Set(faults.map(({ kind }) => kind));
  const longest = faults.toSorted((a, b) => b.recoveryMs - a.recoveryMs)[0];
  return {
    conditions: {
      ...machineConditions(),
      ...{ minutes, warmSeconds, settleSeconds, ratePerSecond, seed, products, hotPages },
      settings: { ...settings, ...options.settings },
      limits,
      log: options.logs ?? 'a full disk',
      loadAverage: loadavg()[0],
      warmLatencyMs: { p50: percentile(warm, 0.5), p99: percentile(warm, 0.99) },
      generatorLateMs: traffic.lateMs,
    },
    notMade,
    faults,
    requests: requests.length,
    answers: countBy(requests),
    before,
    after,
    findings: [
      {
        promise: `the generator was never held up for ${heldUpMostMs / 1000} s, or the run proves nothing`,
        found: `${roundMs(traffic.lateMs.max)} at most`,
        isKept: traffic.lateMs.max <= heldUpMostMs,
      },
      none('answers that are wrong', sorted.wrong),
      none('requests without an answer, but for those of killed processes', sorted.unanswered),
      none(`answers after more than ${limits.deadlineMs} ms`, sorted.late),
      none('pages in memory that were refused', sorted.refusedHits),
      {
        promise: `all is as before within ${recoverWithinMs / 1000} s of each fault`,
        found: longest
          ? `${recoveryText(longest.recoveryMs)} at most (${longest.kind})`
          : 'no fault was made',
        isKept: longest !== undefined && longest.recoveryMs <= recoverWithinMs,
      },
      ...faults.flatMap(({ kind, complaint }) =>
        complaint === undefined ? [] : [{ promise: kind, found: complaint, isKept: false }],
      ),
      {
        promise: 'every kind of fault was made',
        found: `${kindsMade.size} of ${possible.length}, ${faults.length} faults`,
        isKept: kindsMade.size === possible.length || minutes < minutesForAll,
      },
      {
        promise: 'Redis is in use again in the end',
        found: `${fromRedis} pages came from it`,
        isKept: fromRedis > 0,
      },
      ...compareHoldings(before, after),
      {
        promise: 'lost or late with the processes that were killed or stopped (no promise)',
        found: JSON.stringify(countBy(sorted.excused)),
        isKept: true,
      },
    ],
    blamed: blamed.slice(0, blamedKept).map((request) => ({
      ...request,
      after: made.findLast(({ beganAtMs }) => beganAtMs <= request.sentAtMs)?.kind,
    })),
  };
}

const recoveryText = (ms: number) => (Number.isFinite(ms) ? roundMs(ms) : 'not before the next fault');

const faultLine = ({ kind, lastedMs, answers, recoveryMs, complaint }: FaultResult): string =>
  [
    kind.padEnd(32),
    `lasted ${roundMs(lastedMs)}`.padEnd(18),
    `recovered ${recoveryText(recoveryMs)}`.padEnd(22),
    Object.entries(answers)
      .map(([what, count]) => `${what}: ${count}`)
      .join(', '),
    complaint === undefined ? '' : `BROKEN: ${complaint}`,
  ].join(' ');

/** A wall clock of the server's own, which this process sets by a file (libfaketime); its monotonic one is the machine's. */
function fakeClock(folder: string): { file: string; env: Readonly<Record<string, string>> } | undefined {
  const [library] = globSync('/usr/lib/{*/,}faketime/libfaketimeMT.so.1').filter((path) => existsSync(path));
  if (library === undefined) return undefined;
  const file = join(folder, 'clock');
  writeFileSync(file, '+0\n');
  return {
    file,
    env: {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      FAKETIME_CACHE_DURATION: '1',
    },
  };
}

export const isKept = ({ findings }: Result): boolean => findings.every((finding) => finding.isKept);

export function reportText(result: Result): string {
  const { conditions, notMade, faults, requests, answers, findings } = result;
  return [
    '',
    ...Object.entries(conditions).map(
      ([name, value]) => `${name.padEnd(20)}${typeof value === 'string' ? value : JSON.stringify(value)}`,
    ),
    '',
    `${requests} requests`,
    ...Object.entries(answers).map(([what, count]) => `  ${what.padEnd(32)}${count}`),
    '',
    `${faults.length} faults`,
    ...[...Map.groupBy(faults, ({ kind }) => kind)].map(
      ([kind, list]) =>
        `  ${kind.padEnd(32)}${list.length}, recovered after ${recoveryText(Math.max(...list.map(({ recoveryMs }) => recoveryMs)))} at most`,
    ),
    ...Object.entries(notMade).map(([kind, reason]) => `  ${kind.padEnd(32)}not made: ${reason}`),
    '',
    ...findings.map(findingText),
    '',
    isKept(result) ? 'Every promise was kept.' : 'A promise was broken.',
  ].join('\n');
}
