import type { Server } from 'node:http';
import { Server as NetServer } from 'node:net';
import { keepAliveBufferMs, keepAliveTimeoutMs } from '../server/limits.ts';

const pollMs = 20;

/**
 * Stops a server without losing a request: new connections go elsewhere at once, those that are open may
 * send what they have on the way, and are closed by their next response (the handler's part), by the end of the
 * keep-alive that clients were promised, or at the deadline. Resolves when no connection is left.
 */
export async function drain(server: Server, deadlineMs: number): Promise<void> {
  const startedAtMs = performance.now();
  // http.Server.close would also cut connections on which a request may be arriving.
  NetServer.prototype.close.call(server);
  const idleUntilMs = Math.min(deadlineMs, keepAliveTimeoutMs + keepAliveBufferMs);
  while ((await openConnections(server)) > 0) {
    const elapsedMs = performance.now() - startedAtMs;
    if (elapsedMs >= deadlineMs) return server.closeAllConnections();
    if (elapsedMs >= idleUntilMs) server.closeIdleConnections();
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

function openConnections(server: Server): Promise<number> {
  return new Promise((resolve, reject) =>
    server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
  );
}
