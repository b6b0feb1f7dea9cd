/** For tests: clients with a connection each, which send their next request as soon as the last was answered. */
import { Agent, request } from 'node:http';
import { setTimeout } from 'node:timers/promises';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  readonly durationMs: number;
}

/** What became of one client's requests. */
export interface ClientReport {
  answers: number;
  /** Answers other than 200. */
  refusals: string[];
  /** Requests that got no answer. */
  failures: string[];
  /** Connections it made, one after the other. */
  connections: number;
}

export interface Clients {
  readonly reports: readonly ClientReport[];
  /** Resolves when no request is under way any more. */
  stop(): Promise<readonly ClientReport[]>;
}

const longestMs = 5000;
/** Lets others run when nobody answers any more. */
const failurePauseMs = 5;

/** How a failure begins that is not one to make a new connection or to be taken in on it. */
export const onOpenConnection = 'on a connection that had been answered on before';

/** A GET; rejects when there is no complete answer within `timeoutMs`, 5 s unless given. */
export function get(
  url: string,
  {
    timeoutMs = longestMs,
    ...options
  }: { agent?: Agent; headers?: Record<string, string>; timeoutMs?: number } = {},
): Promise<Answer> {
  const startedAtMs = performance.now();
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { agent: false, ...options, timeout: timeoutMs }, (res) => {
      let body = '';
      res.setEncoding('utf8').on('data', (text) => {
        body += text;
      });
      res.on('end', () =>
        resolve({
          status: res.statusCode ?? 0,
          headers: res.headers,
          body,
          durationMs: performance.now() - startedAtMs,
        }),
      );
      res.on('error', reject);
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    outgoing.on('error', (error) =>
      reject(
        outgoing.reusedSocket ? new Error(`${onOpenConnection}: ${error.message}`, { cause: error }) : error,
      ),
    );
    outgoing.end();
  });
}

/**
 * Client i begins with the path i and goes round, pausing after each answer. Resolves when each client has its
 * connection and an answer.
 */
export async function startClients(
  url: string,
  count: number,
  paths: readonly string[],
  { pauseMs = 0 } = {},
): Promise<Clients> {
  const reports: ClientReport[] = [];
  const firstAnswers: Promise<void>[] = [];
  const runs: Promise<void>[] = [];
  let stopped = false;
  for (let i = 0; i < count; i++) {
    const report: ClientReport = { answers: 0, refusals: [], failures: [], connections: 0 };
    reports.push(report);
    const first = Promise.withResolvers<void>();
    firstAnswers.push(first.promise);
    runs.push(run(i, report, first.resolve));
    // One at a time, so that the connections go to the workers in turn.
    await first.promise;
  }

  async function run(index: number, report: ClientReport, onAnswer: () => void): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const sockets = new WeakSet<object>();
    agent.on('free', (socket) => {
      if (!sockets.has(socket)) report.connections++;
      sockets.add(socket);
    });
    for (let i = index; !stopped; i++) {
      try {
        const { status, body } = await get(`${url}${paths[i % paths.length]}`, { agent });
        report.answers++;
        if (status !== 200) report.refusals.push(`${status} ${body}`);
      } catch (error) {
        report.failures.push(error instanceof Error ? error.message : String(error));
        await setTimeout(failurePauseMs);
      }
      onAnswer();
      if (pauseMs > 0) await setTimeout(pauseMs);
    }
    agent.destroy();
  }

  return {
    reports,
    async stop() {
      stopped = true;
      await Promise.all(runs);
      return reports;
    },
  };
}
