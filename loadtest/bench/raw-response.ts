/**
 * One HTTP/1.1 response as the bytes on the wire. The bench compares servers byte for byte, so it must not
 * look at them through a client that parses, lower-cases and joins.
 */
import { connect } from 'node:net';

/** A whole response as a latin1 string, one character per byte. */
export interface RawResponse {
  readonly bytes: string;
  readonly status: number;
  /** Names and values in turn, as they stood on the wire. */
  readonly headers: readonly string[];
  readonly body: string;
}

const headEnd = '\r\n\r\n';

/** Parses a response with a Content-Length; undefined while there are too few bytes. Throws on more, and on anything else. */
export function parseResponse(bytes: string): RawResponse | undefined {
  const endOfHead = bytes.indexOf(headEnd);
  if (endOfHead === -1) return undefined;
  const [statusLine = '', ...lines] = bytes.slice(0, endOfHead).split('\r\n');
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(statusLine)?.[1]);
  const headers = lines.flatMap((line) => {
    const colon = line.indexOf(': ');
    return [line.slice(0, colon), line.slice(colon + 2)];
  });
  const length = Number(headerValue(headers, 'content-length') ?? Number.NaN);
  if (Number.isNaN(status) || Number.isNaN(length))
    throw new Error(
      `expected an HTTP/1.1 response with a Content-Length, got ${JSON.stringify(bytes.slice(0, endOfHead))}`,
    );
  const body = bytes.slice(endOfHead + headEnd.length);
  if (body.length > length) throw new Error(`expected a body of ${length} bytes, got ${body.length}`);
  return body.length < length ? undefined : { bytes, status, headers, body };
}

/** Value of the first header of this lower-case name. */
export function headerValue(headers: readonly string[], name: string): string | undefined {
  const at = headers.findIndex((text, index) => index % 2 === 0 && text.toLowerCase() === name);
  return at === -1 ? undefined : headers[at + 1];
}

/** Sends a request on a connection of its own and resolves its response. Rejects if the connection ends before it. */
export function fetchRaw(server: URL, request: string): Promise<RawResponse> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: server.hostname, port: Number(server.port) });
    let bytes = '';
    socket.setEncoding('latin1');
    socket.on('connect', () => socket.write(request, 'latin1'));
    socket.on('error', reject);
    socket.on('close', () =>
      reject(new Error(`${server.host} closed the connection before its response was whole`)),
    );
    socket.on('data', (chunk: string) => {
      bytes += chunk;
      try {
        const response = parseResponse(bytes);
        if (response) resolve(response);
        if (response) socket.destroy();
      } catch (error) {
        reject(error);
        socket.destroy();
      }
    });
  });
}

/** The bytes that every response must repeat, but for the value of its Date. */
export interface ExpectedResponse {
  readonly bytes: Buffer;
  readonly dateStart: number;
  readonly dateEnd: number;
}

/** What to expect of every further response, given one. */
export function expectSame(response: string): ExpectedResponse {
  const date = /\r\nDate: ([^\r]*)/.exec(response.slice(0, response.indexOf(headEnd)));
  const dateStart = date ? date.index + '\r\nDate: '.length : 0;
  return {
    bytes: Buffer.from(response, 'latin1'),
    dateStart,
    dateEnd: dateStart + (date?.[1]?.length ?? 0),
  };
}

/** Whether these `length` bytes of `chunk` are what stands at `offset` of the expected response. */
export function isExpected(
  expected: ExpectedResponse,
  offset: number,
  chunk: Uint8Array,
  length: number,
): boolean {
  const same = (from: number, to: number) =>
    from >= to || expected.bytes.compare(chunk, from - offset, to - offset, from, to) === 0;
  const end = offset + length;
  return (
    end <= expected.bytes.length &&
    same(offset, Math.min(end, expected.dateStart)) &&
    same(Math.max(offset, expected.dateEnd), end)
  );
}
