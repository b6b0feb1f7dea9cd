/** The scenarios: each under a load of its own, which begins before it and ends after it. */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { identify, isRunning, type ProcessIdentity } from '../../local/processes.js';
import { type Host, readyWorkers } from '../provers/hosts.ts';
import {
  type FailedRequest,
  lossesOfPrimaries,
  lossesOfWorkers,
  type PrimaryLoss,
} from '../provers/losses.ts';
import { type Finding, roundMs } from '../provers/promises.ts';
import { processesByPort } from '../provers/worker-connections.ts';
import type { Load, LoadFigures } from './load.ts';
import type { Options, ScenarioName } from './options.ts';

export interface ScenarioResult {
  readonly name: ScenarioName;
  /** Why it could not be tried; it has no figures then. */
  readonly skipped?: string;
  readonly load?: LoadFigures;
  /** What happened, and how long it took. */
  readonly events?: readonly Readonly<Record<string, number>>[];
  readonly findings: readonly Finding[];
  /** The first of those that count against a promise. */
  readonly blamed?: readonly FailedRequest[];
}

export interface Stage {
  readonly options: Options;
  readonly say: (line: string) => void;
  startLoad(): Load;
  /** A server with these settings, on the port that all of them have. Rejects with Obstacle when it does not start. */
  startHost(settings?: Readonly<Record<string, string>>): Promise<Host>;
}

const backWithinMs = 2000;
const hungForMs = 10_000;
/** A hung worker is replaced some time after it was noticed. */
const replacedWithinMs = { 'worker-killed': backWithinMs, 'worker-stopped': hungForMs + backWithinMs };
/** Of nothing that is waited for here anything good can be said after so long. */
const patienceMs = 30_000;
const lookEveryMs = 25;
const blamedShown = 20;

const none = (promise: string, blamed: readonly FailedRequest[]): Finding => ({
  promise,
  found: blamed.length === 0 ? 'none' : `${blamed.length}, the first by ${blamed[0]?.error}`,
  isKept: blamed.length === 0,
});

const within = (promise: string, valuesMs: readonly number[], mostMs: number): Finding => {
  const longestMs = Math.max(...valuesMs);
  return {
    promise: `${promise} within ${mostMs / 1000} s`,
    found: Number.isFinite(longestMs) ? `${roundMs(longestMs)} at most` : `not within ${patienceMs / 1000} s`,
    isKept: longestMs <= mostMs,
  };
};

/** Resolves how long it took until it was so; Infinity when it was not in the time there is. */
async function until(isSo: () => boolean | Promise<boolean>, mostMs = patienceMs): Promise<number> {
  const beganAtMs = performance.now();
  while (!(await isSo())) {
    if (performance.now() - beganAtMs > mostMs) return Number.POSITIVE_INFINITY;
    await delay(lookEveryMs);
  }
  return performance.now() - beganAtMs;
}

async function workersOf(host: Host): Promise<ProcessIdentity[]> {
  const status = await host.status();
  return status === undefined ? [] : readyWorkers(status).flatMap((pid) => identify(pid) ?? []);
}

/** Whether it has as many workers as before, all ready, and none of the old ones. */
async function isRenewed(host: Host, old: readonly ProcessIdentity[], count: number): Promise<boolean> {
  const status = await host.status();
  if (status === undefined) return false;
  const ready = readyWorkers(status);
  return ready.length === count && old.every(({ pid }) => !ready.includes(pid));
}

const areGone = (processes: readonly ProcessIdentity[]) => !processes.some(isRunning);

const portsOf = (processes: readonly ProcessIdentity[]) =>
  new Set(processesByPort(processes.map(({ pid }) => pid)).keys());

function signal({ pid }: ProcessIdentity, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended already.
  }
}

function primaryOf({ primary }: Host): ProcessIdentity {
  if (primary === undefined) throw new Error('The server has no primary.');
  return primary;
}

