/**
 * The least that `node:http` can do: answer every request with the same header array and the same string.
 * A child of the bench: takes one line of JSON on stdin, answers with one line on stdout, and ends with its stdin.
 */
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

/** What to answer; `body` is a latin1 string, one character per byte. */
export interface BareServerOrder {
  /** Without Date, Connection and Keep-Alive: node:http writes these itself. */
  readonly headers: string[];
  readonly body: string;
  readonly keepAliveTimeoutMs: number;
}
export interface BareServerReady {
  readonly port: number;
}

const input = createInterface(process.stdin);
input.once('line', (line) => {
  const { headers, body, keepAliveTimeoutMs }: BareServerOrder = JSON.parse(line);
  // Through a Buffer, so that the string has one byte per character in memory too.
  const bytes = Buffer.from(body, 'latin1').toString('latin1');
  const server = createServer(
    // As fast as node:http goes, so that the ratio hides nothing of what the other side adds.
    { keepAliveTimeout: keepAliveTimeoutMs, optimizeEmptyRequests: true },
    (_request, response) => {
      response.writeHead(200, headers);
      response.end(bytes, 'latin1');
    },
  );
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the server has no port');
    const ready: BareServerReady = { port: address.port };
    console.log(JSON.stringify(ready));
  });
});
input.once('close', () => process.exit());
