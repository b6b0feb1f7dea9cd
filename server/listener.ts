import { createServer, type RequestListener, type Server } from 'node:http';
import type { Socket } from 'node:net';
import type { RequestObserver } from './handler.ts';
import { rawProblemResponse } from './problems.ts';

export const keepAliveTimeoutMs = 5000;
/** Time past the advertised keep-alive in which a request that is already on its way still finds the connection open. */
export const keepAliveBufferMs = 1000;

/**
 * An HTTP server whose every phase has a limit: slow, huge, malformed and too many requests end here, not in
 * the handler. It does not listen yet.
 */
export function createListener(
  handler: RequestListener,
  options: { maxConnections: number; observer: RequestObserver },
): Server {
  const server = createServer(
    {
      headersTimeout: 5000,
      requestTimeout: 10_000,
      // The two above are only looked at this often.
      connectionsCheckingInterval: 1000,
      keepAliveTimeout: keepAliveTimeoutMs,
      keepAliveTimeoutBuffer: keepAliveBufferMs,
      maxHeaderSize: 8192,
      // The handler answers a missing Host itself, as a problem document.
      requireHostHeader: false,
      insecureHTTPParser: false,
      joinDuplicateHeaders: false,
      rejectNonStandardBodyWrites: true,
      optimizeEmptyRequests: true,
      shouldUpgradeCallback: () => false,
    },
    handler,
  );
  server.maxHeadersCount = 64;
  // The only limit on a client that reads slowly.
  server.timeout = 30_000;
  server.maxConnections = options.maxConnections;
  // Without it a refused connection goes back to the primary, which offers it again, for ever. (Not in the types.)
  Object.assign(server, { dropMaxConnection: true });
  // The handler decides at once, so that a refused body is not first asked for with 100.
  server.on('checkContinue', handler);
  server.on('checkExpectation', handler);
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
    if (isAnswering(socket)) return void socket.destroySoon();
    const [status, response] = refusal(error.code);
    options.observer.requestBegan();
    const bodyBytes = response.length - response.indexOf('\r\n\r\n') - 4;
    options.observer.requestEnded('_OTHER', 'unmatched', status, 0, bodyBytes);
    socket.end(response, 'latin1');
  });
  return server;
}

/**
 * An earlier request on this connection is not done with, and its client would take a refusal for its answer.
 * (Only this property of node:http tells; it is not in the types.)
 */
function isAnswering(socket: Socket): boolean {
  return '_httpMessage' in socket && Boolean(socket._httpMessage);
}

function refusal(code: string | undefined): [status: number, response: string] {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return [
        431,
        rawProblemResponse('headers-too-large', 'The header section must be at most 8192 bytes long.'),
      ];
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return [408, rawProblemResponse('request-timeout', 'The request did not arrive in time.')];
    default:
      return [400, rawProblemResponse('malformed-request', 'The request is not well-formed HTTP/1.1.')];
  }
}