export const scenarioRuns: Readonly<Record<ScenarioName, (stage: Stage) => Promise<ScenarioResult>>> = {
  async rolling({ options, say, startHost, startLoad }) {
    const { restarts, requests, seconds } = options;
    const host = await startHost();
    const load = startLoad();
    await delay(seconds * 1000);
    const primary = primaryOf(host);
    const events: { readyMs: number; drainedMs: number }[] = [];
    for (let number = 0; number < restarts || load.requests < requests; number++) {
      const old = await workersOf(host);
      signal(primaryOf(host), 'SIGHUP');
      const readyMs = await until(() => isRenewed(host, old, old.length));
      const drainedMs = readyMs + (await until(() => areGone(old)));
      events.push({ readyMs, drainedMs });
      say(
        `Restart ${number + 1}: all workers are new after ${roundMs(readyMs)}, the old ones gone after ${roundMs(drainedMs)}; ${load.requests} requests.`,
      );
      if (!Number.isFinite(drainedMs)) break;
    }
    const isSamePrimary = isRunning(primary);
    await delay(seconds * 1000);
    const { figures, failed } = await load.stop();
    await host.terminate();
    return {
      name: 'rolling',
      load: figures,
      events,
      findings: [
        none('requests failed in rolling restarts', failed),
        {
          promise: `at least ${requests} requests in ${restarts} restarts`,
          found: `${figures.requests} in ${events.length}`,
          isKept: figures.requests >= requests && events.length >= restarts,
        },
        {
          promise: 'the primary stays',
          found: isSamePrimary ? 'it did' : 'it ended',
          isKept: isSamePrimary,
        },
        within(
          'the old workers are gone',
          events.map(({ drainedMs }) => drainedMs),
          patienceMs,
        ),
      ],
      blamed: failed.slice(0, blamedShown),
    };
  },

  async handover({ options, say, startHost, startLoad }) {
    const { faults, seconds } = options;
    const settings = { REUSE_PORT: 'on' };
    let host = await startHost(settings);
    const status = await host.status();
    if (status && !('reusePort' in status.settings)) {
      await host.stop();
      return { name: 'handover', findings: [], skipped: 'this server has no setting REUSE_PORT' };
    }
    const load = startLoad();
    await delay(seconds * 1000);
    const events: { readyMs: number; endedMs: number }[] = [];
    for (let number = 0; number < faults; number++) {
      const beganAtMs = performance.now();
      const next = await startHost(settings);
      const readyMs = performance.now() - beganAtMs;
      await host.terminate();
      host = next;
      events.push({ readyMs, endedMs: performance.now() - beganAtMs });
      say(`Handover ${number + 1}: ready after ${roundMs(readyMs)}; ${load.requests} requests.`);
      await delay(seconds * 1000);
    }
    const { figures, failed } = await load.stop();
    await host.terminate();
    const isMigrating = migratesRequests();
    const finding = none('requests failed as one server took over from another on its port', failed);
    return {
      name: 'handover',
      load: figures,
      events,
      findings: [
        isMigrating
          ? finding
          : {
              ...finding,
              promise: `${finding.promise} (no promise while net.ipv4.tcp_migrate_req is 0)`,
              isKept: true,
            },
      ],
      blamed: failed.slice(0, blamedShown),
    };
  },

  'in-turn': (stage) => endPrimaries(stage, 'in-turn', 'SIGTERM', () => []),

  'worker-killed': (stage) => endWorkers(stage, 'worker-killed'),

  'worker-stopped': (stage) => endWorkers(stage, 'worker-stopped'),

  'primary-killed': (stage) =>
    endPrimaries(stage, 'primary-killed', 'SIGKILL', (events) => [
      within(
        'the last request is refused',
        events.map(({ refusedMs }) => refusedMs),
        backWithinMs,
      ),
      within(
        'the workers without a primary are gone',
        events.map(({ goneMs }) => goneMs),
        patienceMs,
      ),
    ]),
};

/** On Linux what waits to be accepted by a listener that closes is reset, unless it may move to another on the same port. */
function migratesRequests(): boolean {
  try {
    return readFileSync('/proc/sys/net/ipv4/tcp_migrate_req', 'utf8').trim() === '1';
  } catch {
    return false;
  }
}

