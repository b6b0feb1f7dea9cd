import { createServer, isIPv4 } from 'node:net';
import type { Config } from '../config.ts';
import { errorText } from '../sql/errors.ts';
import { createReaderPool } from '../sql/pool.ts';
import { certificateFileProblem, isCertificateProblem } from './certificates.ts';

/**
 * What stands between these settings and a running server, a sentence each that names the setting. A setting
 * that one of the `known` problems is about is left out: its value here is the default, which nobody asked for.
 */
export async function preflight(config: Config, known: readonly string[]): Promise<string[]> {
  const isGood = (...settings: string[]) =>
    settings.every((setting) => known.every((problem) => !problem.startsWith(`${setting} `)));
  const problems = await Promise.all([
    isGood('REDIS_TIMEOUT_MS', 'DATABASE_TIMEOUT_MS') ? timeoutProblem(config) : undefined,
    isGood('POLL_MS', 'STALENESS_MS') ? pollProblem(config) : undefined,
    isGood('ADMIN_HOST', 'ADMIN_TOKEN') ? adminProblem(config) : undefined,
    isGood('DATABASE_URL') ? databaseProblem(config) : undefined,
    isGood('REDIS_URL', 'REDIS_CA_FILE') ? redisCaProblem(config) : undefined,
    isGood('HOST', 'PORT', 'REUSE_PORT')
      ? portProblem('PORT', config.host, config.port, config.reusePort === 'on')
      : undefined,
    isGood('ADMIN_HOST', 'ADMIN_PORT')
      ? portProblem('ADMIN_PORT', config.adminHost, config.adminPort)
      : undefined,
  ]);
  return problems.filter((problem) => problem !== undefined);
}

/** Redis is asked first, in the time that the request has for both. */
function timeoutProblem({ redisUrl, redisTimeoutMs, databaseTimeoutMs }: Config): string | undefined {
  if (redisUrl === '' || redisTimeoutMs < databaseTimeoutMs) return undefined;
  return `REDIS_TIMEOUT_MS ${redisTimeoutMs} must be less than DATABASE_TIMEOUT_MS ${databaseTimeoutMs}, the time that a page from Postgres may take in all.`;
}

/** Between two polls what is known must not become too old, or every page in memory would be asked for again. */
function pollProblem({ pollMs, stalenessMs }: Config): string | undefined {
  if (pollMs < stalenessMs) return undefined;
  return `POLL_MS ${pollMs} must be less than STALENESS_MS ${stalenessMs}, well below it at best.`;
}

/** What metrics and status tell of a shop is for those who run it. */
function adminProblem({ adminHost, adminToken }: Config): string | undefined {
  if (adminToken !== '' || isLoopback(adminHost)) return undefined;
  return `ADMIN_HOST ${adminHost} can be reached by other machines, so ADMIN_TOKEN must be set as well; without one, ADMIN_HOST must be 127.0.0.1, ::1 or localhost.`;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}

function redisCaProblem({ redisUrl, redisCaFile }: Config): string | undefined {
  if (redisCaFile === '') return undefined;
  if (!redisUrl.startsWith('rediss://'))
    return 'REDIS_CA_FILE is of no use without TLS; REDIS_URL must start with rediss://.';
  const problem = certificateFileProblem(redisCaFile);
  return (
    problem && `REDIS_CA_FILE must name a file of certificates (PEM); ${redisCaFile} is none: ${problem}.`
  );
}

async function databaseProblem({ databaseUrl }: Config): Promise<string | undefined> {
  if (databaseUrl === '')
    return 'DATABASE_URL must be set to the Postgres that holds the catalogue; `npm start` brings its own.';
  // The URL may hold a password; its host and database are enough to know it by.
  const { host, pathname } = new URL(databaseUrl);
  const pool = createReaderPool({
    connectionString: databaseUrl,
    max: 1,
    timeoutMs: 5000,
    applicationName: 'frontshelf-preflight',
    onError: () => {},
  });
  try {
    await pool.query('SELECT FROM product LIMIT 1');
    return undefined;
  } catch (error) {
    if (isCertificateProblem(error))
      return `DATABASE_URL must name a Postgres whose certificate can be verified, by sslrootcert=FILE if its CA is your own; that of ${host} cannot: ${errorText(error)}.`;
    return error instanceof Error && 'code' in error && error.code === '42P01'
      ? `DATABASE_URL names a database (${host}${pathname}) without a catalogue; run \`npm run migrate\`.`
      : `DATABASE_URL must name a Postgres that answers; ${host}${pathname} does not: ${errorText(error)}.`;
  } finally {
    await pool.end();
  }
}

function portProblem(
  setting: string,
  host: string,
  port: number,
  reusePort = false,
): Promise<string | undefined> {
  if (reusePort && port === 0)
    return Promise.resolve(
      `${setting} must be a port of your choice with REUSE_PORT on; each worker would take another.`,
    );
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const server = createServer();
  server.once('error', (error: NodeJS.ErrnoException) => {
    resolve(listenProblem(setting, host, port, error));
  });
  server.listen({ host, port, reusePort }, () => server.close(() => resolve(undefined)));
  return promise;
}

/** The sentence for a failed listen. */
export function listenProblem(
  setting: string,
  host: string,
  port: number,
  error: NodeJS.ErrnoException,
): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return `${setting} ${port} is in use on ${host}; stop what uses it or set ${setting} to a free port.`;
    case 'EACCES':
      return `${setting} ${port} may not be used by this user; set ${setting} to a port from 1024 on.`;
    default:
      return `${setting} ${port} cannot be listened on at ${host} (${error.code ?? error.message}).`;
  }
}
