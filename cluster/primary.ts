/** The primary: forks a worker per slot, replaces those that die, answers the admin port. It serves no page. */
import cluster, { type Worker } from 'node:cluster';
import type { Server } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../config.ts';
import { createTotals } from '../metrics/totals.ts';
import { createAdminServer } from './admin-server.ts';
import { type ExitReason, exitReason } from './exit-reason.ts';
import { takeBackConnections } from './handed-over.ts';
import { startHostFeed } from './host-feed.ts';
import { forwardLines } from './log-output.ts';
import { startLogging } from './logger.ts';
import { isWorkerMessage, type PrimaryMessage, type WorkerMessage } from './messages.ts';
import { listenProblem } from './preflight.ts';
import { recoveredAfterMs, restartPolicy } from './restart-policy.ts';

/** One place for a worker, numbered from 0. The number outlives its workers; it is their metrics' label. */
export interface Slot {
  readonly number: number;
  state: 'starting' | 'ready' | 'stopping' | 'waiting';
  worker: Worker | undefined;
  startedAtMs: number;
  deathsInRow: number;
  restarts: number;
  gauges: readonly (number | null)[] | undefined;
  /** When this worker last told its metrics; undefined: not yet. */
  toldAtMs: number | undefined;
}

const killAfterDeadlineMs = 1000;
/** For what workers said last, which may still be on its way when they have ended. */
const lastLinesMs = 500;

