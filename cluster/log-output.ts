/**
 * Where log lines leave a process, without ever holding it up.
 *
 * A write to a pipe whose reader has stalled waits for as long as that lasts. Made in the event loop it stops every request; made in
 * one of libuv's threads it keeps that thread from zlib and files, and the process from ending, as exit() waits for its
 * threads. So pipes and sockets are written through the event loop (process.stdout, which makes them non-blocking), and only
 * what does not stall, files and devices, in a thread. What waits is bounded in bytes; beyond that the newest lines are dropped and counted.
 *
 * Workers write to the primary, and the primary alone to the outside: lines of several processes, each longer than the
 * 4 KiB that a pipe takes in one piece, would end up within each other.
 */
import { fstatSync, write } from 'node:fs';
import type { Readable } from 'node:stream';

export interface LogOutput {
  /** Takes whole lines. */
  write(lines: string | Buffer): void;
  /** Resolves when all that was taken is written or lost, but within half a second: who reads no more is not waited for. */
  flush(): Promise<void>;
}

/** Calls back once, with an error when not all of the bytes were written. */
export type Sink = (bytes: Buffer, done: (error?: Error | null) => void) => void;

const mostWaitingBytes = 1024 * 1024;
const longestFlushMs = 500;

/** `onDropped` hears of every line that is lost, because too many waited or because it could not be written. */
export function createLogOutput(sink: Sink, onDropped: (lines: number) => void): LogOutput {
  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  /** Undefined: nothing is being written. */
  let writing: Buffer | undefined;
  const onIdle: (() => void)[] = [];

  function next(): void {
    if (waiting.length === 0) {
      for (const resolve of onIdle.splice(0)) resolve();
      return;
    }
    const bytes = waiting.length === 1 && waiting[0] ? waiting[0] : Buffer.concat(waiting);
    waiting = [];
    waitingBytes = 0;
    writing = bytes;
    sink(bytes, (error) => {
      writing = undefined;
      if (error) onDropped(linesIn(bytes));
      next();
    });
  }

  return {
    write(lines) {
      const bytes = typeof lines === 'string' ? Buffer.from(lines) : lines;
      if (waitingBytes + (writing?.length ?? 0) + bytes.length > mostWaitingBytes)
        return onDropped(linesIn(bytes));
      waiting.push(bytes);
      waitingBytes += bytes.length;
      if (writing === undefined) next();
    },
    flush: () =>
      new Promise((resolve) => {
        if (writing === undefined) return resolve();
        const timer = setTimeout(resolve, longestFlushMs);
        onIdle.push(() => {
          clearTimeout(timer);
          resolve();
        });
      }),
  };
}

/** Hands on what a worker writes, whole lines at a time. Resolves when there will be no more. */
export function forwardLines(from: Readable, output: LogOutput): Promise<void> {
  let begun: Buffer = Buffer.alloc(0);
  from.on('data', (chunk: Buffer) => {
    const bytes = begun.length === 0 ? chunk : Buffer.concat([begun, chunk]);
    const end = bytes.lastIndexOf(newline) + 1;
    begun = bytes.subarray(end);
    if (end > 0) output.write(bytes.subarray(0, end));
    // No line of ours is as long.
    if (begun.length > mostWaitingBytes) begun = Buffer.alloc(0);
  });
  return new Promise((resolve) => from.once('close', resolve));
}

/** The sink for standard output, whatever that is. */
export function standardOutput(): Sink {
  const kind = fstatSync(1);
  if (!kind.isFIFO() && !kind.isSocket()) return writeAll;
  // Also told to who wrote; without a listener it would end the process.
  process.stdout.on('error', () => {});
  return (bytes, done) => void process.stdout.write(bytes, done);
}

const writeAll: Sink = (bytes, done) =>
  write(1, bytes, (error, written) => {
    if (error || written === bytes.length) return done(error);
    writeAll(bytes.subarray(written), done);
  });

const newline = 0x0a;

function linesIn(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf(newline); at >= 0; at = bytes.indexOf(newline, at + 1)) lines++;
  return lines;
}
