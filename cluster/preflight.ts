import { createServer } from 'node:net';
import type { Config } from '../config.ts';
import { errorText } from '../sql/errors.ts';
import { createReaderPool } from '../sql/pool.ts';

/** What stands between these settings and a running server, a sentence each that names the setting. */
export async function preflight(config: Config): Promise<string[]> {
  const problems = await Promise.all([
    databaseProblem(config),
    portProblem('PORT', config.host, config.port),
    portProblem('ADMIN_PORT', config.adminHost, config.adminPort),
  ]);
  return problems.filter((problem) => problem !== undefined);
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
    return error instanceof Error && 'code' in error && error.code === '42P01'
      ? `DATABASE_URL names a database (${host}${pathname}) without a catalogue; run \`npm run migrate\`.`
      : `DATABASE_URL must name a Postgres that answers; ${host}${pathname} does not: ${errorText(error)}.`;
  } finally {
    await pool.end();
  }
}

function portProblem(setting: string, host: string, port: number): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const server = createServer();
  server.once('error', (error: NodeJS.ErrnoException) => {
    resolve(listenProblem(setting, host, port, error));
  });
  server.listen({ host, port }, () => server.close(() => resolve(undefined)));
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
