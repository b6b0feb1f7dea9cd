/**
 * Clients that do not take their answers. node:http's own time-out begins anew with every byte that is taken, so such a
 * client could hold its connection, and what waits for it, as long as it likes.
 */
import { slowReaderTimeoutMs } from './limits.ts';

/** What is looked at of a socket. */
export interface Writable {
  /** Bytes handed over since the beginning. */
  readonly bytesWritten: number;
  /** Those of them that the client has not made room for. */
  readonly writableLength: number;
}

/**
 * Returns a function that is called from time to time with all connections there are and returns those that are too
 * slow: what had been written to them by one look was not taken a `slowReaderTimeoutMs` later.
 */
export function createSlowReaders<S extends Writable>(): (sockets: Iterable<S>, nowMs: number) => S[] {
  const backlogs = new WeakMap<S, { readonly untilBytes: number; readonly sinceMs: number }>();

  return (sockets, nowMs) => {
    const slow: S[] = [];
    for (const socket of sockets) {
      if (socket.writableLength === 0) continue;
      const backlog = backlogs.get(socket);
      const takenBytes = socket.bytesWritten - socket.writableLength;
      if (backlog === undefined || takenBytes >= backlog.untilBytes)
        backlogs.set(socket, { untilBytes: socket.bytesWritten, sinceMs: nowMs });
      else if (nowMs - backlog.sinceMs >= slowReaderTimeoutMs) slow.push(socket);
    }
    return slow;
  };
}
