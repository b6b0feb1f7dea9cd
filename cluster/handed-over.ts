import type { Worker } from 'node:cluster';

interface Handle {
  close(): void;
}

/** A connection that no worker has a descriptor for is not offered round for ever. */
const mostMisses = 2;
/** How often a connection has not reached a worker. */
const misses = new WeakMap<Handle, number>();

/**
 * Takes back the connections that were handed to a worker which died before it took them. Round robin keeps
 * each until the worker's acknowledgement, so without this their clients would wait for ever. They go to other
 * workers, as if this one had refused them, or are closed when `isServed` says that there is none.
 *
 * So do those that did not reach a worker which lives, as it has no descriptor left: it says so, but not in a way that
 * round robin hears, and would be handed no connection ever again.
 *
 * Node has no interface for that. This reads the messages with which the primary hands a connection over
 * and the worker accepts it; should a later Node change them, it finds nothing and does nothing.
 */
export function takeBackConnections(worker: Worker, isServed: () => boolean): void {
  const handedOver = new Map<number, Handle>();
  const child = worker.process;
  const { send } = child;
  Object.assign(child, {
    send(...args: unknown[]) {
      const [message, handle] = args;
      if (isHandover(message) && isHandle(handle)) handedOver.set(message.seq, handle);
      return Reflect.apply(send, child, args);
    },
  });
  child.on('internalMessage', (message: unknown) => {
    if (isAcknowledgement(message)) handedOver.delete(message.ack);
    if (!isObject(message) || message.cmd !== 'NODE_HANDLE_NACK') return;
    // One handle is under way at a time.
    const [missed] = handedOver;
    if (missed === undefined) return;
    const [seq, handle] = missed;
    const count = (misses.get(handle) ?? 0) + 1;
    misses.set(handle, count);
    // An accepted connection is closed by round robin, which it leaves to the worker.
    child.emit('internalMessage', { cmd: 'NODE_CLUSTER', ack: seq, accepted: count >= mostMisses });
  });
  // Not `disconnect`, which does not come while a connection waits to be acknowledged.
  worker.once('exit', () => {
    // A worker that Node has not yet taken out of the round would be given them again.
    const isOut = !worker.isConnected();
    for (const [seq, handle] of handedOver)
      if (isOut && isServed())
        child.emit('internalMessage', { cmd: 'NODE_CLUSTER', ack: seq, accepted: false });
      else handle.close();
  });
}

function isHandover(message: unknown): message is { seq: number } {
  return isObject(message) && message.act === 'newconn' && typeof message.seq === 'number';
}

function isAcknowledgement(message: unknown): message is { ack: number } {
  return isObject(message) && typeof message.ack === 'number';
}

function isHandle(value: unknown): value is Handle {
  return isObject(value) && typeof value.close === 'function';
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;
