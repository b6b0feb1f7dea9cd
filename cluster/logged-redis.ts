import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { connectRedis } from '../cache/redis-connection.ts';
import type { Config } from '../config.ts';
import { isCertificateProblem } from './certificates.ts';

/** Redis fails once per reconnection attempt while it is down; the log has the change of state only. */
export function connectLoggedRedis(
  { redisUrl, redisTimeoutMs, redisCaFile }: Pick<Config, 'redisUrl' | 'redisTimeoutMs' | 'redisCaFile'>,
  name: string,
  logger: Logger,
): Redis {
  let isDown = false;
  const redis = connectRedis(redisUrl, {
    timeoutMs: redisTimeoutMs,
    name,
    ...(redisCaFile !== '' && { ca: readFileSync(redisCaFile, 'utf8') }),
    onError(error) {
      const trouble = isCertificateProblem(error)
        ? 'the certificate of Redis is not one to be trusted (REDIS_CA_FILE names its CA)'
        : 'Redis does not answer';
      if (!isDown) logger.warn({ err: error }, `${trouble}; pages come from memory and Postgres`);
      isDown = true;
    },
  });
  redis.on('ready', () => {
    if (isDown) logger.info('Redis answers again');
    isDown = false;
  });
  return redis;
}
