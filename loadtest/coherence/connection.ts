/** A keep-alive connection with one request at a time, which knows to the moment when a request began. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { headerValue, parseResponse } from '../bench/raw-response.ts';

export interface Answer {
  readonly status: number;
  readonly cacheStatus: string;
  /** The body as text. */
  readonly body: string;
  /** Just before the request was written. */
  readonly beganAtMs: number;
  readonly endedAtMs: number;
}

export interface Connection {
  /** Undefined while it is not open. */
  readonly localPort: number | undefined;
  /** Connects first where it is not open. Rejects with NotConnected, or when the answer does not come, or is none. */
  ask(path: string): Promise<Answer>;
  /** The next request opens it again. */
  close(): void;
}

/** Nobody listens: no request was lost. */
export class NotConnected extends Error {
  override name = 'NotConnected';
}

const connectTimeoutMs = 3000;
const longestMs = 8000;

export function openConnection(port: number): Connection {
  let socket: Socket | undefined;

  async function open(): Promise<Socket> {
    const opening = connect({ host: '127.0.0.1', port, noDelay: true });
    // Whoever asks on it learns of its end by `close`.
    opening.on('error', () => {});
    opening.setEncoding('latin1');
    try {
      await once(opening, 'connect', { signal: AbortSignal.timeout(connectTimeoutMs) });
    } catch (error) {
      opening.destroy();
      throw new NotConnected('nobody took the connection', { cause: error });
    }
    opening.once('close', () => {
      if (socket === opening) socket = undefined;
    });
    return opening;
  }

  function exchange(on: Socket, path: string): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    let bytes = '';
    const fail = (error: Error) => {
      on.destroy();
      reject(error);
    };
    const onClose = () => reject(new Error('the connection ended before the answer was whole'));
    const onTimeout = () => fail(new Error(`no answer within ${longestMs} ms`));
    const onData = (piece: string) => {
      bytes += piece;
      try {
        const response = parseResponse(bytes);
        if (response === undefined) return;
        const endedAtMs = performance.now();
        if (headerValue(response.headers, 'connection')?.toLowerCase() === 'close') on.destroy();
        resolve({
          status: response.status,
          cacheStatus: headerValue(response.headers, 'cache-status') ?? '',
          body: Buffer.from(response.body, 'latin1').toString('utf8'),
          beganAtMs,
          endedAtMs,
        });
      } catch (error) {
        fail(error instanceof Error ? error : new Error(String(error)));
      }
    };
    on.on('data', onData).on('close', onClose).setTimeout(longestMs, onTimeout);
    const beganAtMs = performance.now();
    on.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`, 'latin1');
    return promise.finally(() => on.off('data', onData).off('close', onClose).setTimeout(0, onTimeout));
  }

  return {
    get localPort() {
      return socket?.localPort;
    },
    async ask(path) {
      socket ??= await open();
      return exchange(socket, path);
    },
    close: () => void socket?.destroy(),
  };
}
