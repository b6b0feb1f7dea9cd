/** What a worker tells the primary of itself, every second and when it ends. */
import { readdirSync, statSync } from 'node:fs';
import { constants, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import type { Redis } from 'ioredis';
import type pg from 'pg';
import type { Breaker } from '../cache/breaker.ts';
import type { Coherence } from '../cache/coherence.ts';
import type { ReadThrough } from '../cache/read-through.ts';
import type { Config } from '../config.ts';
import type { workerGauges } from '../metrics/catalogue.ts';
import type { GarbageCollection, Recorder } from '../metrics/recorder.ts';
import type { Admission } from '../server/admission.ts';
import type { Listener } from '../server/listener.ts';
import { type Pressure, timerMs } from '../server/pressure.ts';
import { isPrimaryMessage } from './messages.ts';
import { tellPrimary } from './tell-primary.ts';

const intervalMs = 1000;
/** A primary that takes longer has other troubles than a last second of metrics. */
const longestFlushMs = 500;

export interface Measured {
  readonly recorder: Recorder;
  readonly config: Pick<Config, 'maxConnections' | 'memoryTierBytes' | 'databasePoolMax'>;
  readonly listener: Pick<Listener, 'openConnections'>;
  readonly pages: Pick<
    ReadThrough<unknown>,
    'memoryEntries' | 'memoryBytes' | 'negativeEntries' | 'fillsInFlight'
  >;
  readonly pool: Pick<pg.Pool, 'totalCount' | 'idleCount' | 'waitingCount'>;
  readonly redis: Pick<Redis, 'status'> | undefined;
  readonly breaker: Pick<Breaker, 'state'> | undefined;
  readonly coherence: Pick<Coherence, 'asOfMs' | 'floors'>;
  readonly admission: Pick<Admission, 'limit' | 'queued'>;
  readonly pressure: Pick<Pressure, 'level' | 'timerFired'>;
}

/** Begins to measure and to tell. `flush` resolves when the primary has everything, or does not answer. */
export function tellMetrics(measured: Measured): { flush(): Promise<void> } {
  const { recorder, pressure } = measured;
  watchEventLoop((lateMs) => {
    recorder.eventLoopDelayed(lateMs);
    pressure.timerFired(lateMs);
  });
  watchGarbageCollection(recorder);
  const tell = (last: boolean) =>
    tellPrimary({ type: 'metrics', totals: recorder.totals(), gauges: gaugesOf(measured), last });
  const timer = setInterval(() => void tell(false), intervalMs).unref();
  return {
    flush: () =>
      new Promise((resolve) => {
        clearInterval(timer);
        if (!process.connected) return resolve();
        setTimeout(resolve, longestFlushMs);
        process.on('message', (message) => {
          if (isPrimaryMessage(message) && message.type === 'metrics-taken') resolve();
        });
        void tell(true);
      }),
  };
}

type ForEach<Tuple extends readonly unknown[], Value> = { readonly [Index in keyof Tuple]: Value };

/** One value per label set, in the catalogue's order. */
function gaugesOf(measured: Measured): (number | null)[] {
  const { recorder, config, listener, pages, pool, redis, breaker, coherence, admission, pressure } =
    measured;
  const heap = getHeapStatistics();
  const { asOfMs } = coherence;
  // A tuple per gauge, so that one more gauge in the catalogue is an error here.
  const values: ForEach<typeof workerGauges, readonly (number | null)[]> = [
    [recorder.activeRequests],
    [listener.openConnections],
    [config.maxConnections],
    [pages.memoryEntries, pages.negativeEntries],
    [pages.memoryBytes],
    [config.memoryTierBytes],
    [pages.fillsInFlight],
    [pool.idleCount, pool.totalCount - pool.idleCount],
    [config.databasePoolMax],
    [pool.waitingCount],
    [admission.limit],
    [admission.queued],
    [pressure.level],
    [redis === undefined ? null : Number(redis.status === 'ready')],
    (['closed', 'open', 'half-open'] as const).map((state) =>
      breaker === undefined ? null : Number(breaker.state === state),
    ),
    [asOfMs === undefined ? null : (performance.now() - asOfMs) / 1000],
    [coherence.floors],
    [heap.used_heap_size],
    [heap.heap_size_limit],
    [residentBytes()],
    [openDescriptors()],
  ];
  return values.flat();
}

function watchEventLoop(onFired: (lateMs: number) => void): void {
  let lastAtMs = performance.now();
  setInterval(() => {
    const nowMs = performance.now();
    onFired(Math.max(0, nowMs - lastAtMs - timerMs));
    lastAtMs = nowMs;
  }, timerMs).unref();
}

const collections: ReadonlyMap<unknown, GarbageCollection> = new Map([
  [constants.NODE_PERFORMANCE_GC_MAJOR, 'major'],
  [constants.NODE_PERFORMANCE_GC_MINOR, 'minor'],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental'],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, 'weakcb'],
]);

function watchGarbageCollection(recorder: Recorder): void {
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const kind = collections.get(kindOf(entry));
      if (kind !== undefined) recorder.garbageCollected(kind, entry.duration);
    }
  }).observe({ entryTypes: ['gc'] });
}

/** Which collection it was; the types do not know that entries of this kind tell. */
function kindOf(entry: PerformanceEntry): unknown {
  const detail: unknown = 'detail' in entry ? entry.detail : undefined;
  return typeof detail === 'object' && detail !== null && 'kind' in detail ? detail.kind : undefined;
}

function residentBytes(): number | null {
  try {
    return process.memoryUsage.rss();
  } catch {
    // It is read from a file, for which there may be no descriptor left.
    return null;
  }
}

function openDescriptors(): number | null {
  const folder = '/proc/self/fd';
  try {
    // Linux tells their number since 6.2; before, and where ten thousand are open, counting them takes milliseconds.
    return statSync(folder).size || readdirSync(folder).length;
  } catch {
    return null;
  }
}