async function endWorkers(
  { options, say, startHost, startLoad }: Stage,
  name: 'worker-killed' | 'worker-stopped',
): Promise<ScenarioResult> {
  const { faults, seconds } = options;
  const host = await startHost();
  const load = startLoad();
  const events: {
    atMs: number;
    goneAtMs: number;
    ports: Set<number>;
    replacedMs: number;
    wasHelped: boolean;
  }[] = [];
  for (let number = 0; number < faults; number++) {
    await delay(seconds * 1000);
    const workers = await workersOf(host);
    const victim = workers[number % workers.length];
    if (victim === undefined) throw new Error('There is no worker that the fault could befall.');
    const atMs = performance.now();
    // So that its connections do not change while they are looked up.
    signal(victim, 'SIGSTOP');
    const ports = portsOf([victim]);
    let wasHelped = false;
    if (name === 'worker-killed') signal(victim, 'SIGKILL');
    else if (!Number.isFinite(await until(() => areGone([victim]), hungForMs * 1.5))) {
      wasHelped = true;
      signal(victim, 'SIGKILL');
    }
    await until(() => areGone([victim]));
    const goneAtMs = performance.now();
    await until(() => isRenewed(host, [victim], workers.length));
    const replacedMs = performance.now() - atMs;
    events.push({ atMs, goneAtMs, ports, replacedMs, wasHelped });
    say(
      `${name} ${number + 1}: it had ${ports.size} connections; gone after ${roundMs(goneAtMs - atMs)}, replaced after ${roundMs(replacedMs)}.`,
    );
  }
  await delay(seconds * 1000);
  const { figures, failed } = await load.stop();
  await host.terminate();
  const { lost, others, lastLostAfterMs } = lossesOfWorkers(failed, events);
  const isHang = name === 'worker-stopped';
  return {
    name,
    load: figures,
    events: events.map(({ atMs, goneAtMs, ports, replacedMs }, index) => ({
      connections: ports.size,
      lostRequests: lossesOfWorkers(failed, [events[index] ?? { atMs, goneAtMs, ports }]).lost.length,
      lastLostAfterMs: lastLostAfterMs[index] ?? 0,
      goneMs: goneAtMs - atMs,
      replacedMs,
    })),
    findings: [
      none("requests failed on other than the worker's connections", others),
      {
        promise: 'connections of the worker were in use',
        found: `${lost.length} requests were lost with it`,
        isKept: events.every(({ ports }) => ports.size > 0),
      },
      ...(isHang
        ? [
            {
              promise: 'the server kills a worker that hangs',
              found: events.some(({ wasHelped }) => wasHelped)
                ? `not within ${(hungForMs * 1.5) / 1000} s`
                : 'it did',
              isKept: !events.some(({ wasHelped }) => wasHelped),
            },
          ]
        : []),
      within('the last request is lost', lastLostAfterMs, isHang ? hungForMs : backWithinMs),
      within(
        'another worker is ready',
        events.map(({ replacedMs }) => replacedMs),
        replacedWithinMs[name],
      ),
    ],
    blamed: others.slice(0, blamedShown),
  };
}

interface PrimaryEvent {
  readonly connections: number;
  /** From its end until nothing is lost any more, until all workers of the next are ready, and until its own are gone. */
  readonly refusedMs: number;
  readonly readyMs: number;
  readonly goneMs: number;
  readonly unserved: number;
  readonly notHandedOver: number;
}

async function endPrimaries(
  { options, say, startHost, startLoad }: Stage,
  name: 'in-turn' | 'primary-killed',
  by: 'SIGTERM' | 'SIGKILL',
  ownFindings: (events: readonly PrimaryEvent[]) => readonly Finding[],
): Promise<ScenarioResult> {
  const { faults, seconds } = options;
  const host = await startHost();
  const load = startLoad();
  const losses: (PrimaryLoss & { readonly goneMs: number })[] = [];
  for (let number = 0; number < faults; number++) {
    await delay(seconds * 1000);
    const workers = await workersOf(host);
    const { starts } = host;
    const ports = portsOf(workers);
    const atMs = performance.now();
    signal(primaryOf(host), by);
    const gone = until(() => areGone(workers));
    const readyMs = await until(() => host.starts > starts);
    const backAtMs = performance.now();
    const goneMs = await gone;
    losses.push({ atMs, backAtMs, ports, goneMs });
    say(
      `${name} ${number + 1}: all workers of another server are ready after ${roundMs(readyMs)}, the old ones gone after ${roundMs(goneMs)}.`,
    );
    if (!Number.isFinite(readyMs)) break;
  }
  await delay(seconds * 1000);
  const { figures, failed } = await load.stop();
  await host.terminate();
  const events = losses.map((loss): PrimaryEvent => {
    const { unserved, notHandedOver } = lossesOfPrimaries(failed, [loss]);
    return {
      connections: loss.ports.size,
      refusedMs: Math.max(0, ...unserved.map(({ sentAtMs }) => sentAtMs - loss.atMs)),
      readyMs: loss.backAtMs - loss.atMs,
      goneMs: loss.goneMs,
      unserved: unserved.length,
      notHandedOver: notHandedOver.length,
    };
  });
  const { unserved, notHandedOver, others } = lossesOfPrimaries(failed, losses);
  return {
    name,
    load: figures,
    events: events.map((event) => ({ ...event })),
    findings: [
      none('requests failed that a worker had, or that nobody was missing for', others),
      ...ownFindings(events),
      {
        promise: 'another server starts on the port',
        found: `${host.starts - 1} of ${faults} times`,
        isKept: host.starts - 1 === faults,
      },
      {
        promise: 'what comes while nobody listens fails (no promise)',
        found: `${unserved.length} requests, and ${notHandedOver.length} on connections that no worker had`,
        isKept: true,
      },
    ],
    blamed: others.slice(0, blamedShown),
  };
}
