/** Makes a fault and unmakes it. Each tells when it was, and which connections it took with it. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { Client } from 'pg';
import { query } from '../../local/database.ts';
import { isRunning, type ProcessIdentity } from '../../local/processes.js';
import { type Host, readyWorkers } from '../provers/hosts.ts';
import type { HostProxy } from '../provers/proxy.ts';
import { pick, type Random } from '../provers/random.ts';
import type { RedisControl } from '../provers/redis.ts';
import { processesByPort } from '../provers/worker-connections.ts';
import type { Database } from '../services/database.ts';
import type { Fault, FaultKind } from './fault-plan.ts';
import type { Made } from './judge.ts';
import type { Traffic } from './traffic.ts';

export interface Stage {
  readonly host: Host;
  readonly redis: RedisControl;
  /** Between the server and Redis. */
  readonly redisProxy: HostProxy;
  readonly database: Database;
  /** Whom the server logs in as. */
  readonly role: string;
  /** Another who may log in. */
  readonly strangerRole: string;
  readonly traffic: Traffic;
  readonly cold: readonly string[];
  readonly random: Random;
  /** By what the server's wall clock is off, for libfaketime; undefined: there is none. */
  readonly clockFile: string | undefined;
}

export interface MadeFault extends Made {
  readonly kind: FaultKind;
  /** Why the server did not do its part. */
  readonly complaint?: string;
}

/** A hung worker is noticed and replaced by then, or never. */
const hungForMs = 15_000;
const patienceMs = 30_000;
const fillers = 3000;
/** Slugs whose keys are spoilt, and that are asked for then. */
const spoiltKeys = 300;
const hugeBytes = 100 * 2 ** 20;

type Taken = Partial<Pick<MadeFault, 'workerPorts' | 'primaryPorts' | 'complaint' | 'endedAtMs'>>;
type Maker = (stage: Stage, durationMs: number) => Promise<void> | Promise<Taken>;

export async function makeFault(stage: Stage, { kind, durationMs }: Fault): Promise<MadeFault> {
  const beganAtMs = performance.now();
  const taken = await makers[kind](stage, durationMs);
  return { kind, beganAtMs, endedAtMs: performance.now(), ...(taken ?? {}) };
}

/** Why a kind of fault cannot be made here; undefined when it can. */
export function obstacleTo(kind: FaultKind, { clockFile }: Pick<Stage, 'clockFile'>): string | undefined {
  if (kind === 'clock-moved' && clockFile === undefined)
    return "the machine's own clock is not for a test to move, and there is no libfaketime (Debian: libfaketime)";
  if (kind === 'worker-descriptors' && !canLimit()) return 'there is no prlimit';
  return undefined;
}

