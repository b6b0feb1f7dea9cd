/**
 * An open-loop load: requests are sent when they are due, whether or not earlier ones have been answered, as visitors
 * come who do not know of each other. A client that waits for answers would send less just when a server is slow.
 */
import { subscribe } from 'node:diagnostics_channel';
import { createHistogram } from 'node:perf_hooks';
import { type Dispatcher, Pool } from 'undici';

export interface Outcome {
  readonly target: string;
  /** When the request was due, by performance.now(). */
  readonly plannedAtMs: number;
  /** How long after that it was sent: the generator's fault. */
  readonly lateMs: number;
  /**
   * From when it was due to the end of the answer, or until it was given up. What is measured from the sending hides the
   * waits that a stalled generator or server makes (Gil Tene: coordinated omission).
   */
  readonly latencyMs: number;
  /** Undefined: there was no complete answer. */
  readonly status: number | undefined;
  /** Why there was none: the code of the error where it has one, such as ECONNRESET. */
  readonly error?: string;
  /** Of the connection on which it was sent; undefined: it never was. */
  readonly localPort: number | undefined;
  /** By names in lower case; empty where no answer began. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** As sent: a content coding that was asked for is not undone. */
  readonly body: Buffer;
}

export interface OpenLoopOptions {
  /** The server's, such as http://127.0.0.1:3000. */
  readonly url: string;
  /** Mean number of arrivals; 0 is a pause. */
  readonly ratePerSecond: number;
  /**
   * `keep-alive`: a request goes out on an idle connection or on a new one, never behind another; a connection is left
   * once the server says `Connection: close`, and 2 s before the end of the time that it hints at in `Keep-Alive`.
   * `short`: each request has a connection of its own and says `Connection: close`.
   */
  readonly connections: 'keep-alive' | 'short';
  /** The path of the next request, with its query. */
  nextTarget(): string;
  /** A request without a complete answer by then, from when it was due, is given up and its connection closed. */
  readonly timeoutMs: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** More of them for this request. */
  headersOf?(target: string): Readonly<Record<string, string>>;
  /** Numbers in [0, 1) that the times of arrival are made of; Math.random unless given. */
  random?(): number;
  /** Called once for each request. */
  onOutcome(outcome: Outcome): void;
}

export interface OpenLoop {
  /** Requests that were sent. */
  readonly started: number;
  /** How late they were sent. When this is not small beside the latencies, the generator was the bottleneck. */
  readonly lateMs: { readonly p50: number; readonly p99: number; readonly max: number };
  /** Holds from now on. */
  setRate(ratePerSecond: number): void;
  /** Sends one more request at a time of its own, from now: that of a client who was refused and comes again. */
  sendAfter(delayMs: number, target: string): void;
  /** Ends the arrivals, those of `sendAfter` too. Resolves when the last outcome is in and all connections are closed. */
  stop(): Promise<void>;
}

/**
 * Begins at once. Arrivals are a Poisson process: independent, with exponential gaps, so that they come in bursts as
 * those of visitors do. Those that are due by a timer's tick are sent in it together, each with its own planned time.
 * A request is never tried again by itself.
 */
