/** For tests only: the server over a source of one's choice, and connections on which every byte is the test's. */
import { connect } from 'node:net';
import { createGatherer } from '../cache/gather.ts';
import { createReadThrough, type ReadThroughOptions } from '../cache/read-through.ts';
import { connectionsDropped, type Labels, requestDuration, requestLabels } from '../metrics/catalogue.ts';
import { createRecorder, type Recorder, slotOf } from '../metrics/recorder.ts';
import { createStorefront } from '../storefront/storefront.ts';
import type { FailedRequest, LoggedRequest } from './answers.ts';
import { createBrowserPages } from './browser-pages.ts';
import { createHandler } from './handler.ts';
import { type ConnectionDrop, createListener, type Listener } from './listener.ts';
import { openapiDocument } from './openapi.ts';
import { pageListParameters } from './page-routes.ts';
import { createExports, type ExportSource } from './product-export.ts';
import { createRepresentation, type Representation, representationCodec } from './representation.ts';

const cacheControl = 'public, max-age=5';

/** The representation of a document, as the worker makes it of what Postgres returns. */
export const represent = (document: unknown): Representation =>
  createRepresentation(Buffer.from(JSON.stringify(document)).toString('latin1'), cacheControl);

export interface TestServer {
  readonly port: number;
  readonly recorder: Recorder;
  readonly state: { ready: boolean; draining: boolean };
  readonly unexpectedErrors: unknown[];
  /** What was said of requests that were answered 5xx. */
  readonly failed: FailedRequest[];
  /** The access log, of all requests. */
  readonly logged: LoggedRequest[];
  /** Requests recorded so far under these labels. */
  recorded(method: string, route: string, status: number | 'other'): number;
  /** Requests recorded so far, whatever became of them. */
  recordedRequests(): number;
  /** Connections recorded so far as dropped for this reason. */
  dropped(reason: ConnectionDrop): number;
  /** Connections that the server has open. */
  readonly openConnections: number;
  close(): Promise<void>;
}

/** Resolves a listening server whose pages and lists come from `load`; undefined is a key without a value. */
export async function startTestServer(
  load: (key: string) => Promise<Representation | undefined>,
  overrides: Partial<ReadThroughOptions<Representation>> = {},
  {
    maxConnections = 1000,
    readBatch = async () => ({ lines: Buffer.alloc(0), count: 0, lastId: null }),
  }: { maxConnections?: number; readBatch?: ExportSource['read'] } = {},
): Promise<TestServer> {
  const recorder = createRecorder();
  const state = { ready: true, draining: false };
  const unexpectedErrors: unknown[] = [];
  const failed: FailedRequest[] = [];
  const logged: LoggedRequest[] = [];
  const loadOne = async (key: string) => ({ value: await load(key), stamp: '' });
  const gatherer = createGatherer<Representation>({
    loadOne,
    loadMany: async (keys) =>
      new Map(await Promise.all(keys.map(async (key) => [key, await loadOne(key)] as const))),
    windowMs: 1,
    delay: async () => {},
  });
  const cache = () =>
    createReadThrough<Representation>({
      codec: representationCodec(cacheControl),
      load: gatherer.load,
      fillTimeoutMs: 5000,
      memoryMaxBytes: 1024 * 1024,
      memoryTtlMs: 60_000,
      negativeTtlMs: 60_000,
      staleWhileRevalidateMs: 0,
      staleIfErrorMs: 0,
      leaseMs: 0,
      delay: async () => {},
      redis: undefined,
      redisTtlMs: 0,
      now: () => performance.now(),
      random: () => 0,
      ...overrides,
    });
  const listener: Listener = createListener(
    createHandler({
      pages: cache(),
      gatherer,
      lists: cache(),
      exports: createExports({ read: readBatch, now: () => performance.now(), delay: async () => {} }),
      openapi: createRepresentation(openapiDocument, cacheControl),
      browserPages: createBrowserPages(createStorefront(pageListParameters)),
      observer: recorder,
      isReady: () => state.ready,
      closesConnections: () => state.draining || listener.isCrowded,
      onFailure(error, isExpected, request) {
        if (!isExpected) unexpectedErrors.push(error);
        failed.push(request);
      },
      accessLog: { sampleRate: 1, log: (request) => logged.push(request) },
    }),
    { maxConnections, observer: recorder },
  );
  const { server } = listener;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('A TCP server has a port.');
  return {
    port: address.port,
    recorder,
    state,
    unexpectedErrors,
    failed,
    logged,
    recorded(method, route, status) {
      return observations(recorder.totals(), requestLabels(method, route, status));
    },
    recordedRequests() {
      const totals = recorder.totals();
      return requestDuration.labelSets.reduce((sum, labels) => sum + observations(totals, labels), 0);
    },
    dropped: (reason) => recorder.totals()[slotOf(connectionsDropped, { reason }) ?? Number.NaN] ?? 0,
    get openConnections() {
      return listener.openConnections;
    },
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** How often a request with these labels was recorded. */
function observations(totals: readonly number[], labels: Labels): number {
  const slot = slotOf(requestDuration, labels);
  if (slot === undefined) throw new Error(`There is no series ${JSON.stringify(labels)}.`);
  const counts = totals.slice(slot, slot + requestDuration.buckets.length + 1);
  return counts.reduce((sum, count) => sum + count, 0);
}

export interface Response {
  readonly status: number;
  /** By lower-case name. A field that came twice has failed the test already. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

export interface Connection {
  send(text: string): void;
  /** The next response; `method` is that of its request. Rejects when the server closes before it is complete. */
  response(method?: string): Promise<Response>;
  /** Resolves what came beyond the responses that were read, when the server has closed the connection. */
  ended(): Promise<string>;
  close(): void;
}

export function openConnection(port: number): Connection {
  let received = Buffer.alloc(0);
  let ended = false;
  let wake = () => {};
  const socket = connect(port, '127.0.0.1');
  const end = () => {
    ended = true;
    wake();
  };
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    wake();
  });
  socket.on('end', end).on('close', end).on('error', end);
  const more = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
    });

  return {
    send: (text) => void socket.write(text, 'latin1'),
    async response(method = 'GET') {
      for (;;) {
        const taken = takeResponse(received, method);
        if (taken !== undefined) {
          received = received.subarray(taken.length);
          return taken.response;
        }
        if (ended)
          throw new Error(`The connection ended after ${JSON.stringify(received.toString('latin1'))}.`);
        await more();
      }
    },
    async ended() {
      while (!ended) await more();
      socket.destroy();
      return received.toString('latin1');
    },
    close: () => void socket.destroy(),
  };
}

