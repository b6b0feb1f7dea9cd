import pg from 'pg';

/**
 * Postgres cannot answer now: it is not reachable, is starting or stopping, has no connection to spare, or
 * took too long. The same call may succeed later, which sets it apart from a wrong statement.
 */
export class DatabaseUnavailable extends Error {
  override readonly name = 'DatabaseUnavailable';
  readonly code = 'database_unavailable';
}

// SQLSTATE classes 08 connection, 28 login, 3D no such database, 53 out of resources, 57 operator or
// statement timeout; 55P03 is a lock timeout.
const unavailableStates = /^(08|28|3D|53|57|55P03)/;

/** Returns what went wrong in one line; a refused connection to `localhost` has no message of its own. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.message !== '') return error.message;
  return error instanceof AggregateError ? error.errors.map(errorText).join(', ') : error.name;
}

/**
 * Returns what a failed call to Postgres should reject with: a DatabaseUnavailable that keeps the cause,
 * or the error itself when Postgres answered and trying again would not help.
 */
export function databaseError(error: unknown): unknown {
  if (error instanceof DatabaseUnavailable) return error;
  // What Postgres did not say itself comes from the socket or from the driver's timers.
  const unavailable =
    error instanceof pg.DatabaseError
      ? unavailableStates.test(error.code ?? '')
      : error instanceof Error && !(error instanceof TypeError || error instanceof RangeError);
  return unavailable
    ? new DatabaseUnavailable(`Postgres does not answer: ${errorText(error)}`, { cause: error })
    : error;
}

export type FailureKind = 'timeout' | 'unavailable' | 'other';

/** Returns what a failed call to Postgres counts as; `error` is what the call rejected with. */
export function failureKind(error: unknown): FailureKind {
  if (!(error instanceof DatabaseUnavailable)) return 'other';
  const { cause } = error;
  if (cause instanceof pg.DatabaseError) return cause.code === '57014' ? 'timeout' : 'unavailable';
  // The driver's timers are known by their text alone; without a cause it was a timer of ours.
  return cause === undefined || /timeout/.test(errorText(cause)) ? 'timeout' : 'unavailable';
}

/** Whether the call failed because the pool had no connection for it in time. */
export const isConnectionTimeout = (error: unknown): boolean =>
  error instanceof DatabaseUnavailable && /connect.* timeout|timeout .*connect/.test(errorText(error.cause));
