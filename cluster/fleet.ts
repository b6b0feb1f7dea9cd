/**
 * The workers of a primary, one for each place: started, watched, replaced when they die, hang or grow too large, and by
 * others of the same kind when told to (a rolling restart).
 */
import cluster, { type Worker } from 'node:cluster';
import type { Logger } from 'pino';
import type { FeedMessage } from '../cache/coherence.ts';
import type { Config } from '../config.ts';
import { gaugeIndex, residentMemory } from '../metrics/catalogue.ts';
import type { Totals } from '../metrics/totals.ts';
import { type ExitReason, exitReason } from './exit-reason.ts';
import { takeBackConnections } from './handed-over.ts';
import { forwardLines, type LogOutput } from './log-output.ts';
import { isWorkerMessage, type PrimaryMessage, type WorkerMessage } from './messages.ts';
import { recoveredAfterMs, restartPolicy } from './restart-policy.ts';
import { judgeHealth } from './worker-health.ts';

/** One process. */
interface Member {
  readonly worker: Worker;
  readonly startedAtMs: number;
  state: 'starting' | 'ready' | 'stopping';
  gauges: readonly (number | null)[] | undefined;
  /** When it last told its metrics; undefined: not yet. */
  toldAtMs: number | undefined;
  silentSeconds: number;
  secondsTooLarge: number;
  wasHung: boolean;
}

/** A place for a worker, numbered from 0. The number outlives its workers; it is their metrics' label. */
export interface Slot {
  readonly number: number;
  /** Undefined: it died, and the next one is not started yet. */
  readonly member: Readonly<Member> | undefined;
  /** Workers that were started here, less the first. */
  readonly restarts: number;
}

export type ReplacedFor = 'restart' | 'memory';

export interface FleetOptions {
  readonly config: Pick<
    Config,
    'workers' | 'memoryTierBytes' | 'workerMemoryMaxBytes' | 'shutdownDeadlineMs'
  >;
  readonly logger: Logger;
  /** Workers' log lines go there. */
  readonly output: LogOutput;
  readonly totals: Totals;
  /** What a worker that joins is told first. */
  readonly greeting: () => FeedMessage[];
  /** Called once, when all places have a worker that is ready. */
  readonly onReady: (port: number) => void;
  /** No worker will become ready. */
  readonly onGivenUp: (reason: string) => void;
  /** Called once `stop` was, when no worker is left. */
  readonly onGone: () => void;
}

export interface Fleet {
  readonly slots: readonly Slot[];
  /** Workers that have been replaced and still answer what they have. */
  readonly leaving: ReadonlySet<{ readonly worker: Worker }>;
  readonly exits: Readonly<Record<ExitReason, number>>;
  readonly replaced: Readonly<Record<ReplacedFor, number>>;
  start(): void;
  /** Tells what is new to all who know where the history begins. */
  tell(message: FeedMessage): void;
  /**
   * Replaces one worker after the other: the next is ready before the old one is told to stop. While this goes on, one more
   * call begins anew afterwards. A new worker that dies before it is ready ends it, and the old ones stay.
   */
  roll(): Promise<void>;
  /** Resolves when no more log lines come from workers that have ended. */
  saidAll(): Promise<unknown>;
  /** Tells all to finish what they have; called again, ends them at once. */
  stop(): void;
}

const lookMs = 1000;
const killAfterDeadlineMs = 1000;
const gibibyte = 1024 ** 3;

type Place = { -readonly [Key in keyof Slot]: Slot[Key] } & {
  member: Member | undefined;
  successor: Member | undefined;
  deathsInRow: number;
  restart: NodeJS.Timeout | undefined;
};