function canLimit(): boolean {
  try {
    execFileSync('prlimit', ['--pid', String(process.pid), '--nofile'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const asSuperuser = <T>({ database }: Stage, ask: (client: Client) => Promise<T>): Promise<T> =>
  query(database.urlOf('postgres'), ask);

async function halt(target: ProcessIdentity, durationMs: number): Promise<void> {
  process.kill(target.pid, 'SIGSTOP');
  await delay(durationMs);
  if (isRunning(target)) process.kill(target.pid, 'SIGCONT');
}

async function eventually(isSo: () => boolean | Promise<boolean>, mostMs = patienceMs): Promise<boolean> {
  for (const untilMs = performance.now() + mostMs; performance.now() < untilMs; await delay(25))
    if (await isSo()) return true;
  return false;
}

async function oneWorker({ host, random }: Stage): Promise<ProcessIdentity> {
  await eventually(() => host.workers.length > 0);
  return pick(random, host.workers);
}

const portsOf = (processes: readonly ProcessIdentity[]) =>
  new Set(processesByPort(processes.map(({ pid }) => pid)).keys());

/** Resolves when as many workers as before are ready, and not this one. */
const isReplaced = async ({ host }: Stage, victim: ProcessIdentity, count: number): Promise<boolean> => {
  const status = await host.status();
  const ready = status ? readyWorkers(status) : [];
  return ready.length === count && !ready.includes(victim.pid);
};

/** What follows the part of a page's key that says which page it is: slugs stand at the end. */
async function keyPrefix(client: Redis, slugs: ReadonlySet<string>): Promise<string | undefined> {
  for (const key of await client.keys('*')) {
    const slug = /[a-z0-9-]+$/.exec(key)?.[0];
    if (slug !== undefined && slugs.has(slug)) return key.slice(0, -slug.length);
  }
  return undefined;
}

/** Spoils keys of cold pages, which are asked for then, for so long. `spoil` is given an intact key as well, if there is one. */
async function spoilKeys(
  stage: Stage,
  durationMs: number,
  spoil: (client: Redis, keys: readonly string[], intact: string | undefined) => Promise<unknown>,
): Promise<Taken> {
  const { redis, traffic, cold, random } = stage;
  const slugs = Array.from({ length: spoiltKeys }, () => pick(random, cold));
  const known = new Set(cold);
  try {
    const isDone = await redis.command(async (client) => {
      const prefix = await keyPrefix(client, known);
      if (prefix === undefined) return false;
      const keys = slugs.map((slug) => prefix + slug);
      const intact = (await client.keys(`${prefix}*`)).find((key) => !keys.includes(key));
      await spoil(client, keys, intact);
      return true;
    });
    if (!isDone) return { complaint: 'the server keeps no page in Redis' };
    traffic.focus(slugs);
    await delay(durationMs);
    return {};
  } finally {
    traffic.focus(undefined);
  }
}

const probes = 16;
const probeMs = 300;
/** One that others were quicker than is reached the next time. */
const probeRounds = 6;

/** The workers that get none of many new connections, of which they all should have some. */
export async function unreachedWorkers({ port, workers }: Host): Promise<number[]> {
  let unreached = workers.map(({ pid }) => pid);
  for (let round = 0; round < probeRounds && unreached.length > 0; round++) {
    const sockets = Array.from({ length: probes }, () =>
      connect({ host: '127.0.0.1', port }).on('error', () => {}),
    );
    await delay(probeMs);
    const byPort = processesByPort(unreached);
    const reached = new Set(sockets.map(({ localPort = -1 }) => byPort.get(localPort)));
    for (const socket of sockets) socket.destroy();
    unreached = unreached.filter((pid) => !reached.has(pid));
  }
  return unreached;
}

const makers: Readonly<Record<FaultKind, Maker>> = {
  async 'redis-killed'({ redis }, durationMs) {
    await redis.kill();
    await delay(durationMs);
    await redis.start('nothing');
  },
  'redis-stopped': ({ redis }, durationMs) => halt(redis.process, durationMs),
  async 'redis-black-hole'({ redisProxy }, durationMs) {
    redisProxy.hold();
    await delay(durationMs);
    redisProxy.release();
  },
  async 'redis-out-of-memory'({ redis }, durationMs) {
    const configure = (policy: string, most: string) =>
      redis.command(async (client) => {
        await client.config('SET', 'maxmemory-policy', policy);
        await client.config('SET', 'maxmemory', most);
      });
    await configure('noeviction', '1mb');
    await delay(durationMs);
    await configure('allkeys-lru', '256mb');
  },
  async 'redis-read-only'({ redis }, durationMs) {
    await redis.command((client) => client.replicaof('127.0.0.1', 1));
    await delay(durationMs);
    await redis.command((client) => client.replicaof('NO', 'ONE'));
  },
  async 'redis-loading'({ redis }) {
    const filler = (command: string) =>
      redis.command((client) => client.eval(`for i = 1, ${fillers} do redis.call(${command}) end`, 0));
    await filler("'SET', 'soak-filler/' .. i, 'x'");
    await redis.dump();
    await redis.kill();
    // It answers -LOADING between its keys.
    await redis.start('newest dump', [
      '--key-load-delay',
      '1000',
      '--loading-process-events-interval-bytes',
      '1024',
    ]);
    await filler("'DEL', 'soak-filler/' .. i");
  },
  'redis-flushed': ({ redis }) => redis.flush(),
  'redis-garbage': (stage, durationMs) =>
    spoilKeys(stage, durationMs, async (client, keys, intact) => {
      for (const [index, key] of keys.entries()) {
        await client.del(key);
        const whole = intact === undefined ? {} : await client.hgetall(intact);
        if (intact !== undefined && index % 3 === 0) await client.copy(intact, key);
        else if (index % 3 === 1)
          await client.hset(key, { ...whole, value: (whole.value ?? '').slice(0, 100), stamp: '1:2:' });
        else await client.hset(key, { value: '\u0000\u0001{"slug":', stamp: '1:2:' });
      }
    }),
  'redis-huge-value': (stage, durationMs) =>
    spoilKeys(stage, durationMs, (client, [key = '']) =>
      client.eval(
        `redis.call('DEL', KEYS[1]) redis.call('HSET', KEYS[1], 'value', string.rep('x', ${hugeBytes}), 'stamp', '1:2:')`,
        1,
        key,
      ),
    ),
  async 'redis-wrong-types'(stage, durationMs) {
    const taken = await spoilKeys(stage, durationMs, async (client, keys) => {
      for (const key of [...(await client.keys('*')), ...keys]) {
        await client.del(key);
        await client.lpush(key, 'no page');
      }
    });
    await stage.redis.flush();
    return taken;
  },

  async 'postgres-sessions-ended'(stage) {
    await asSuperuser(stage, (client) => client.query(endSessions, [stage.role]));
  },
  async 'postgres-restarted'({ database }, durationMs) {
    await database.postgres.stop('immediate');
    await delay(durationMs);
    await database.startAgain();
  },
  async 'postgres-backend-stopped'(stage, durationMs) {
    const pids = await asSuperuser(stage, async (client) => {
      const sql = `SELECT pid FROM pg_stat_activity WHERE usename = $1 AND state = 'idle' AND query NOT LIKE 'LISTEN%'`;
      return (await client.query<{ pid: number }>(sql, [stage.role])).rows.map(({ pid }) => pid);
    });
    const pid = pick(stage.random, pids);
    process.kill(pid, 'SIGSTOP');
    try {
      await delay(durationMs);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
  },
  'postgres-table-locked': (stage, durationMs) =>
    asSuperuser(stage, async (client) => {
      await client.query('BEGIN');
      await client.query('LOCK TABLE product IN ACCESS EXCLUSIVE MODE');
      await delay(durationMs);
      await client.query('ROLLBACK');
    }),
  async 'postgres-slow'(stage, durationMs) {
    // A policy holds for readers only; its condition is worked out once for a statement.
    await asSuperuser(stage, async (client) => {
      await client.query('CREATE POLICY slow ON product USING ((SELECT pg_sleep(0.3)) IS NOT NULL)');
      await client.query('ALTER TABLE product ENABLE ROW LEVEL SECURITY');
    });
    await delay(durationMs);
    await asSuperuser(stage, async (client) => {
      await client.query('ALTER TABLE product DISABLE ROW LEVEL SECURITY');
      await client.query('DROP POLICY slow ON product');
    });
  },
  async 'postgres-connections-exhausted'(stage, durationMs) {
    const taken: Client[] = [];
    const takeAll = async () => {
      for (;;) {
        const client = new Client({ connectionString: stage.database.urlOf(stage.strangerRole) });
        client.on('error', () => {});
        try {
          await client.connect();
        } catch {
          return;
        }
        taken.push(client);
      }
    };
    try {
      await takeAll();
      await asSuperuser(stage, (client) => client.query(endSessions, [stage.role]));
      const untilMs = performance.now() + durationMs;
      // The server tries again as well.
      while (performance.now() < untilMs) {
        await takeAll();
        await delay(100);
      }
    } finally {
      await Promise.all(taken.map((client) => client.end().catch(() => {})));
    }
  },

  async 'worker-killed'(stage) {
    const count = stage.host.workers.length;
    const victim = await oneWorker(stage);
    // So that its connections do not change while they are looked up.
    process.kill(victim.pid, 'SIGSTOP');
    const workerPorts = portsOf([victim]);
    process.kill(victim.pid, 'SIGKILL');
    await eventually(() => !isRunning(victim));
    const endedAtMs = performance.now();
    const isBack = await eventually(() => isReplaced(stage, victim, count));
    return { workerPorts, endedAtMs, ...(!isBack && { complaint: 'the worker was not replaced' }) };
  },
  async 'worker-paused'(stage, durationMs) {
    const victim = await oneWorker(stage);
    process.kill(victim.pid, 'SIGSTOP');
    const held = portsOf([victim]);
    await delay(durationMs);
    const handedOver = handedOverPorts(stage);
    process.kill(victim.pid, 'SIGCONT');
    return { workerPorts: held.union(handedOver) };
  },
  async 'worker-stopped'(stage) {
    const count = stage.host.workers.length;
    const victim = await oneWorker(stage);
    process.kill(victim.pid, 'SIGSTOP');
    const held = portsOf([victim]);
    await delay(3000);
    const handedOver = handedOverPorts(stage);
    const isKilled = await eventually(() => !isRunning(victim), hungForMs);
    if (!isKilled) process.kill(victim.pid, 'SIGKILL');
    await eventually(() => !isRunning(victim));
    const endedAtMs = performance.now();
    await eventually(() => isReplaced(stage, victim, count));
    return {
      workerPorts: held.union(handedOver),
      endedAtMs,
      ...(!isKilled && { complaint: `the worker hung for ${hungForMs / 1000} s and was not killed` }),
    };
  },
  async 'worker-descriptors'(stage, durationMs) {
    const victim = await oneWorker(stage);
    const limit = softLimit(victim.pid);
    const setLimit = (most: string) =>
      execFileSync('prlimit', ['--pid', String(victim.pid), `--nofile=${most}:`]);
    setLimit(String(lowestFreeDescriptor(victim.pid)));
    try {
      await delay(durationMs);
    } finally {
      if (isRunning(victim)) setLimit(limit);
    }
  },

  async 'primary-killed'({ host }) {
    const { primary, starts, workers } = host;
    if (primary === undefined) throw new Error('There is no primary that the fault could befall.');
    const primaryPorts = portsOf(workers);
    process.kill(primary.pid, 'SIGKILL');
    const isBack = await eventually(() => host.starts > starts);
    return { primaryPorts, ...(!isBack && { complaint: 'no other server became ready' }) };
  },

  async 'clock-moved'({ clockFile }, durationMs) {
    if (clockFile === undefined) return;
    writeFileSync(clockFile, '+3600\n');
    await delay(durationMs);
    writeFileSync(clockFile, '+0\n');
  },
};

const endSessions = 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1';

/** A connection that the primary has handed over and nobody has acknowledged is still its own as well. */
const handedOverPorts = ({ host: { primary } }: Stage) => portsOf(primary ? [primary] : []);

/** The limit is one of their numbers, of which some may be free below the highest. */
function lowestFreeDescriptor(pid: number): number {
  const used = new Set(readdirSync(`/proc/${pid}/fd`));
  let number = 0;
  while (used.has(String(number))) number++;
  return number;
}

function softLimit(pid: number): string {
  const limits = readFileSync(`/proc/${pid}/limits`, 'utf8');
  return /^Max open files\s+(\S+)/m.exec(limits)?.[1] ?? 'unlimited';
}
