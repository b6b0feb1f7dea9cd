import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { connectRedis } from '../cache/redis-connection.ts';
import type { Config } from '../config.ts';

/** Redis fails once per reconnection attempt while it is down; the log has the change of state only. */
export function connectLoggedRedis(
  { redisUrl, redisTimeoutMs }: Pick<Config, 'redisUrl' | 'redisTimeoutMs'>,
  name: string,
  logger: Logger,
): Redis {
  let isDown = false;
  const redis = connectRedis(redisUrl, {
    timeoutMs: redisTimeoutMs,
    name,
    onError(error) {
      if (!isDown) logger.warn({ err: error }, 'Redis does not answer; pages come from memory and Postgres');
      isDown = true;
    },
  });
  redis.on('ready', () => {
    if (isDown) logger.info('Redis answers again');
    isDown = false;
  });
  return redis;
}
