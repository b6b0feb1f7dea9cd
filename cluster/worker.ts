/** A worker: everything that serves pages, put together here and taken apart in reverse. */
import cluster from 'node:cluster';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { Redis } from 'ioredis';
import { createBreaker } from '../cache/breaker.ts';
import { type Coherence, createCoherence, type FeedMessage } from '../cache/coherence.ts';
import { createGatherer } from '../cache/gather.ts';
import { createReadThrough } from '../cache/read-through.ts';
import { createRedisTier } from '../cache/redis-tier.ts';
import type { Config } from '../config.ts';
import {
  createRecorder,
  type DatabaseOperation,
  type Recorder,
  silentRecorder,
} from '../metrics/recorder.ts';
import { createAdmission } from '../server/admission.ts';
import type { LoggedRequest } from '../server/answers.ts';
import { createBrowserPages } from '../server/browser-pages.ts';
import { createHandler } from '../server/handler.ts';
import { backlogMax } from '../server/limits.ts';
import { queryOf } from '../server/list-query.ts';
import { createListener, type Listener } from '../server/listener.ts';
import { contractCacheControl, openapiDocument } from '../server/openapi.ts';
import { pageListParameters } from '../server/page-routes.ts';
import { createPressure } from '../server/pressure.ts';
import { createExports } from '../server/product-export.ts';
import { createRepresentation, type Representation, representationCodec } from '../server/representation.ts';
import { readChanges } from '../sql/change-feed.ts';
import { failureKind, isConnectionTimeout } from '../sql/errors.ts';
import { createReaderPool } from '../sql/pool.ts';
import { readProductBatch } from '../sql/product-export.ts';
import { type ProductPage, readProductPage, readProductPages } from '../sql/product-page.ts';
import { createStorefront } from '../storefront/storefront.ts';
import { newsBy, postgresHistory } from './change-source.ts';
import { drain } from './drain.ts';
import { createFailureLog } from './failure-log.ts';
import { connectLoggedRedis } from './logged-redis.ts';
import { startLogging } from './logger.ts';
import { isPrimaryMessage } from './messages.ts';
import { listenProblem } from './preflight.ts';
import { operationOf, readList } from './read-list.ts';
import { ownTimeMs } from './system-clock.ts';
import { tellPrimary } from './tell-primary.ts';
import { warmUp } from './warm-up.ts';
import { tellMetrics } from './worker-metrics.ts';

const listsMaxBytes = 8 * 1024 * 1024;
// Redis answers what is asked together within a millisecond or two, and where cores are short within several.
const gatherWindowMs = 10;
// A fill gives up a little before its time is over, so that the answer that says so is in time as well.
const fillShare = 0.9;

