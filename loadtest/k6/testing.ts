/** For tests: a server that has both APIs and nothing behind them, and scenarios run against it by k6. */
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runK6 } from '../k6.ts';

/** As products are given to a scenario. */
export const products: readonly (readonly [id: number, slug: string])[] = Array.from(
  { length: 50 },
  (_, index) => [index + 1, `game-${index + 1}`],
);

/** The status and body of a right answer, or 404. */
export function answerTo(url: string): { status: number; body: string } {
  const slug = /^\/v1\/products\/(game-\d+)$/.exec(url)?.[1];
  const id = /^\/api\/products\/(\d+)\/[a-z-]+$/.exec(url)?.[1];
  if (slug !== undefined) return { status: 200, body: `{"id":1,"slug":"${slug}"}` };
  if (id !== undefined) return { status: 200, body: `{"productId":${id},"genres":[]}` };
  return { status: 404, body: '{}' };
}

export interface StubServer {
  readonly url: string;
  /** Paths that were asked for, in order. */
  readonly asked: readonly string[];
  stop(): void;
}

/** Answers by `answer`, which is told how many requests came before. */
export async function startStubServer(
  answer: (url: string, before: number) => { status: number; body: string },
): Promise<StubServer> {
  const asked: string[] = [];
  const listener: RequestListener = ({ url = '' }, response) => {
    const { status, body } = answer(url, asked.push(url) - 1);
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(body);
  };
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    asked,
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Resolves k6's exit code, its complaints and the summary as the scenario wrote it. */
export async function runScenario(
  k6: string,
  script: string,
  variables: Readonly<Record<string, string>>,
): Promise<{ exitCode: number; complaints: readonly string[]; summary: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'frontshelf-scenario-'));
  const productsFile = join(folder, 'products.json');
  const summaryFile = join(folder, 'summary.json');
  try {
    writeFileSync(productsFile, JSON.stringify(products));
    const complaints: string[] = [];
    const exitCode = await runK6(
      k6,
      script,
      { ...variables, PRODUCTS_FILE: productsFile, SUMMARY_FILE: summaryFile },
      { quiet: true, complain: (line) => complaints.push(line) },
    );
    const summary = existsSync(summaryFile) ? readFileSync(summaryFile, 'utf8') : '';
    return { exitCode, complaints, summary };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
