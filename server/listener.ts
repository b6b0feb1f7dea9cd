import { createServer, type RequestListener, type Server } from 'node:http';
import type { Socket } from 'node:net';
import type { RequestObserver } from './answers.ts';
import {
  closeFromShare,
  fieldsMax,
  headMaxBytes,
  headTimeoutMs,
  idleTimeoutMs,
  keepAliveBufferMs,
  keepAliveTimeoutMs,
  lingerMs,
  requestTimeoutMs,
  timeoutCheckMs,
} from './limits.ts';
import { createPipeline } from './pipelining.ts';
import { methodNotAllowed, type RawProblemResponse, rawProblemResponse } from './problems.ts';
import { createSlowReaders } from './slow-readers.ts';

/** Why a connection was ended without an answer. */
export type ConnectionDrop = 'full' | 'slow-reader' | 'pipelining';

/** Told what became of connections, for metrics. Calls are synchronous and must not throw. */
export interface ConnectionObserver {
  connectionDropped(reason: ConnectionDrop): void;
}

export interface Listener {
  readonly server: Server;
  /** Client connections that are open. */
  readonly openConnections: number;
  /** True while so many are open that answers should close theirs. */
  readonly isCrowded: boolean;
}

/**
 * An HTTP server whose every phase has a limit: slow, huge, malformed and too many requests end here, not in
 * the handler. It does not listen yet.
 */
export function createListener(
  handler: RequestListener,
  options: { maxConnections: number; observer: RequestObserver & ConnectionObserver },
): Listener {
  const { maxConnections, observer } = options;
  const pipeline = createPipeline(handler, () => observer.connectionDropped('pipelining'));
  const server = createServer(
    {
      headersTimeout: headTimeoutMs,
      requestTimeout: requestTimeoutMs,
      connectionsCheckingInterval: timeoutCheckMs,
      keepAliveTimeout: keepAliveTimeoutMs,
      keepAliveTimeoutBuffer: keepAliveBufferMs,
      maxHeaderSize: headMaxBytes,
      // The handler answers a missing Host itself, as a problem document.
      requireHostHeader: false,
      insecureHTTPParser: false,
      joinDuplicateHeaders: false,
      rejectNonStandardBodyWrites: true,
      optimizeEmptyRequests: true,
      shouldUpgradeCallback: () => false,
    },
    pipeline.listener,
  );
  // node:http leaves out fields beyond this without a word, so that a second Host could hide there. With one more than
  // are allowed the handler sees that there are too many.
  server.maxHeadersCount = fieldsMax + 1;
  server.timeout = idleTimeoutMs;
  server.maxConnections = maxConnections;
  // Without it a refused connection goes back to the primary, which offers it again, for ever. (Not in the types.)
  Object.assign(server, { dropMaxConnection: true });
  server.on('drop', () => observer.connectionDropped('full'));
  const connections = watchConnections(server, observer);
  // The handler decides at once, so that a refused body is not first asked for with 100. Without that node:http closes.
  server.on('checkContinue', (req, res) => {
    res.shouldKeepAlive = false;
    pipeline.listener(req, res);
  });
  server.on('checkExpectation', pipeline.listener);
  const ending = new WeakSet<Socket>();
  function refuse(socket: Socket, { status, bytes, bodyBytes }: RawProblemResponse): void {
    ending.add(socket);
    const unsent = pipeline.lastResponse(socket);
    if (unsent !== undefined) {
      // Its client would take a refusal for this answer.
      unsent.shouldKeepAlive = false;
      return void unsent.once('finish', () => socket.destroySoon());
    }
    observer.requestBegan();
    observer.requestEnded('_OTHER', 'unmatched', status, 0, bodyBytes);
    socket.end(bytes, 'latin1');
    // Not at once: with something of it unread the client would get a reset, perhaps before the refusal.
    setTimeout(() => socket.destroy(), lingerMs).unref();
  }
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    // What still comes of a request that was refused.
    if (ending.has(socket)) return;
    if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
    refuse(socket, refusal(error.code));
  });
  // node:http has no response for CONNECT, and has let go of its connection.
  server.on('connect', ({ socket }) => {
    socket.on('error', () => {}).resume();
    refuse(socket, rawProblemResponse(...methodNotAllowed));
  });
  return {
    server,
    get openConnections() {
      return connections.size;
    },
    get isCrowded() {
      return connections.size >= closeFromShare * maxConnections;
    },
  };
}

/** The connections that are open; those of slow readers are closed. */
function watchConnections(server: Server, observer: ConnectionObserver): ReadonlySet<Socket> {
  const open = new Set<Socket>();
  server.on('connection', (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  const slowReaders = createSlowReaders<Socket>();
  const timer = setInterval(() => {
    for (const socket of slowReaders(open, performance.now())) {
      // With a reset, as the kernel would otherwise keep what is not taken, up to megabytes for each.
      socket.resetAndDestroy();
      observer.connectionDropped('slow-reader');
    }
  }, timeoutCheckMs).unref();
  server.once('close', () => clearInterval(timer));
  return open;
}

function refusal(code: string | undefined): RawProblemResponse {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return rawProblemResponse(
        'headers-too-large',
        `The header section must be at most ${headMaxBytes} bytes long.`,
      );
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return rawProblemResponse('request-timeout', 'The request did not arrive in time.');
    default:
      return rawProblemResponse('malformed-request', 'The request is not well-formed HTTP/1.1.');
  }
}