export function createFleet(options: FleetOptions): Fleet {
  const { config, logger, output, totals } = options;
  const places = Array.from(
    { length: config.workers },
    (_, number): Place => ({
      number,
      member: undefined,
      successor: undefined,
      restarts: -1,
      deathsInRow: 0,
      restart: undefined,
    }),
  );
  const leaving = new Set<Member>();
  const greeted = new Set<Worker>();
  const logs = new Set<Promise<void>>();
  const exits = { clean: 0, crash: 0, oom: 0, hang: 0, signal: 0 };
  const replaced = { restart: 0, memory: 0 };
  // A page costs more than its bytes, and Node needs room of its own.
  const mostResidentBytes = config.workerMemoryMaxBytes || 2 * config.memoryTierBytes + gibibyte;
  const residentIndex = gaugeIndex(residentMemory);
  let deathsBeforeReady = 0;
  let isAnnounced = false;
  let isStopping = false;

  const isAnyReady = (except?: Member) =>
    places.some(({ member }) => member !== except && member?.state === 'ready');

  /** `onEnd` is called once, when the process has ended or could not be made. */
  function fork(place: Place, onReady: () => void, onEnd: (cause: string) => void): Member {
    const worker = cluster.fork();
    const member: Member = {
      worker,
      startedAtMs: performance.now(),
      state: 'starting',
      gauges: undefined,
      toldAtMs: undefined,
      silentSeconds: 0,
      secondsTooLarge: 0,
      wasHung: false,
    };
    place.restarts++;
    if (worker.process.stdout) {
      const log = forwardLines(worker.process.stdout, output);
      logs.add(log);
      void log.then(() => logs.delete(log));
    }
    takeBackConnections(worker, () => isAnyReady(member));
    worker.on('message', (message: unknown) => {
      if (isWorkerMessage(message)) receive(message);
    });
    worker.on('exit', (code, signal) => {
      exits[exitReason(code, signal, member.wasHung)]++;
      end(String(signal ?? code));
    });
    // Not `exit`, which may come before the last of what the worker had sent is read.
    worker.on('disconnect', () => totals.retire(worker.id));
    // A worker that could not be made (no process, descriptor or program to be had) has no exit; it is tried again.
    worker.on('error', (error) => {
      if (worker.process.pid !== undefined) return;
      exits.crash++;
      end(error.message);
    });

    function end(cause: string): void {
      greeted.delete(worker);
      if (!leaving.delete(member)) onEnd(cause);
      if (isStopping && members().length === 0) options.onGone();
    }

    function receive(message: WorkerMessage): void {
      member.silentSeconds = 0;
      switch (message.type) {
        case 'metrics': {
          totals.update(place.number, worker.id, message.totals);
          if (message.last) tell(worker, { type: 'metrics-taken' });
          const isTooLarge = (message.gauges[residentIndex] ?? 0) > mostResidentBytes;
          return void Object.assign(member, {
            gauges: message.gauges,
            toldAtMs: performance.now(),
            secondsTooLarge: isTooLarge ? member.secondsTooLarge + 1 : 0,
          });
        }
        case 'failed':
          // Others serve in the meantime.
          if (place.successor === member || isAnyReady()) return void worker.process.kill('SIGTERM');
          return options.onGivenUp(message.reason);
        case 'greet':
          greeted.add(worker);
          for (const first of options.greeting()) tell(worker, { type: 'feed', message: first });
          return;
        case 'ready':
          deathsBeforeReady = 0;
          if (member.state === 'starting') member.state = 'ready';
          logger.info({ worker: place.number, workerPid: worker.process.pid }, 'a worker is ready');
          onReady();
          announce(message.port);
      }
    }
    return member;
  }

  const members = (): Member[] => [
    ...places.flatMap(({ member, successor }) => [member ?? [], successor ?? []].flat()),
    ...leaving,
  ];

  function start(place: Place): void {
    place.restart = undefined;
    const member = fork(
      place,
      () => {},
      (cause) => died(place, member, cause),
    );
    place.member = member;
  }

  function announce(port: number): void {
    if (isAnnounced || !places.every(({ member }) => member?.state === 'ready')) return;
    isAnnounced = true;
    options.onReady(port);
  }

  function died(place: Place, member: Member, cause: string): void {
    place.member = undefined;
    if (isStopping) return;
    const livedMs = performance.now() - member.startedAtMs;
    place.deathsInRow = livedMs >= recoveredAfterMs ? 1 : place.deathsInRow + 1;
    if (member.state === 'starting') deathsBeforeReady++;
    const { deathsInRow } = place;
    const verdict = restartPolicy(
      { deathsInRow, deathsBeforeReady, isAnyReady: isAnyReady() },
      Math.random(),
    );
    if (verdict.action === 'give-up')
      return options.onGivenUp(
        `The last ${deathsBeforeReady} workers died before they were ready (last: ${cause}).`,
      );
    logger.warn(
      {
        worker: place.number,
        workerPid: member.worker.process.pid,
        cause: member.wasHung ? 'hung' : cause,
        restartAfterMs: Math.round(verdict.afterMs),
      },
      'a worker died',
    );
    place.restart = setTimeout(() => start(place), verdict.afterMs);
  }

  /** Resolves when the place has a new worker, or is about to start one anyway. Rejects when the new one dies before it is ready. */
  function replace(place: Place, reason: ReplacedFor): Promise<void> {
    if (place.member === undefined || place.successor !== undefined || isStopping) return Promise.resolve();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const successor = fork(
      place,
      () => {
        clearTimeout(place.restart);
        const old = place.member;
        Object.assign(place, { member: successor, successor: undefined, restart: undefined, deathsInRow: 0 });
        replaced[reason]++;
        if (old) leave(old);
        resolve();
      },
      (cause) => {
        if (place.member === successor) return died(place, successor, cause);
        place.successor = undefined;
        reject(new Error(`the new worker ended (${cause}) before it was ready`));
      },
    );
    place.successor = successor;
    return promise;
  }

  function leave(member: Member): void {
    leaving.add(member);
    tellToStop(member);
  }

  function tellToStop(member: Member): void {
    member.state = 'stopping';
    // A signal rather than a message: a worker that is still loading its modules would never hear the message.
    member.worker.process.kill('SIGTERM');
    setTimeout(
      () => member.worker.process.kill('SIGKILL'),
      config.shutdownDeadlineMs + killAfterDeadlineMs,
    ).unref();
  }

  const healthOf = (member: Member) =>
    judgeHealth({ ...member, isLoading: member.state === 'starting' && member.toldAtMs === undefined });

  function look(): void {
    for (const member of members()) {
      member.silentSeconds++;
      if (healthOf(member) !== 'hung') continue;
      if (!member.wasHung)
        logger.error({ workerPid: member.worker.process.pid }, 'a worker hangs and is killed');
      member.wasHung = true;
      member.worker.process.kill('SIGKILL');
    }
    const large = places.find(({ member }) => member && healthOf(member) === 'large');
    // One at a time: what they have in memory is read anew, and Postgres feels it.
    if (large === undefined || places.some(({ successor }) => successor) || leaving.size > 0) return;
    logger.warn(
      { worker: large.number, mostResidentBytes },
      'a worker is above its memory limit and is replaced',
    );
    replace(large, 'memory').catch((error) => logger.error({ err: error }, 'the worker stays'));
  }

  let rolling: Promise<void> | undefined;
  let isAskedAgain = false;

  async function rollOnce(): Promise<void> {
    for (const place of places) await replace(place, 'restart');
    // Two generations at a time, as Postgres has connections for no more.
    while (leaving.size > 0 && !isStopping) await new Promise((resolve) => setTimeout(resolve, 50));
  }

  async function rollUntilDone(): Promise<void> {
    try {
      do {
        isAskedAgain = false;
        logger.info('restarting one worker after the other');
        await rollOnce();
      } while (isAskedAgain && !isStopping);
      if (!isStopping) logger.info('all workers are new');
    } catch (error) {
      if (!isStopping) logger.error({ err: error }, 'the rolling restart was given up; the old workers stay');
    } finally {
      rolling = undefined;
    }
  }

  return {
    slots: places,
    leaving,
    exits,
    replaced,
    start() {
      for (const place of places) start(place);
      setInterval(look, lookMs);
    },
    tell(message) {
      for (const worker of greeted) tell(worker, { type: 'feed', message });
    },
    roll() {
      isAskedAgain = true;
      rolling ??= rollUntilDone();
      return rolling;
    },
    saidAll: () => Promise.all(logs),
    stop() {
      const all = members();
      if (isStopping) {
        for (const { worker } of all) worker.process.kill('SIGKILL');
        return;
      }
      isStopping = true;
      for (const { restart } of places) clearTimeout(restart);
      if (all.length === 0) return options.onGone();
      for (const member of all) tellToStop(member);
    },
  };
}

function tell(worker: Worker, message: PrimaryMessage): void {
  worker.send(message, () => {
    // It may have gone already.
  });
}