/** The response at the start of `bytes`, or undefined while it is not complete. It must tell how long its body is, or have none. */
function takeResponse(bytes: Buffer, method: string): { response: Response; length: number } | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const [statusLine = '', ...fields] = bytes.toString('latin1', 0, headEnd).split('\r\n');
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(statusLine)?.[1]);
  if (Number.isNaN(status)) throw new Error(`This is not a status line: ${statusLine}`);
  const headers = new Map<string, string>();
  for (const field of fields) {
    const [, name = '', value = ''] = /^([^:]+): (.*)$/.exec(field) ?? [];
    if (name === '' || headers.has(name.toLowerCase())) throw new Error(`This field is not well: ${field}`);
    headers.set(name.toLowerCase(), value);
  }
  const hasBody = method !== 'HEAD' && status !== 204 && status !== 304;
  if (hasBody && headers.get('transfer-encoding') === 'chunked') {
    const chunked = takeChunks(bytes.subarray(headEnd + 4));
    return (
      chunked && { response: { status, headers, body: chunked.body }, length: headEnd + 4 + chunked.length }
    );
  }
  const contentLength = Number(headers.get('content-length') ?? (hasBody ? Number.NaN : 0));
  if (Number.isNaN(contentLength)) throw new Error(`A response without Content-Length: ${statusLine}`);
  const length = headEnd + 4 + (hasBody ? contentLength : 0);
  if (bytes.length < length) return undefined;
  return { response: { status, headers, body: bytes.subarray(headEnd + 4, length) }, length };
}

/** A body in chunks, or undefined while its last chunk is not there. */
function takeChunks(bytes: Buffer): { body: Buffer; length: number } | undefined {
  const chunks: Buffer[] = [];
  for (let at = 0; ; ) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
    at = lineEnd + 2 + size + 2;
    if (bytes.length < at) return undefined;
    if (size === 0) return { body: Buffer.concat(chunks), length: at };
    chunks.push(bytes.subarray(lineEnd + 2, at - 2));
  }
}

/** One request on a connection of its own, which is closed afterwards. `fields` are header lines beside Host. */
export async function request(
  port: number,
  target: string,
  { method = 'GET', fields = [] }: { method?: string; fields?: readonly string[] } = {},
): Promise<Response> {
  const connection = openConnection(port);
  try {
    connection.send(`${[`${method} ${target} HTTP/1.1`, 'Host: shop.test', ...fields].join('\r\n')}\r\n\r\n`);
    return await connection.response(method);
  } finally {
    connection.close();
  }
}

/**
 * Sends these bytes on a connection of their own, and a request for /livez after them. Resolves what was answered, each
 * as its status with the code of its problem if it is one, and whether that last request was served. A 200 must be the page.
 */
export async function answersTo(
  port: number,
  bytes: string,
  page: Buffer,
): Promise<{ answers: string[]; after: 'closed' | 'kept' }> {
  const connection = openConnection(port);
  connection.send(`${bytes}GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
  let rest = Buffer.from(await connection.ended(), 'latin1');
  const answers: string[] = [];
  while (rest.length > 0) {
    const taken = takeResponse(rest, answers.length === 0 && bytes.startsWith('HEAD') ? 'HEAD' : 'GET');
    if (taken === undefined) throw new Error(`This is no complete response: ${rest.toString('latin1')}`);
    rest = rest.subarray(taken.length);
    const { status, headers, body } = taken.response;
    if (body.toString() === '{"status":"ok"}' && rest.length === 0) return { answers, after: 'kept' };
    if (status === 200 && !body.equals(page)) throw new Error(`This is another page: ${body}`);
    const isProblem = headers.get('content-type') === 'application/problem+json';
    const code = isProblem && body.length > 0 ? ` ${JSON.parse(body.toString()).type.split('/').pop()}` : '';
    answers.push(`${status}${code}`);
  }
  return { answers, after: 'closed' };
}