/** Resolves when the workers are started; the process then lives until it is told to stop or gives up. */
export async function runPrimary(config: Config): Promise<void> {
  let logLinesDropped = 0;
  const { logger, output } = startLogging(config, (lines) => {
    logLinesDropped += lines;
  });
  // Workers' lines go through here.
  cluster.setupPrimary({ stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
  const workerLogs = new Set<Promise<void>>();
  const totals = createTotals();
  const slots = Array.from(
    { length: config.workers },
    (_, number): Slot => ({
      number,
      state: 'waiting',
      worker: undefined,
      startedAtMs: 0,
      deathsInRow: 0,
      restarts: -1,
      gauges: undefined,
      toldAtMs: undefined,
    }),
  );
  const exits: Record<ExitReason, number> = { clean: 0, crash: 0, oom: 0, signal: 0 };
  let deathsBeforeReady = 0;
  let announced = false;
  let exitCode: number | undefined;
  /** Those who know where the history begins, or will be told so together with all others. */
  const greeted = new Set<Worker>();
  const feed = startHostFeed({
    config,
    logger,
    tellWorkers(message) {
      for (const worker of greeted) tell(worker, { type: 'feed', message });
    },
  });

  const admin = createAdminServer({
    config,
    slots,
    totals,
    exits,
    feed: feed.state,
    logLinesDropped: () => logLinesDropped,
    isStopping: () => exitCode !== undefined,
    onUnexpectedError: (error) => logger.error({ err: error }, 'the admin server failed unexpectedly'),
  });
  const adminPort = await listenAdmin(admin, config).catch((error: NodeJS.ErrnoException) => {
    process.stderr.write(`${listenProblem('ADMIN_PORT', config.adminHost, config.adminPort, error)}\n`);
    process.exit(1);
  });

  function greet(worker: Worker): void {
    greeted.add(worker);
    for (const message of feed.greeting()) tell(worker, { type: 'feed', message });
  }

  function start(slot: Slot): void {
    const worker = cluster.fork();
    const startedAtMs = performance.now();
    Object.assign(slot, { worker, state: 'starting', startedAtMs, gauges: undefined, toldAtMs: undefined });
    slot.restarts++;
    if (worker.process.stdout) {
      const log = forwardLines(worker.process.stdout, output);
      workerLogs.add(log);
      void log.then(() => workerLogs.delete(log));
    }
    takeBackConnections(worker, () =>
      slots.some(({ worker: other, state }) => other !== worker && state === 'ready'),
    );
    worker.on('message', (message: unknown) => {
      if (isWorkerMessage(message)) receive(slot, worker, message);
    });
    worker.on('exit', (code, signal) => {
      greeted.delete(worker);
      exits[exitReason(code, signal)]++;
      died(slot, worker, signal ?? code);
    });
    // Not `exit`, which may come before the last of what the worker had sent is read.
    worker.on('disconnect', () => totals.retire(worker.id));
    // A worker that could not be made (no process, descriptor or program to be had) has no exit; it is tried again.
    worker.on('error', (error) => {
      if (worker.process.pid !== undefined) return;
      exits.crash++;
      died(slot, worker, error.message);
    });
  }

  function receive(slot: Slot, worker: Worker, message: WorkerMessage): void {
    switch (message.type) {
      case 'metrics':
        totals.update(slot.number, worker.id, message.totals);
        if (message.last) tell(worker, { type: 'metrics-taken' });
        // What a dead worker had sent may be read when its successor is there.
        if (slot.worker === worker)
          Object.assign(slot, { gauges: message.gauges, toldAtMs: performance.now() });
        return;
      case 'failed':
        return giveUp(message.reason);
      case 'greet':
        return greet(worker);
      case 'ready':
        deathsBeforeReady = 0;
        if (slot.state === 'starting') slot.state = 'ready';
        logger.info({ worker: slot.number, workerPid: worker.process.pid }, 'a worker is ready');
        if (!announced && slots.every(({ state }) => state === 'ready')) announce(message.port);
    }
  }

  function announce(port: number): void {
    announced = true;
    const url = `http://${authority(config.host, port)}`;
    const adminUrl = `http://${authority(config.adminHost, adminPort)}`;
    logger.info({ url, adminUrl, workers: slots.length }, 'all workers are ready');
    process.send?.({ type: 'ready', url, adminUrl });
  }

  function died(slot: Slot, worker: Worker, cause: number | string): void {
    slot.worker = undefined;
    slot.gauges = undefined;
    if (exitCode !== undefined) {
      if (slots.every(({ worker }) => worker === undefined)) void finish(exitCode);
      return;
    }
    const livedMs = performance.now() - slot.startedAtMs;
    slot.deathsInRow = livedMs >= recoveredAfterMs ? 1 : slot.deathsInRow + 1;
    if (slot.state === 'starting') deathsBeforeReady++;
    slot.state = 'waiting';
    const { deathsInRow } = slot;
    const isAnyReady = slots.some(({ state }) => state === 'ready');
    const verdict = restartPolicy({ deathsInRow, deathsBeforeReady, isAnyReady }, Math.random());
    if (verdict.action === 'give-up')
      return giveUp(`The last ${deathsBeforeReady} workers died before they were ready (last: ${cause}).`);
    logger.warn(
      {
        worker: slot.number,
        workerPid: worker.process.pid,
        cause,
        restartAfterMs: Math.round(verdict.afterMs),
      },
      'a worker died',
    );
    setTimeout(() => {
      if (exitCode === undefined) start(slot);
    }, verdict.afterMs);
  }

  function giveUp(reason: string): void {
    if (exitCode !== undefined) return;
    logger.fatal(reason);
    process.stderr.write(`${reason}\n`);
    stop(1);
  }

  /** Drains all workers and exits. Called again, it does not wait for them. */
  function stop(code: number): void {
    const workers = slots.flatMap(({ worker }) => worker ?? []);
    if (exitCode !== undefined) return killAll(workers);
    exitCode = code;
    logger.info('stopping');
    if (workers.length === 0) return void finish(code);
    for (const slot of slots) slot.state = 'stopping';
    // A signal rather than a message: a worker that is still loading its modules would never hear the message.
    for (const worker of workers) worker.process.kill('SIGTERM');
    setTimeout(() => killAll(workers), config.shutdownDeadlineMs + killAfterDeadlineMs);
  }

  async function finish(code: number): Promise<void> {
    admin.close();
    void feed.stop();
    await Promise.race([Promise.all(workerLogs), delay(lastLinesMs)]);
    await output.flush();
    process.exit(code);
  }

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop(0));
  for (const slot of slots) start(slot);
}

function tell(worker: Worker, message: PrimaryMessage): void {
  worker.send(message, () => {
    // It may have gone already.
  });
}

function killAll(workers: readonly Worker[]): void {
  for (const worker of workers) worker.process.kill('SIGKILL');
}

function listenAdmin(admin: Server, { adminHost: host, adminPort: port }: Config): Promise<number> {
  return new Promise((resolve, reject) => {
    admin.once('error', reject);
    admin.listen({ host, port }, () => {
      const address = admin.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

/** An IPv6 address goes in brackets; one that listens everywhere is reached by the loopback address. */
function authority(host: string, port: number): string {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}
