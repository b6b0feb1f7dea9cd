import type { Config } from '../config.ts';
import { logLinesDropped } from '../metrics/catalogue.ts';
import type { MetricsSource, PrimarySamples, Sample } from '../metrics/exposition.ts';
import { requiredSlot } from '../metrics/recorder.ts';
import type { Totals } from '../metrics/totals.ts';
import packageJson from '../package.json' with { type: 'json' };
import type { Fleet, Slot } from './fleet.ts';
import type { HostFeedState } from './host-feed.ts';

export interface PrimaryState {
  readonly config: Config;
  readonly fleet: Pick<Fleet, 'slots' | 'leaving' | 'exits' | 'replaced'>;
  readonly totals: Totals;
  readonly feed: Readonly<HostFeedState>;
  /** Of the primary itself. */
  readonly logLinesDropped: () => number;
}

const ownDroppedLines = requiredSlot(logLinesDropped, { process: 'primary' });

/** Everything there is to expose, as the primary knows it at this moment. */
export function metricsSource(state: PrimaryState): MetricsSource {
  const { fleet, totals } = state;
  const { slots } = fleet;
  const sum = totals.sum();
  sum[ownDroppedLines] = state.logLinesDropped();
  return {
    totals: sum,
    placeTotals: new Map(slots.map(({ number }) => [String(number), totals.sumOfPlace(number)])),
    gauges: new Map(
      slots.flatMap(({ number, member }) => (member?.gauges ? [[String(number), member.gauges]] : [])),
    ),
    primary: primarySamples(state, performance.now()),
  };
}

function primarySamples({ config, fleet, feed }: PrimaryState, nowMs: number): PrimarySamples {
  const { slots, leaving, exits, replaced } = fleet;
  const perWorker = (value: (member: NonNullable<Slot['member']>) => number): Sample[] =>
    slots.flatMap(({ number, member }) =>
      member ? [{ labels: { worker: String(number) }, value: value(member) }] : [],
    );
  const unixTime = (atMs: number) => (performance.timeOrigin + atMs) / 1000;
  const inState = (state: string) =>
    slots.filter(({ member }) => (member?.state ?? 'waiting') === state).length;
  return {
    workers: [
      { labels: { state: 'starting' }, value: inState('starting') },
      { labels: { state: 'ready' }, value: inState('ready') },
      { labels: { state: 'stopping' }, value: inState('stopping') + leaving.size },
      { labels: { state: 'waiting' }, value: inState('waiting') },
    ],
    workersDesired: [{ labels: {}, value: slots.length }],
    workerExits: Object.entries(exits).map(([reason, value]) => ({ labels: { reason }, value })),
    workersReplaced: Object.entries(replaced).map(([reason, value]) => ({ labels: { reason }, value })),
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