export async function runWorker(config: Config): Promise<void> {
  // Of use to the bench alone, which compares; so it is no setting.
  const recorder = process.env.FRONTSHELF_RECORDING === 'off' ? silentRecorder : createRecorder();
  const { logger, output } = startLogging(config, recorder.logLinesDropped);
  const now = () => performance.now();
  const state = { ready: false, draining: false };

  const pool = createReaderPool({
    connectionString: config.databaseUrl,
    max: config.databasePoolMax,
    timeoutMs: config.databaseTimeoutMs,
    applicationName: 'frontshelf',
    onError: (error) => logger.warn({ err: error }, 'an idle connection to Postgres was lost'),
  });
  const redis = config.redisUrl === '' ? undefined : connectLoggedRedis(config, 'frontshelf', logger);
  const coherence = createCoherence({
    history: postgresHistory,
    stalenessMs: config.stalenessMs,
    ask: (since) => newsBy(() => readChanges(pool, since), now),
    askEveryMs: config.pollMs,
    onChanges: recorder.changed,
    askGreeting: () => void tellPrimary({ type: 'greet' }),
    now,
    delay,
  });
  const begun = followFeed(coherence);
  const pressure = createPressure();
  const admission = createAdmission({
    // So nobody waits for a connection, and what else the pool is used for finds one soon.
    capacity: config.databasePoolMax,
    pressure,
    observer: recorder.admission,
    now,
    delay,
  });
  const codec = representationCodec(config.cacheControl);
  const breaker = redis && createBreaker({ probe: () => redis.ping(), delay });
  const shared = {
    codec,
    delay,
    leaseMs: config.leaseMs,
    staleWhileRevalidateMs: config.staleWhileRevalidateMs,
    fillTimeoutMs: config.databaseTimeoutMs * fillShare,
    negativeTtlMs: config.negativeTtlMs,
    staleIfErrorMs: config.staleIfErrorMs,
    now,
    random: Math.random,
  };
  const loaded = ({ body, snapshot }: ProductPage) => ({
    value: body === null ? undefined : createRepresentation(body, config.cacheControl),
    stamp: snapshot,
  });
  const gatherer = createGatherer<Representation>({
    loadOne: async (slug, demand) =>
      loaded(await admission.run(demand, () => timed(recorder, 'product_page', readProductPage(pool, slug)))),
    loadMany: async (slugs, demand) => {
      const found = await admission.run(demand, () =>
        timed(recorder, 'product_pages', readProductPages(pool, slugs)),
      );
      return new Map([...found].map(([slug, page]) => [slug, loaded(page)]));
    },
    windowMs: gatherWindowMs,
    delay,
  });
  const pages = createReadThrough<Representation>({
    ...shared,
    load: gatherer.load,
    memoryMaxBytes: config.memoryTierBytes,
    memoryTtlMs: config.memoryTtlMs,
    redis:
      redis &&
      createRedisTier({
        redis,
        codec,
        history: postgresHistory,
        leaseMs: config.leaseMs,
        random: Math.random,
        ...(breaker && { breaker }),
        observer: recorder.redis,
      }),
    redisTtlMs: config.redisTtlMs,
    coherence,
    observer: recorder.cache,
  });
  // As long again as a worker may keep it: what a list says is at most twice LIST_TTL_MS old.
  const listCacheControl = `public, max-age=${Math.floor(config.listTtlMs / 1000)}`;
  const lists = createReadThrough<Representation>({
    ...shared,
    negativeTtlMs: Math.min(config.negativeTtlMs, config.listTtlMs),
    load: async (key, demand) => {
      const query = queryOf(key);
      const answer = await admission.run(demand, () =>
        timed(recorder, operationOf(query), readList(pool, query)),
      );
      return {
        value: answer && createRepresentation(answer.body, listCacheControl, { link: answer.link }),
        stamp: '',
      };
    },
    // Whoever is answered from memory is told no more than the list's time.
    staleWhileRevalidateMs: 0,
    memoryMaxBytes: config.listTtlMs === 0 ? 0 : listsMaxBytes,
    memoryTtlMs: config.listTtlMs,
    redis: undefined,
    redisTtlMs: 0,
  });

  const exports = createExports({
    read: (afterId, limit, demand) =>
      admission.run(demand, () =>
        timed(recorder, 'product_export', readProductBatch(pool, { afterId, limit })),
      ),
    now,
    delay,
  });

  const listener: Listener = createListener(
    createHandler({
      pages,
      gatherer,
      lists,
      exports,
      openapi: createRepresentation(openapiDocument, contractCacheControl),
      browserPages: createBrowserPages(createStorefront(pageListParameters)),
      observer: recorder,
      isReady: () => state.ready && pressure.level < 3,
      closesConnections: () => state.draining || listener.isCrowded || pressure.level === 3,
      onFailure: createFailureLog(logger, now),
      ...(config.accessLogSampleRate > 0 && {
        accessLog: {
          sampleRate: config.accessLogSampleRate,
          log: (request: LoggedRequest) => logger.info(request, 'request'),
        },
      }),
    }),
    { maxConnections: config.maxConnections, observer: recorder },
  );
  const { server } = listener;

  let listening: Promise<unknown> | undefined;
  const metrics = tellMetrics({
    recorder,
    config,
    listener,
    pages,
    pool,
    redis,
    breaker,
    coherence,
    admission,
    pressure,
  });
  stopWhenTold(async () => {
    state.ready = false;
    state.draining = true;
    // A server that is closed while it waits for its port ends the process when the port is not to be had.
    if (process.connected) await Promise.race([listening?.catch(() => {}), once(process, 'disconnect')]);
    await drain(server, config.shutdownDeadlineMs);
    redis?.disconnect();
    await Promise.race([pool.end(), new Promise((resolve) => setTimeout(resolve, 500))]);
    await metrics.flush();
    await output.flush();
    process.exit(0);
  });

  // Before it knows where the history begins it could not tell what is outdated.
  await begun;
  await Promise.all([
    warmUp(pages, pool, config, logger, recordingOf(recorder, 'warm_up')),
    // Redis is worth a moment's wait, as the first requests would otherwise go past it.
    redis && untilReady(redis, 500),
  ]);
  if (state.draining) return;
  try {
    const bound = listen(server, config);
    listening = bound;
    const port = await bound;
    state.ready = true;
    void tellPrimary({ type: 'ready', port });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    void tellPrimary({ type: 'failed', reason: listenProblem('PORT', config.host, config.port, error) });
  }
}

/** Records how long an operation takes that begins now, whenever the returned function is called with its error, if any. */
function recordingOf(recorder: Recorder, operation: DatabaseOperation): (error?: unknown) => void {
  const startedAtMs = performance.now();
  return (error) => {
    const failure = error === undefined ? undefined : failureKind(error);
    recorder.databaseAnswered(operation, performance.now() - startedAtMs, failure);
    if (isConnectionTimeout(error)) recorder.connectionTimedOut();
  };
}

async function timed<T>(recorder: Recorder, operation: DatabaseOperation, answer: Promise<T>): Promise<T> {
  const record = recordingOf(recorder, operation);
  try {
    const result = await answer;
    record();
    return result;
  } catch (error) {
    record(error);
    throw error;
  }
}

/** Resolves when the primary has told where the history begins. */
function followFeed(coherence: Coherence): Promise<void> {
  return new Promise((resolve) => {
    process.on('message', (message) => {
      if (!isPrimaryMessage(message) || message.type !== 'feed') return;
      coherence.receive(inOwnTime(message.message));
      if (coherence.asOfMs !== undefined) resolve();
    });
    void tellPrimary({ type: 'greet' });
  });
}

const inOwnTime = (message: FeedMessage): FeedMessage =>
  'asOfMs' in message ? { ...message, asOfMs: ownTimeMs(message.asOfMs) } : message;

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function untilReady(redis: Redis, timeoutMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, timeoutMs);
    redis.once('ready', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** Runs `stop` once, on SIGTERM, which is how the primary says so, or when the primary is gone. */
function stopWhenTold(stop: () => Promise<void>): void {
  let stopping = false;
  const stopOnce = () => {
    if (stopping) return;
    stopping = true;
    void stop();
  };
  process.on('SIGTERM', stopOnce);
  process.on('disconnect', stopOnce);
  // Ctrl-C reaches the whole process group; the primary gives the word.
  process.on('SIGINT', () => {});
  process.on('SIGHUP', () => {});
  // Otherwise node ends a worker whose primary has died at once, with its requests unanswered.
  if (cluster.worker) cluster.worker.exitedAfterDisconnect = true;
}

function listen(server: Server, { host, port, reusePort }: Config): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, reusePort: reusePort === 'on', backlog: backlogMax }, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}
