/** A process that takes an export, looks at every line of it, keeps none, and tells what it saw when it is over. */
import { request } from 'node:http';
import { createBrotliDecompress, createGunzip } from 'node:zlib';

export interface Taken {
  readonly documents: number;
  /** Decoded. */
  readonly bytes: number;
  readonly wireBytes: number;
  readonly seconds: number;
  /** What was not as it should be; undefined: it is complete, in order, and every line a document. */
  readonly fault: string | undefined;
}

const [url = '', coding = ''] = process.argv.slice(2);
const startedAtMs = performance.now();
let documents = 0;
let bytes = 0;
let wireBytes = 0;
let fault: string | undefined;
let lastId = 0;
let rest = Buffer.alloc(0);

function take(piece: Buffer): void {
  bytes += piece.length;
  let from = 0;
  for (let end = piece.indexOf(10); end >= 0; from = end + 1, end = piece.indexOf(10, from)) {
    const own = piece.subarray(from, end);
    look(rest.length === 0 ? own : Buffer.concat([rest, own]));
    rest = Buffer.alloc(0);
  }
  // A copy, as the whole piece would stay otherwise.
  if (from < piece.length) rest = Buffer.concat([rest, piece.subarray(from)]);
}

/** Parsing all of it would take longer than sending it. */
function look(line: Buffer): void {
  documents++;
  const id = Number(/^\{"id":(\d+),/.exec(line.toString('latin1', 0, 32))?.[1]);
  if (!(id > lastId) || line.at(-1) !== 0x7d) fault ??= `line ${documents} is not the next document`;
  lastId = id;
}

const end = (failure?: Error) => {
  if (failure !== undefined) fault ??= failure.message;
  if (rest.length > 0) fault ??= 'it ends within a line';
  const taken: Taken = {
    documents,
    bytes,
    wireBytes,
    seconds: (performance.now() - startedAtMs) / 1000,
    fault,
  };
  process.send?.(taken, () => process.exit(0));
};

request(url, { headers: { 'accept-encoding': coding } }, (response) => {
  if (response.statusCode !== 200) fault = `it was answered ${response.statusCode}`;
  response.on('data', (piece: Buffer) => {
    wireBytes += piece.length;
  });
  response.on('error', end);
  const decoder = coding === 'br' ? createBrotliDecompress() : coding === 'gzip' ? createGunzip() : undefined;
  const decoded = decoder ? response.pipe(decoder) : response;
  decoded.on('data', take).on('end', () => end());
  decoder?.on('error', end);
})
  .on('error', end)
  .end();
