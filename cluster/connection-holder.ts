/**
 * For tests: a process that keeps connections open, each replaced when the server ends it, with a limit of descriptors of
 * its own. Told by its parent to stop, it makes no more, and says so when the last has been ended.
 */
import { connect } from 'node:net';

export interface Hold {
  readonly port: number;
  /** Of this machine; each has ports of its own. */
  readonly from: string;
  readonly count: number;
  /** What each connection sends, once. */
  readonly bytes: string;
}

export interface Held {
  readonly open: number;
  /** Connections that the server has ended. */
  readonly ended: number;
  /** Longest time from a connection's beginning to its end by the server. */
  readonly longestMs: number;
  readonly failures: readonly string[];
}

const opensAtOnce = 16;
const openEveryMs = 25;
const tellEveryMs = 500;

function hold({ port, from, count, bytes }: Hold): void {
  const failures = new Set<string>();
  let [begun, open, ended, longestMs, isStopping] = [0, 0, 0, 0, false];

  function begin(): void {
    const beganAtMs = performance.now();
    // It does not close when the server does, as a hostile client would not.
    const socket = connect({ port, host: '127.0.0.1', localAddress: from, allowHalfOpen: true });
    begun++;
    socket.once('connect', () => open++);
    const over = () => {
      if (!socket.connecting) open--;
      socket.destroy();
      if (--begun === 0 && isStopping) finish();
    };
    socket.once('error', ({ message }) => {
      failures.add(message);
      over();
    });
    socket.once('end', () => {
      ended++;
      longestMs = Math.max(longestMs, performance.now() - beganAtMs);
      setTimeout(over, tellEveryMs);
    });
    socket.write(bytes, 'latin1');
    socket.resume();
  }

  const tell = () => process.send?.({ open, ended, longestMs, failures: [...failures] } satisfies Held);
  function finish(): void {
    tell();
    process.disconnect?.();
  }

  setInterval(() => {
    if (!isStopping) for (let i = 0; i < opensAtOnce && begun < count; i++) begin();
  }, openEveryMs);
  setInterval(tell, tellEveryMs);
  process.on('message', () => {
    isStopping = true;
    if (begun === 0) finish();
  });
  process.on('disconnect', () => process.exit());
}

process.once('message', (message) => {
  if (isHold(message)) hold(message);
});

function isHold(message: unknown): message is Hold {
  return typeof message === 'object' && message !== null && 'bytes' in message;
}
