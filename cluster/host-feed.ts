/** How a host follows the change log: its connections, its workers and Redis, put together. */
import type { Logger } from 'pino';
import type { FeedMessage } from '../cache/coherence.ts';
import { createFeed } from '../cache/feed.ts';
import { createInvalidation } from '../cache/invalidation.ts';
import { createToldRedis } from '../cache/told-redis.ts';
import type { Config } from '../config.ts';
import { createFeedClient } from '../sql/feed-client.ts';
import { newsBy, postgresHistory } from './change-source.ts';
import { connectLoggedRedis } from './logged-redis.ts';
import { systemNowMs } from './system-clock.ts';

const pruneEveryMs = 60_000;
/** As sql/change-feed.ts says: when it was as many, there may be more. */
const prunedAtOnce = 10_000;

export interface HostFeedOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly tellWorkers: (message: FeedMessage) => void;
}

/** What has happened since the start, and what is so now. */
export interface HostFeedState {
  changesRead: number;
  gaps: number;
  readonly joins: Record<'replayed' | 'new-epoch', number>;
  /** Whether the change log answers. */
  isAnswered: boolean;
  /** Whether changes wake the host. */
  isListening: boolean;
  /** Batches of changes that Redis was not told of yet. */
  readonly pending: number;
  readonly isRedisJoined: boolean;
}

export interface HostFeed {
  /** What a worker that joins is told first. */
  greeting(): FeedMessage[];
  readonly state: HostFeedState;
  stop(): Promise<void>;
}

export function startHostFeed({ config, logger, tellWorkers }: HostFeedOptions): HostFeed {
  const redis = config.redisUrl === '' ? undefined : connectLoggedRedis(config, 'frontshelf-feed', logger);
  let isStopped = false;
  const state: HostFeedState = {
    changesRead: 0,
    gaps: 0,
    joins: { replayed: 0, 'new-epoch': 0 },
    isAnswered: true,
    isListening: false,
    get pending() {
      return invalidation?.pending ?? 0;
    },
    get isRedisJoined() {
      return invalidation?.applied !== undefined;
    },
  };
  const client = createFeedClient({
    connectionString: config.databaseUrl,
    // Longer ones are of no use: what they tell would be too old.
    timeoutMs: Math.min(config.databaseTimeoutMs, Math.max(config.stalenessMs, 4 * config.pollMs)),
    onWakeUp: poll,
    onListening(is, error) {
      state.isListening = is;
      if (!is)
        logger.warn({ err: error }, 'changes do not wake the server; they are looked for every POLL_MS');
    },
  });
  const ask = (since: string | undefined) => newsBy(() => client.changesSince(since), systemNowMs);
  const invalidation =
    redis &&
    createInvalidation({
      redis: createToldRedis(redis),
      history: postgresHistory,
      ask,
      tellWorkers,
      delay,
      onJoined(how) {
        state.joins[how]++;
        logger.info({ how }, 'Redis has been told of all changes');
      },
      onLost: (why) => logger.warn({ why }, 'Redis is not used until it has been told of all changes'),
    });
  const feed = createFeed({
    ask,
    history: postgresHistory,
    tellWorkers,
    invalidation,
    onChanges(count) {
      state.changesRead += count;
    },
    onGap() {
      state.gaps++;
      logger.warn('the change log does not go on where it was left; all shelves begin anew');
    },
  });

  function poll(): void {
    if (isStopped) return;
    feed.poll().then(
      () => {
        if (!state.isAnswered) logger.info('the change log answers again');
        state.isAnswered = true;
      },
      (error) => {
        if (state.isAnswered && !isStopped) logger.warn({ err: error }, 'the change log cannot be read');
        state.isAnswered = false;
      },
    );
  }

  async function prune(): Promise<void> {
    try {
      while (!isStopped && (await client.prune(config.changeRetentionMs)) === prunedAtOnce);
    } catch (error) {
      logger.warn({ err: error }, 'the change log could not be pruned');
    }
  }

  const timers = [setInterval(poll, config.pollMs), setInterval(prune, pruneEveryMs)];
  poll();
  void invalidation?.run();
  return {
    greeting: feed.greeting,
    state,
    async stop() {
      isStopped = true;
      for (const timer of timers) clearInterval(timer);
      invalidation?.stop();
      redis?.disconnect();
      await client.close();
    },
  };
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
