import type { Config } from '../config.ts';
import { logLinesDropped } from '../metrics/catalogue.ts';
import type { MetricsSource, PrimarySamples, Sample } from '../metrics/exposition.ts';
import { requiredSlot } from '../metrics/recorder.ts';
import type { Totals } from '../metrics/totals.ts';
import packageJson from '../package.json' with { type: 'json' };
import type { ExitReason } from './exit-reason.ts';
import type { HostFeedState } from './host-feed.ts';
import type { Slot } from './primary.ts';

export interface PrimaryState {
  readonly config: Config;
  readonly slots: readonly Slot[];
  readonly totals: Totals;
  readonly exits: Readonly<Record<ExitReason, number>>;
  readonly feed: Readonly<HostFeedState>;
  /** Of the primary itself. */
  readonly logLinesDropped: () => number;
}

const ownDroppedLines = requiredSlot(logLinesDropped, { process: 'primary' });

/** Everything there is to expose, as the primary knows it at this moment. */
export function metricsSource(state: PrimaryState): MetricsSource {
  const { slots, totals } = state;
  const sum = totals.sum();
  sum[ownDroppedLines] = state.logLinesDropped();
  return {
    totals: sum,
    placeTotals: new Map(slots.map(({ number }) => [String(number), totals.sumOfPlace(number)])),
    gauges: new Map(slots.flatMap(({ number, gauges }) => (gauges ? [[String(number), gauges]] : []))),
    primary: primarySamples(state, performance.now()),
  };
}

function primarySamples({ config, slots, exits, feed }: PrimaryState, nowMs: number): PrimarySamples {
  const perWorker = (value: (slot: Slot) => number): Sample[] =>
    slots.flatMap((slot) =>
      slot.worker ? [{ labels: { worker: String(slot.number) }, value: value(slot) }] : [],
    );
  const unixTime = (atMs: number) => (performance.timeOrigin + atMs) / 1000;
  return {
    workers: (['starting', 'ready', 'stopping', 'waiting'] as const).map((state) => ({
      labels: { state },
      value: slots.filter((slot) => slot.state === state).length,
    })),
    workersDesired: [{ labels: {}, value: slots.length }],
    workerExits: Object.entries(exits).map(([reason, value]) => ({ labels: { reason }, value })),
    feedUp: [
      { labels: { connection: 'ask' }, value: Number(feed.isAnswered) },
      { labels: { connection: 'listen' }, value: Number(feed.isListening) },
    ],
    feedGaps: [{ labels: {}, value: feed.gaps }],
    changesRead: [{ labels: {}, value: feed.changesRead }],
    changesPending: [{ labels: {}, value: feed.pending }],
    redisJoined: [{ labels: {}, value: Number(feed.isRedisJoined) }],
    redisJoins: Object.entries(feed.joins).map(([result, value]) => ({ labels: { result }, value })),
    snapshotAge: perWorker(({ startedAtMs, toldAtMs }) => (nowMs - (toldAtMs ?? startedAtMs)) / 1000),
    workerStartTime: perWorker(({ startedAtMs }) => unixTime(startedAtMs)),
    processStartTime: [{ labels: {}, value: unixTime(0) }],
    buildInfo: [{ labels: { version: packageJson.version, node: process.versions.node }, value: 1 }],
    configInfo: [{ labels: configLabels(config), value: 1 }],
  };
}

/** The numbers but for ports, which are where and not how; never a text, which may be long or a secret. */
function configLabels(config: Config): Record<string, string> {
  const numbers = Object.entries(config).filter(
    ([name, value]) => typeof value === 'number' && !/port$/i.test(name),
  );
  return {
    ...Object.fromEntries(
      numbers.map(([name, value]) => [
        name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
        String(value),
      ]),
    ),
    redis: config.redisUrl === '' ? 'off' : 'on',
  };
}
