/** The primary: keeps the workers, follows the change log, answers the admin port. It serves no page. */
import cluster from 'node:cluster';
import type { Server } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { isatty } from 'node:tty';
import type { Config } from '../config.ts';
import { createTotals } from '../metrics/totals.ts';
import { createAdminServer } from './admin-server.ts';
import { createFleet } from './fleet.ts';
import { startHostFeed } from './host-feed.ts';
import { startLogging } from './logger.ts';
import { listenProblem } from './preflight.ts';

const standardInput = 0;
/**
 * V8's own 32 MiB are more than a core's caches hold, and what sockets have read is freed with them: V8 counts it by itself, and
 * makes a major collection when there is much of it.
 */
const youngGenerationMiB = 8;
/** For what workers said last, which may still be on its way when they have ended. */
const lastLinesMs = 500;

/** Resolves when the workers are started; the process then lives until it is told to stop or gives up. */
export async function runPrimary(config: Config): Promise<void> {
  let logLinesDropped = 0;
  const { logger, output } = startLogging(config, (lines) => {
    logLinesDropped += lines;
  });
  cluster.setupPrimary({
    // Workers' lines go through here.
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    execArgv: [...process.execArgv, `--max-semi-space-size=${youngGenerationMiB}`],
  });
  const totals = createTotals();
  const hasTerminal = isatty(standardInput);
  let exitCode: number | undefined;

  const fleet = createFleet({
    config,
    logger,
    output,
    totals,
    greeting: () => feed.greeting(),
    onReady(port) {
      const url = `http://${authority(config.host, port)}`;
      const adminUrl = `http://${authority(config.adminHost, adminPort)}`;
      logger.info({ url, adminUrl, workers: config.workers }, 'all workers are ready');
      process.send?.({ type: 'ready', url, adminUrl });
    },
    onGivenUp(reason) {
      if (exitCode !== undefined) return;
      logger.fatal(reason);
      process.stderr.write(`${reason}\n`);
      stop(1);
    },
    onGone() {
      void finish();
    },
  });
  const feed = startHostFeed({ config, logger, tellWorkers: fleet.tell });
  const admin = createAdminServer({
    config,
    fleet,
    totals,
    feed: feed.state,
    logLinesDropped: () => logLinesDropped,
    isStopping: () => exitCode !== undefined,
    onUnexpectedError: (error) => logger.error({ err: error }, 'the admin server failed unexpectedly'),
  });
  const adminPort = await listenAdmin(admin, config).catch((error: NodeJS.ErrnoException) => {
    process.stderr.write(`${listenProblem('ADMIN_PORT', config.adminHost, config.adminPort, error)}\n`);
    process.exit(1);
  });

  /** Drains all workers and exits. Called again, it does not wait for them. */
  function stop(code: number): void {
    if (exitCode === undefined) logger.info('stopping');
    exitCode ??= code;
    fleet.stop();
  }

  async function finish(): Promise<void> {
    admin.close();
    void feed.stop();
    await Promise.race([fleet.saidAll(), delay(lastLinesMs)]);
    await output.flush();
    process.exit(exitCode);
  }

  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop(0));
  process.on('SIGHUP', () => {
    // From a terminal that was closed, it means what its name says.
    if (hasTerminal && !isatty(standardInput)) stop(0);
    else void fleet.roll();
  });
  fleet.start();
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
