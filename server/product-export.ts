/**
 * The whole catalogue in one answer, a document a line, for as long as its client takes.
 *
 * It is read in batches, in order of ids that never change: each batch is a read like any other, which passes admission and
 * gives its connection back before a byte of it is sent. The next one is read when the client has taken the last. So a slow
 * client holds up to one batch of memory and nothing of Postgres, and each product that is there from beginning to end
 * comes exactly once, in its state at some time in between. What was sent is known by the last id, which is all that it takes
 * to go on elsewhere.
 *
 * Exports come last. Batches are small and a rest follows each, so that pages come as fast as without an export. The first batch
 * is read as any request is, so that what cannot be begun is refused with a status. Later ones are read where there is room.
 * Where there is none they are tried again, and after a second wait for their turn, so that an export slows down and does not
 * stand. A Postgres that does not answer is waited for as well, for a while.
 * An export that cannot go on breaks its connection without the last chunk, which every client of HTTP/1.1 knows from the end.
 */
import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { createBrotliCompress, createGzip, constants as zlib } from 'node:zlib';
import type { Demand } from '../cache/entry.ts';
import type { ProductBatch } from '../sql/product-export.ts';
import { Overloaded } from './admission.ts';
import type { ContentCoding } from './content-coding.ts';
import {
  exportBatchMax,
  exportBatchMs,
  exportFirstBatch,
  exportPatienceMs,
  exportRestShare,
  exportRetryMs,
  exportsMax,
  exportYieldMs,
} from './limits.ts';
import { isUnavailable } from './problems.ts';

export interface ExportSource {
  /** Up to `limit` documents with ids above `afterId`, in their order. */
  read(afterId: string, limit: number, demand: Demand): Promise<ProductBatch>;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly delay: (ms: number) => Promise<void>;
}

/**
 * Yields all documents with ids above `afterId`, in their order, each with a line feed, several at a time. Rejects as `read`
 * does: at once for the first batch, for a later one when it has not been readable for `exportPatienceMs`.
 */
export async function* exportedLines(
  { read, now, delay }: ExportSource,
  afterId: string,
  isWanted: () => boolean,
): AsyncGenerator<Buffer, void, undefined> {
  let position = afterId;
  let limit = exportFirstBatch;
  let hasBegun = false;

  async function readPatiently(): Promise<ProductBatch & { readonly tookMs: number }> {
    const sinceMs = now();
    const demand: Demand = {
      isWanted,
      isWaitedFor: () => !hasBegun || now() - sinceMs >= exportYieldMs,
    };
    for (;;)
      try {
        const startedAtMs = now();
        const batch = await read(position, limit, demand);
        return { ...batch, tookMs: now() - startedAtMs };
      } catch (error) {
        const isOver = !hasBegun || !isWanted() || now() - sinceMs >= exportPatienceMs;
        if (isOver || !isUnavailable(error)) throw error;
        // It may have been more than can be read in the time that a statement has.
        if (!(error instanceof Overloaded)) limit = Math.max(1, Math.floor(limit / 2));
        await delay(exportRetryMs);
      }
  }

  for (;;) {
    const { lines, count, lastId, tookMs } = await readPatiently();
    hasBegun = true;
    if (lastId === null) return;
    yield lines;
    if (count < limit) return;
    position = lastId;
    limit = nextLimit(limit, tookMs);
    await delay(tookMs * exportRestShare);
  }
}

/**
 * As many as should take `exportBatchMs`, but neither more than twice nor less than half of the last batch. Time makes none smaller than
 * the first: it may have been spent waiting, after which a batch should be worth its turn.
 */
function nextLimit(limit: number, tookMs: number): number {
  const factor = Math.min(2, Math.max(0.5, exportBatchMs / tookMs));
  const least = Math.min(limit, exportFirstBatch);
  return Math.min(exportBatchMax, Math.max(least, Math.floor(limit * factor)));
}

export interface ExportEnd {
  /** Of the body, as sent. */
  readonly sentBytes: number;
  /** Why it broke off; undefined: it is complete, or its client has left. */
  readonly failure: unknown;
}

export interface Exports {
  /** False: as many are under way as may be. */
  readonly hasRoom: boolean;
  /**
   * Answers with the catalogue from after `afterId` on. Resolves when all is sent, the client has left, or it had to break off, in
   * which case the connection is gone. Rejects, with nothing sent, when it cannot begin.
   */
  send(res: ServerResponse, afterId: string, coding: ContentCoding): Promise<ExportEnd>;
}

export function createExports(source: ExportSource): Exports {
  let underWay = 0;

  async function stream(
    res: ServerResponse,
    { lines, coding, signal }: { lines: AsyncGenerator<Buffer>; coding: ContentCoding; signal: AbortSignal },
  ): Promise<ExportEnd> {
    let sentBytes = 0;
    let failure: unknown;
    // Before anything is sent, so that a failure still has a status.
    const first = await lines.next();

    async function* documents() {
      if (first.done) return;
      yield first.value;
      yield* lines;
    }
    async function* counted(pieces: AsyncIterable<Buffer>) {
      for await (const piece of pieces) {
        sentBytes += piece.length;
        yield piece;
      }
    }
    res.writeHead(200, exportHeaders(coding));
    const sending =
      coding === 'identity'
        ? pipeline(documents, counted, res, { signal })
        : pipeline(documents, coderOf(coding), counted, res, { signal });
    await sending.catch((error) => {
      if (!signal.aborted) failure = error;
    });
    return { sentBytes, failure };
  }

  return {
    get hasRoom() {
      return underWay < exportsMax;
    },
    async send(res, afterId, coding) {
      const { socket } = res.req;
      const left = new AbortController();
      const leave = () => left.abort();
      // Of the socket, as a response that waits for the one before it never hears of its end.
      socket.once('close', leave);
      underWay++;
      try {
        const lines = exportedLines(source, afterId, () => !socket.destroyed);
        return await stream(res, { lines, coding, signal: left.signal });
      } finally {
        underWay--;
        socket.off('close', leave);
      }
    },
  };
}

/** The same for GET and HEAD. It is of its moment, too large for caches, and worse than none where one has kept half of it. */
export const exportHeaders = (coding: ContentCoding): string[] => [
  'Content-Type',
  'application/x-ndjson',
  ...(coding === 'identity' ? [] : ['Content-Encoding', coding]),
  'Cache-Control',
  'no-store',
  'Vary',
  'Accept-Encoding',
  'X-Content-Type-Options',
  'nosniff',
  'Access-Control-Allow-Origin',
  '*',
];

const pieceBytes = 64 * 1024;

/** Every batch is flushed, so that a client has whole lines of it while the next one is read. */
function coderOf(coding: 'br' | 'gzip') {
  return coding === 'br'
    ? createBrotliCompress({
        flush: zlib.BROTLI_OPERATION_FLUSH,
        chunkSize: pieceBytes,
        params: { [zlib.BROTLI_PARAM_QUALITY]: exportBrotliQuality, [zlib.BROTLI_PARAM_LGWIN]: 18 },
      })
    : createGzip({ flush: zlib.Z_SYNC_FLUSH, chunkSize: pieceBytes, level: exportGzipLevel });
}

const exportBrotliQuality = 3;
const exportGzipLevel = 1;