export function startOpenLoop(options: OpenLoopOptions): OpenLoop {
  const { nextTarget, headersOf, timeoutMs, onOutcome, random = Math.random } = options;
  const pool = new Pool(options.url, { connections: null, pipelining: 1, connect: { timeout: timeoutMs } });
  const fixed = {
    method: 'GET',
    headers: { ...options.headers },
    reset: options.connections === 'short',
    // Requests are timed here, to the millisecond and from when they were due.
    headersTimeout: 0,
    bodyTimeout: 0,
  } as const;
  const lateUs = createHistogram();
  /** What cancels the requests of `sendAfter`. */
  const later = new Set<() => void>();
  let started = 0;
  let underWay = 0;
  let onIdle = () => {};
  let isOver = false;

  function send(target: string, plannedAtMs: number): void {
    const lateMs = Math.max(0, performance.now() - plannedAtMs);
    lateUs.record(Math.max(1, Math.round(lateMs * 1000)));
    started++;
    underWay++;
    let request: Dispatcher.DispatchController | undefined;
    let status: number | undefined;
    let headers: Outcome['headers'] = {};
    let localPort: number | undefined;
    let isDone = false;
    const pieces: Buffer[] = [];
    const finish = (error?: string) => {
      if (isDone) return;
      isDone = true;
      cancelTimeout();
      underWay--;
      const [first] = pieces;
      onOutcome({
        target,
        plannedAtMs,
        lateMs,
        latencyMs: performance.now() - plannedAtMs,
        ...(error === undefined ? { status } : { status: undefined, error }),
        localPort,
        headers,
        body: pieces.length === 1 && first ? first : Buffer.concat(pieces),
      });
      if (underWay === 0) onIdle();
    };
    const cancelTimeout = callAt(plannedAtMs + timeoutMs, () => {
      finish('timeout');
      request?.abort(givenUp);
    });
    dispatching = (port) => {
      localPort = port;
    };
    pool.dispatch(
      { ...fixed, path: target, ...(headersOf && { headers: { ...fixed.headers, ...headersOf(target) } }) },
      {
        onRequestStart(controller) {
          request = controller;
          // It was given up while it waited for its connection.
          if (isDone) controller.abort(givenUp);
        },
        onResponseStart(_, statusCode, fields) {
          status = statusCode;
          headers = fields;
        },
        onResponseData: (_, piece) => void pieces.push(piece),
        onResponseEnd: () => finish(),
        onResponseError: (_, error) =>
          finish('code' in error && typeof error.code === 'string' ? error.code : error.message),
      },
    );
    dispatching = undefined;
  }

  let perMs = 0;
  let nextAtMs = 0;
  let cancelTick = () => {};
  const gapMs = () => -Math.log(1 - random()) / perMs;

  function tick(): void {
    for (const nowMs = performance.now(); nextAtMs <= nowMs; nextAtMs += gapMs())
      send(nextTarget(), nextAtMs);
    wait();
  }

  function wait(): void {
    cancelTick();
    if (!isOver && perMs > 0) cancelTick = callAt(nextAtMs, tick);
  }

  function setRate(ratePerSecond: number): void {
    perMs = ratePerSecond / 1000;
    // The process has no memory: what was due later at the old rate need not be kept.
    nextAtMs = performance.now() + gapMs();
    wait();
  }
  setRate(options.ratePerSecond);

  return {
    get started() {
      return started;
    },
    get lateMs() {
      const percentile = (share: number) => (started === 0 ? 0 : lateUs.percentile(share) / 1000);
      return { p50: percentile(50), p99: percentile(99), max: started === 0 ? 0 : lateUs.max / 1000 };
    },
    setRate,
    sendAfter(delayMs, target) {
      if (isOver) return;
      const plannedAtMs = performance.now() + delayMs;
      const cancel = callAt(plannedAtMs, () => {
        later.delete(cancel);
        send(target, plannedAtMs);
      });
      later.add(cancel);
    },
    async stop() {
      isOver = true;
      cancelTick();
      for (const cancel of later) cancel();
      if (underWay > 0) await new Promise<void>((resolve) => (onIdle = resolve));
      await pool.destroy();
    },
  };
}

/** Calls when it is due and never before, as timers do, which count whole milliseconds. Returns what cancels it. */
function callAt(dueAtMs: number, call: () => void): () => void {
  const leftMs = () => dueAtMs - performance.now();
  const look = () => {
    const waitMs = leftMs();
    if (waitMs > 0) timer = setTimeout(look, waitMs);
    else call();
  };
  let timer = setTimeout(look, Math.max(0, leftMs()));
  return () => clearTimeout(timer);
}

const givenUp = new Error('The request was given up.');

/**
 * Which connection a request is sent on is told by undici's diagnostics channels alone: of each request when it is made,
 * which is while it is dispatched, and when its head is about to be written.
 */
let dispatching: ((localPort: number | undefined) => void) | undefined;
const onSent = new WeakMap<object, (localPort: number | undefined) => void>();
subscribe('undici:request:create', (message) => {
  if (dispatching && hasRequest(message)) onSent.set(message.request, dispatching);
});
subscribe('undici:client:sendHeaders', (message) => {
  if (hasRequest(message)) onSent.get(message.request)?.(message.socket?.localPort);
});

const hasRequest = (
  message: unknown,
): message is { readonly request: object; readonly socket?: { readonly localPort?: number } } =>
  typeof message === 'object' && message !== null && 'request' in message;
