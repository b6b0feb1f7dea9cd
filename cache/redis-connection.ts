import { Redis } from 'ioredis';

/** Time a connection may stay silent with commands outstanding before it is torn down and made anew. */
const silentConnectionMs = 300;
const longestRetryDelayMs = 1000;
/** A Redis that is reading its dump is asked this often whether it has done so; its own estimate may be far off. */
const loadingRetryMs = 1000;

/**
 * A connection on which no command waits longer than `timeoutMs`, whatever Redis does: nothing is queued
 * while it is down, nothing is sent twice, and a connection whose peer has stopped answering is replaced, since a
 * command's own deadline would leave it in place with its queue growing. Reconnects by itself, for ever.
 * With rediss:// the certificate must be for the URL's host, and from a CA of `ca` (PEM) or, without it, one that Node knows.
 */
export function connectRedis(
  url: string,
  options: { timeoutMs: number; name: string; ca?: string; onError: (error: Error) => void },
): Redis {
  const redis = new Redis(url, {
    connectionName: options.name,
    ...(options.ca !== undefined && { tls: { ca: options.ca } }),
    commandTimeout: options.timeoutMs,
    socketTimeout: Math.max(silentConnectionMs, 2 * options.timeoutMs),
    connectTimeout: 500,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    retryStrategy: (attempt) => Math.min(longestRetryDelayMs, 50 * 2 ** Math.min(attempt, 10)),
    maxLoadingRetryTime: loadingRetryMs,
    // A replica after a failover: connect again, so that DNS or the proxy leads to the new primary.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  });
  redis.on('error', options.onError);
  return redis;
}
