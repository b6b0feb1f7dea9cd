/**
 * The load: N keep-alive connections, each of which sends the next request when it has the whole response to the
 * last. Raw sockets and a byte comparison cost less than any server, so one core of this saturates one core of
 * that, and still every byte of every response is checked.
 *
 * A child of the bench: a line of JSON on stdin is a round, a line on stdout its result; it ends with its stdin.
 */
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { cpuTimeNs } from './cpu-time.ts';
import { expectSame, isExpected } from './raw-response.ts';

export interface Round {
  readonly host: string;
  readonly port: number;
  /** Latin1, one character per byte, as is `response`: what every answer must be, but for its Date. */
  readonly request: string;
  readonly response: string;
  readonly connections: number;
  /** Load before the measurement starts, so that connecting is not in it. */
  readonly settleMs: number;
  readonly measureMs: number;
  /** Processes whose CPU time is the server's. */
  readonly pids: readonly number[];
}

export interface RoundResult {
  /** Responses in the measured time. */
  readonly requests: number;
  readonly wallNs: number;
  readonly serverCpuNs: number;
  readonly generatorCpuNs: number;
  /** Set when an answer was wrong: the round is void. */
  readonly wrong?: string;
}

async function run(round: Round): Promise<RoundResult> {
  const request = Buffer.from(round.request, 'latin1');
  const expected = expectSame(round.response);
  const sockets: Socket[] = [];
  let responses = 0;
  let over = false;
  const wrong = Promise.withResolvers<string>();

  const open = () => {
    let received = 0;
    const buffer = Buffer.allocUnsafe(256 * 1024);
    const socket = connect({
      host: round.host,
      port: round.port,
      noDelay: true,
      // One buffer per connection, instead of a new one per read.
      onread: {
        buffer,
        callback(length) {
          if (!isExpected(expected, received, buffer, length)) {
            const shown = buffer.toString('latin1', 0, Math.min(length, 600));
            wrong.resolve(
              `response ${responses + 1} differs from the first one at or after byte ${received}: ${JSON.stringify(shown)}`,
            );
            return false;
          }
          received += length;
          if (received === expected.bytes.length) {
            received = 0;
            responses += 1;
            if (!over) socket.write(request);
          }
          return true;
        },
      },
    });
    socket.on('connect', () => socket.write(request));
    socket.on('error', (error) => wrong.resolve(`a connection failed: ${error.message}`));
    socket.on('close', () => wrong.resolve('the server closed a connection'));
    sockets.push(socket);
  };
  for (let i = 0; i < round.connections; i++) open();

  const reading = () => ({
    requests: responses,
    wallNs: performance.now() * 1e6,
    serverCpuNs: cpuTimeNs(round.pids),
    generatorCpuNs: cpuTimeNs([process.pid]),
  });
  const measured = async () => {
    await delay(round.settleMs);
    const start = reading();
    await delay(round.measureMs);
    const end = reading();
    return {
      requests: end.requests - start.requests,
      wallNs: end.wallNs - start.wallNs,
      serverCpuNs: end.serverCpuNs - start.serverCpuNs,
      generatorCpuNs: end.generatorCpuNs - start.generatorCpuNs,
    };
  };
  const nothing = { requests: 0, wallNs: 0, serverCpuNs: 0, generatorCpuNs: 0 };
  const result = await Promise.race([measured(), wrong.promise.then((wrong) => ({ ...nothing, wrong }))]);
  over = true;
  for (const socket of sockets) socket.destroy();
  return result;
}

for await (const line of createInterface(process.stdin)) {
  const round: Round = JSON.parse(line);
  console.log(JSON.stringify(await run(round)));
}
process.exit();
