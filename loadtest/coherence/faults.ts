/** Makes the planned faults, those of one host or of Redis one after the other, of several at the same time. */
import { setTimeout as delay } from 'node:timers/promises';
import { query } from '../../local/database.ts';
import { isRunning, type ProcessIdentity } from '../../local/processes.js';
import type { Host } from '../provers/hosts.ts';
import { describeFault, type Fault, type FaultKind } from './fault-plan.ts';
import { roleOf, type Stage } from './stage.ts';

/** What LISTEN hears has this name in it; a part of the server's contract with the database. */
const channel = 'frontshelf_catalogue_change';
const recentMs = 1000;
const dumpEveryMs = 1500;
/** A host that is being started has no worker to stop. */
const patienceMs = 30_000;

export interface Faults {
  /** How many of each kind have been made. */
  readonly counts: ReadonlyMap<FaultKind, number>;
  /** Those under way, and those that have ended within the last second. */
  underWay(): string[];
  /** Resolves when all of the plan is over. */
  readonly done: Promise<void>;
  stop(): void;
}

export interface FaultsOptions {
  readonly plan: readonly Fault[];
  readonly stage: Stage;
  readonly hosts: readonly Host[];
  /** When the plan's time began. */
  readonly startedAtMs: number;
  /** Until then, in the plan's time, nothing is done to anybody. */
  readonly fromMs: number;
}

export function startFaults({ plan, stage, hosts, startedAtMs, fromMs }: FaultsOptions): Faults {
  const counts = new Map<FaultKind, number>();
  const lanes = new Map<number | undefined, Promise<void>>();
  const made: { readonly text: string; untilMs: number }[] = [];
  const over = new AbortController();

  async function pause(ms: number): Promise<void> {
    await delay(Math.max(0, ms), undefined, { signal: over.signal }).catch(() => {});
  }

  async function halt(target: ProcessIdentity, durationMs: number): Promise<void> {
    process.kill(target.pid, 'SIGSTOP');
    await pause(durationMs);
    if (isRunning(target)) process.kill(target.pid, 'SIGCONT');
  }

  async function found<T>(look: () => T | undefined): Promise<T> {
    for (const untilMs = performance.now() + patienceMs; performance.now() < untilMs; await delay(50)) {
      const there = look();
      if (there !== undefined) return there;
    }
    throw new Error('There is nothing that the fault could befall.');
  }

  async function restartRedis(from: 'nothing' | 'oldest dump'): Promise<void> {
    await stage.redis.kill();
    await stage.redis.start(from);
  }

  async function make({ atMs, kind, host: number = 0, durationMs }: Fault): Promise<void> {
    const host = hosts[number];
    const proxy = stage.proxies[number];
    if (host === undefined || proxy === undefined) throw new Error(`There is no host ${number + 1}.`);
    const worker = () => found(() => host.workers[atMs % host.workers.length]);
    const primary = () => found(() => (host.primary && isRunning(host.primary) ? host.primary : undefined));
    switch (kind) {
      case 'worker-killed':
        return void process.kill((await worker()).pid, 'SIGKILL');
      case 'worker-stopped':
        return halt(await worker(), durationMs);
      case 'primary-killed':
        return void process.kill((await primary()).pid, 'SIGKILL');
      case 'primary-stopped':
        return halt(await primary(), durationMs);
      case 'sessions-ended':
        return query(stage.databaseUrl, async (client) => {
          const sql = 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1';
          await client.query(sql, [roleOf(number)]);
        });
      case 'database-lost':
      case 'wake-up-lost':
        proxy.hold(kind === 'database-lost' ? undefined : channel);
        await pause(durationMs);
        return proxy.release();
      case 'redis-stopped':
        return halt(stage.redis.process, durationMs);
      case 'redis-flushed':
        return stage.redis.flush();
      case 'redis-killed':
        return restartRedis('nothing');
      case 'redis-restored':
        return restartRedis('oldest dump');
    }
  }

  async function inTurn(fault: Fault, before: Promise<void> | undefined): Promise<void> {
    await before;
    if (over.signal.aborted) return;
    const entry = { text: describeFault(fault), untilMs: Number.POSITIVE_INFINITY };
    made.push(entry);
    await make(fault);
    entry.untilMs = performance.now();
    counts.set(fault.kind, (counts.get(fault.kind) ?? 0) + 1);
  }

  async function followPlan(): Promise<void> {
    for (const fault of plan) {
      await pause(startedAtMs + fault.atMs - performance.now());
      if (over.signal.aborted) break;
      lanes.set(fault.host, inTurn(fault, lanes.get(fault.host)));
    }
    await Promise.all(lanes.values());
  }

  /** Not while something else is done to Redis, which answers nobody while it makes one. */
  async function keepDumps(): Promise<void> {
    await pause(startedAtMs + fromMs - performance.now());
    while (!over.signal.aborted) {
      const lane = (lanes.get(undefined) ?? Promise.resolve()).then(() => stage.redis.dump());
      lanes.set(undefined, lane);
      await lane;
      await pause(dumpEveryMs);
    }
  }

  const following = followPlan().finally(() => over.abort());
  return {
    counts,
    underWay: () =>
      made.filter(({ untilMs }) => untilMs > performance.now() - recentMs).map(({ text }) => text),
    done: Promise.all([following, keepDumps()]).then(() => {}),
    stop: () => over.abort(),
  };
}
