/** Requests that a client sends without waiting for the answer to those before. */
import { type RequestListener, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { pipelinedMax } from './limits.ts';

export interface Pipeline {
  /** In front of the handler. */
  readonly listener: RequestListener;
  /** The response on this connection that is to be sent last, while it is not yet sent. */
  lastResponse(socket: Socket): ServerResponse | undefined;
}

/**
 * Bounds how many requests of a connection wait, by closing it, and keeps from the handler what follows a request
 * whose answer ends its connection. `onFlood` is told of each connection that was closed.
 */
export function createPipeline(handler: RequestListener, onFlood: () => void): Pipeline {
  const waiting = new WeakMap<Socket, { count: number; last: ServerResponse }>();

  function lastResponse(socket: Socket): ServerResponse | undefined {
    const queued = waiting.get(socket);
    return queued !== undefined && queued.count > 0 ? queued.last : responseBeingSent(socket);
  }

  return {
    lastResponse,
    listener(req, res) {
      const { socket } = req;
      // Its connection is ending, but node:http goes on with what the same read brought.
      if (!socket.writable) return;
      // A response has its socket at once unless another is before it: most requests cost no more than this look.
      if (res.socket !== null) return handler(req, res);
      if (lastResponse(socket)?.shouldKeepAlive === false) return;
      const queued = waiting.get(socket) ?? { count: 0, last: res };
      if (queued.count === pipelinedMax) {
        socket.destroy();
        return onFlood();
      }
      waiting.set(socket, queued);
      queued.count++;
      queued.last = res;
      res.once('finish', () => queued.count--);
      handler(req, res);
    },
  };
}

/** (Only this property of node:http tells; it is not in the types.) */
function responseBeingSent(socket: Socket): ServerResponse | undefined {
  return '_httpMessage' in socket && socket._httpMessage instanceof ServerResponse
    ? socket._httpMessage
    : undefined;
}
