/**
 * A proxy between a host and Postgres or Redis, in a thread of its own, so that what a prober does with answers delays
 * nothing that goes through it.
 */
import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { startFaultProxy } from '../../local/fault-proxy.ts';

interface Target {
  readonly host: string;
  readonly port: number;
}

export interface HostProxy {
  readonly port: number;
  /** From now on what the server sends with this text in it does not arrive; without a text nothing does, either way. */
  hold(text?: string): void;
  /** Lets everything through that was held, in order. */
  release(): void;
}

type Order = { readonly hold: string | undefined } | 'release';

/** As `startFaultProxy`; it ends with this process. */
export async function startProxy(target: Target): Promise<HostProxy> {
  const thread = new Worker(new URL(import.meta.url), { workerData: target });
  thread.unref();
  const [port] = await once(thread, 'message');
  if (typeof port !== 'number') throw new Error('The proxy has no port.');
  const order = (given: Order) => thread.postMessage(given);
  return {
    port,
    hold: (text) => order({ hold: text }),
    release: () => order('release'),
  };
}

if (!isMainThread && parentPort) {
  const target: Target = workerData;
  const proxy = await startFaultProxy(target, { keepsConversations: false });
  parentPort.on('message', (order: Order) => {
    if (order === 'release') return proxy.release();
    const { hold: text } = order;
    proxy.hold(text === undefined ? undefined : (piece, from) => from === 'server' && piece.includes(text));
  });
  parentPort.postMessage(proxy.port);
}
