/** What goes wrong, one thing after the other: in an order that comes from a seed alone, so that a run can be repeated. */
import { between, dealt, type Random } from '../provers/random.ts';

interface Kind {
  readonly help: string;
  /** Between which times it lasts, in milliseconds; without: it is over at once, or when it is. */
  readonly lasts?: readonly [number, number];
}

const kinds = {
  'redis-killed': { help: 'kill -9, and started again empty after 1 to 3 s', lasts: [1000, 3000] },
  'redis-stopped': { help: 'SIGSTOP for 1 to 3 s', lasts: [1000, 3000] },
  'redis-black-hole': { help: 'nothing goes between server and Redis for 1 to 3 s', lasts: [1000, 3000] },
  'redis-out-of-memory': {
    help: 'maxmemory 1mb without eviction, which refuses all writes, for 2 to 4 s',
    lasts: [2000, 4000],
  },
  'redis-read-only': {
    help: 'REPLICAOF a server that is not there, for 2 to 4 s',
    lasts: [2000, 4000],
  },
  'redis-loading': { help: 'kill -9, and started with a dump that takes some 3 s to read' },
  'redis-flushed': { help: 'FLUSHALL' },
  'redis-garbage': {
    help: 'bytes that are no page, half a page, or another page, under the keys that are asked for',
    lasts: [3000, 4000],
  },
  'redis-huge-value': { help: '100 MB under a key that is asked for', lasts: [3000, 4000] },
  'redis-wrong-types': {
    help: 'lists in the place of all keys, and of those asked for',
    lasts: [3000, 4000],
  },
  'postgres-sessions-ended': { help: "pg_terminate_backend of all of the server's" },
  'postgres-restarted': { help: 'immediate stop, and started again after 1 to 3 s', lasts: [1000, 3000] },
  'postgres-backend-stopped': {
    help: "SIGSTOP of one of the server's sessions for 2 to 4 s",
    lasts: [2000, 4000],
  },
  'postgres-table-locked': { help: 'LOCK TABLE product for 2 to 4 s', lasts: [2000, 4000] },
  'postgres-slow': { help: 'each statement takes 0.3 s more, for 3 to 5 s', lasts: [3000, 5000] },
  'postgres-connections-exhausted': {
    help: "all of max_connections taken, the server's own ended, for 2 to 4 s",
    lasts: [2000, 4000],
  },
  'worker-killed': { help: 'kill -9' },
  'worker-paused': { help: 'SIGSTOP for 1 to 3 s', lasts: [1000, 3000] },
  'worker-stopped': { help: 'SIGSTOP until the server has replaced it' },
  'worker-descriptors': {
    help: 'a worker may open no more descriptors than it has, for 2 to 4 s',
    lasts: [2000, 4000],
  },
  'primary-killed': { help: 'kill -9; another is started at once, as a supervisor would' },
  'clock-moved': {
    help: "the server's wall clock an hour forward, and back after 2 to 4 s",
    lasts: [2000, 4000],
  },
} as const satisfies Record<string, Kind>;

export type FaultKind = keyof typeof kinds;

export const faultKinds = Object.keys(kinds) as FaultKind[];

export const faultHelp = (kind: FaultKind): string => kinds[kind].help;

export interface Fault {
  readonly kind: FaultKind;
  /** 0: it is over at once, or when it is. */
  readonly durationMs: number;
}

/** Without an end; every kind comes once before any comes again. */
export function* planFaults(random: Random, allowed: readonly FaultKind[]): Generator<Fault, never> {
  for (const kind of dealt(random, allowed)) {
    const { lasts }: Kind = kinds[kind];
    yield { kind, durationMs: lasts ? Math.round(between(random, ...lasts)) : 0 };
  }
  throw new Error('There are no kinds of faults.');
}
