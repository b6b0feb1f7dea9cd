/** The two sides of the comparison: servers that answer one request with the same bytes. */
import type { BareServerOrder, BareServerReady } from './bare-server.ts';
import type { Child } from './child.ts';
import { expectSame, fetchRaw, headerValue, type RawResponse } from './raw-response.ts';

export interface Side {
  readonly name: string;
  readonly url: URL;
  /** All its processes. */
  readonly pids: readonly number[];
}

/** What a browser sends, so far as a server looks at it. */
export const requestFor = (host: string, path: string, acceptEncoding: string) =>
  [
    `GET ${path} HTTP/1.1`,
    `Host: ${host}`,
    'User-Agent: Mozilla/5.0 (X11; Linux x86_64)',
    'Accept: application/json',
    `Accept-Encoding: ${acceptEncoding}`,
    '\r\n',
  ].join('\r\n');

/** Asks Frontshelf for the page until it comes from memory. Rejects if it does not within a hundred tries. */
export async function memoryHit(url: URL, request: string): Promise<RawResponse> {
  let last = '';
  for (let tries = 0; tries < 100; tries++) {
    const response = await fetchRaw(url, request);
    if (response.status === 200 && headerValue(response.headers, 'cache-status') === 'frontshelf-memory; hit')
      return response;
    last = response.bytes.slice(0, 600);
  }
  throw new Error(`The page never came from memory; the last answer was ${JSON.stringify(last)}`);
}

/** Has the bare handler answer with these headers and this body, a latin1 string. */
export async function startBare(name: string, child: Child, order: BareServerOrder): Promise<Side> {
  const { port } = await child.ask<BareServerReady>(order);
  return { name, url: new URL(`http://127.0.0.1:${port}`), pids: [child.pid] };
}

/** What the bare handler must be told to answer as this response did. */
export function orderLike({ headers, body }: RawResponse): BareServerOrder {
  const writtenByNode = new Set(['date', 'connection', 'keep-alive']);
  return {
    headers: headers.filter((_, i) => !writtenByNode.has((headers[i - (i % 2)] ?? '').toLowerCase())),
    body,
    keepAliveTimeoutMs:
      Number(/timeout=(\d+)/.exec(headerValue(headers, 'keep-alive') ?? '')?.[1] ?? 5) * 1000,
  };
}

/** Rejects unless the side's answer is `like`, byte for byte but for the Date's value. */
export async function checkSame(side: Side, request: string, like: RawResponse): Promise<void> {
  const answer = await fetchRaw(side.url, request);
  const withoutDate = ({ bytes }: RawResponse) => {
    const { dateStart, dateEnd } = expectSame(bytes);
    return bytes.slice(0, dateStart) + bytes.slice(dateEnd);
  };
  if (withoutDate(answer) === withoutDate(like)) return;
  throw new Error(
    `The two servers send different bytes, so nothing is compared. Headers of ${side.name}: ${answer.headers.join('|')}; of the other: ${like.headers.join('|')}`,
  );
}
