import pg from 'pg';

/** Connections that stay however little there is to read, as a new one plans its statements first. */
export const keptConnections = 3;

/** What every connection plans by. */
export const readerSettings: Readonly<Record<string, string>> = {
  // Planning a page costs more than reading it, and its plan does not depend on the slug.
  plan_cache_mode: 'force_generic_plan',
  // Every statement is meant for indexes. The planner takes a LIMIT for a reason to read a whole table, hoping to
  // be done soon, which it may not be.
  enable_seqscan: 'off',
  // Reading many pages in one statement looks dear enough to compile; compiling takes longer.
  jit: 'off',
};

/**
 * Returns a pool of connections that can only read, whoever the URL logs in as: each takes the role
 * frontshelf_reader, which the login must be or be a member of.
 *
 * A query is answered or rejected within `timeoutMs`, the wait for a connection included. `onError` hears
 * of connections that die while idle; the pool replaces them by itself, whatever happened to Postgres.
 */
export function createReaderPool({
  connectionString,
  max,
  timeoutMs,
  applicationName,
  onError,
}: {
  connectionString: string;
  max: number;
  timeoutMs: number;
  applicationName: string;
  onError: (error: Error) => void;
}): pg.Pool {
  const connectTimeoutMs = Math.floor(timeoutMs * 0.4);
  const queryTimeoutMs = timeoutMs - connectTimeoutMs;
  const pool = new pg.Pool({
    connectionString: readerConnectionString(connectionString, {
      // Postgres gives up first, so that a slow statement costs its connection only when the server hangs.
      statement_timeout: String(Math.floor(queryTimeoutMs * 0.8)),
      ...readerSettings,
    }),
    min: Math.min(keptConnections, max),
    max,
    connectionTimeoutMillis: connectTimeoutMs,
    idleTimeoutMillis: 60_000,
    maxLifetimeSeconds: 1800,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    application_name: applicationName,
  });
  pool.on('error', onError);
  limitAnswers(pool, queryTimeoutMs);
  return pool;
}

/**
 * Closes a connection that was taken and has not answered its first query by then, which is all that most are taken for.
 *
 * In place of pg's `query_timeout`, which stores a function in every query. V8 puts a function that is stored in a property as it
 * is made into its old generation, where it keeps alive the rows that it can reach, until a major collection. With each
 * page read so, these come many times as often.
 */
function limitAnswers(pool: pg.Pool, timeoutMs: number): void {
  const timers = new WeakMap<pg.ClientBase, NodeJS.Timeout>();
  const stop = (client: pg.ClientBase) => clearTimeout(timers.get(client));
  const giveUp = (client: pg.Client) => client.connection.stream.destroy(new Error('query timeout'));
  pool.on('connect', (client) => {
    client.on('drain', () => stop(client));
    // Its query rejects too; of one that breaks while it is taken, nobody else may hear.
    client.on('error', () => {});
  });
  pool.on('acquire', (client) => timers.set(client, setTimeout(giveUp, timeoutMs, client)));
  pool.on('release', (_, client) => stop(client));
}

/** The URL for connections that can only read, whoever it logs in as, with these settings too. */
export const readerConnectionString = (
  connectionString: string,
  settings: Readonly<Record<string, string>>,
): string =>
  withOptions(connectionString, {
    role: 'frontshelf_reader',
    default_transaction_read_only: 'on',
    ...settings,
  });

/** Adds settings to those a URL may ask for itself, where the last one counts; pg lets the URL win otherwise. */
function withOptions(connectionString: string, settings: Readonly<Record<string, string>>): string {
  const url = new URL(connectionString);
  const asked = url.searchParams.get('options');
  const ours = Object.entries(settings).map(([name, value]) => `-c ${name}=${value}`);
  url.searchParams.set('options', [...(asked ? [asked] : []), ...ours].join(' '));
  return url.href;
}
