/** What goes wrong when: made before the run from a seed alone, so that a run can be repeated. */
import { between, dealt, pick, seededRandom } from '../provers/random.ts';

/** Each with the times between which it lasts, where it is not over at once. */
const kinds = {
  'worker-killed': { at: 'host' },
  'worker-stopped': { at: 'host', lasts: [300, 3000] },
  'primary-killed': { at: 'host' },
  'primary-stopped': { at: 'host', lasts: [300, 2000] },
  'sessions-ended': { at: 'host' },
  'database-lost': { at: 'host', lasts: [500, 1000] },
  'wake-up-lost': { at: 'host', lasts: [2000, 5000] },
  'redis-stopped': { at: 'redis', lasts: [200, 2000] },
  'redis-killed': { at: 'redis' },
  'redis-flushed': { at: 'redis' },
  'redis-restored': { at: 'redis' },
} as const satisfies Record<string, { at: 'host' | 'redis'; lasts?: readonly [number, number] }>;

export type FaultKind = keyof typeof kinds;

export const faultKinds = Object.keys(kinds) as FaultKind[];

export const faultHelp: Readonly<Record<FaultKind, string>> = {
  'worker-killed': 'kill -9',
  'worker-stopped': 'SIGSTOP for 0.3 to 3 s',
  'primary-killed': 'kill -9; its workers are left to themselves, and another is started at once',
  'primary-stopped': 'SIGSTOP for 0.3 to 2 s',
  'sessions-ended': 'pg_terminate_backend of all of a host',
  'database-lost': 'nothing goes between a host and Postgres for 0.5 to 1 s',
  'wake-up-lost': 'what LISTEN should hear does not arrive for 2 to 5 s',
  'redis-stopped': 'SIGSTOP for 0.2 to 2 s',
  'redis-killed': 'kill -9, and started again empty',
  'redis-flushed': 'FLUSHALL',
  'redis-restored': 'kill -9, and started again from a dump of some seconds before',
};

export interface Fault {
  /** Since the run began. */
  readonly atMs: number;
  readonly kind: FaultKind;
  /** The host's number; undefined for Redis, of which there is one. */
  readonly host?: number;
  /** 0: over at once. */
  readonly durationMs: number;
}

export interface FaultPlanOptions {
  readonly seed: number;
  readonly fromMs: number;
  readonly untilMs: number;
  readonly hosts: number;
  readonly kinds?: readonly FaultKind[];
}

const meanIntervalMs = 2000;

/** In order of time, every kind at least once however short the time, and each as often as any other but for one. */
export function planFaults({
  seed,
  fromMs,
  untilMs,
  hosts,
  kinds: allowed = faultKinds,
}: FaultPlanOptions): Fault[] {
  const random = seededRandom(seed);
  const order = dealt(random, allowed);
  const count = Math.max(allowed.length, Math.round((untilMs - fromMs) / meanIntervalMs));
  const slotMs = (untilMs - fromMs) / count;
  const numbers = Array.from({ length: hosts }, (_, number) => number);
  return Array.from({ length: count }, (_, slot): Fault => {
    const kind = order.next().value;
    const { at, lasts }: { at: 'host' | 'redis'; lasts?: readonly [number, number] } = kinds[kind];
    return {
      atMs: Math.round(fromMs + (slot + random()) * slotMs),
      kind,
      ...(at === 'host' && { host: pick(random, numbers) }),
      durationMs: lasts ? Math.round(between(random, ...lasts)) : 0,
    };
  });
}

export const describeFault = ({ kind, host, durationMs }: Fault): string =>
  [kind, host === undefined ? '' : `host ${host + 1}`, durationMs === 0 ? '' : `${durationMs} ms`]
    .filter((part) => part !== '')
    .join(', ');
