/** A Frontshelf to measure: one that is started as a user would start it, or one that runs already. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export interface Frontshelf {
  readonly url: URL;
  /** The primary and its one worker. */
  readonly pids: readonly number[];
  /** The settings it runs with, as it tells them. */
  readonly settings: unknown;
  stop(): Promise<void>;
}

/** What the bench needs of a `/status`, or undefined if it is not one. */
function readStatus(status: unknown) {
  if (!isObject(status) || !Array.isArray(status.workers)) return undefined;
  const primary = pidOf(status.primary);
  const workers = status.workers.map(pidOf).filter((pid) => pid !== undefined);
  if (primary === undefined || workers.length !== status.workers.length) return undefined;
  return { primary, workers, settings: status.settings };
}
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;
const pidOf = (value: unknown) => (isObject(value) && typeof value.pid === 'number' ? value.pid : undefined);

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('the system gave no free port');
  return address.port;
}

/** Uses a server that runs. Rejects unless it has exactly one worker: more would share the load unequally. */
export async function attachFrontshelf(url: URL, adminUrl: URL): Promise<Frontshelf> {
  const token = process.env.ADMIN_TOKEN;
  const found = readStatus(
    await getJson(new URL('/status', adminUrl), token ? { authorization: `Bearer ${token}` } : {}),
  );
  if (found === undefined)
    throw new Error(
      `No Frontshelf answers at ${adminUrl.origin}: give the admin address of the server by --admin-url, and its token, if it has one, by ADMIN_TOKEN.`,
    );
  if (found.workers.length !== 1)
    throw new Error(
      `The server at ${adminUrl.origin} has ${found.workers.length} workers; the bench needs one: start it with WORKERS=1.`,
    );
  return {
    url,
    pids: [found.primary, ...found.workers],
    settings: found.settings,
    async stop() {},
  };
}

/**
 * Starts a server with one worker, on free ports, with the database and Redis that `npm start` would use, and
 * resolves when it is ready. What it says while starting goes to stderr. Rejects when it does not get ready.
 */
export async function startFrontshelf(): Promise<Frontshelf> {
  return launch(
    '../../local/main.ts',
    {
      ...process.env,
      WORKERS: '1',
      LOG_LEVEL: 'error',
      // Every measured answer is to be the same memory hit, so no page may expire during the run.
      MEMORY_TTL_MS: '86400000',
    },
    'A running one, with WORKERS=1, is measured with --url and --admin-url.',
  );
}

/**
 * Starts another server with all that a running one was given, its databases too, but for the ports and for
 * `changes`, and resolves when it is ready. The running one must be this user's, on this machine.
 */
export function startTwin({ pids: [primary] }: Frontshelf, changes: NodeJS.ProcessEnv): Promise<Frontshelf> {
  const given = readFileSync(`/proc/${primary}/environ`, 'utf8').split('\0');
  const variables = given.map((line) => /^([^=]+)=(.*)$/s.exec(line)?.slice(1) ?? []);
  const { NODE_CHANNEL_FD: _, ...env } = Object.fromEntries(variables);
  return launch('../../cluster/main.ts', { ...env, ...changes }, 'The first one did.');
}

async function launch(file: string, env: NodeJS.ProcessEnv, advice: string): Promise<Frontshelf> {
  const port = await freePort();
  const adminPort = await freePort();
  const child = spawn(process.execPath, [fileURLToPath(new URL(file, import.meta.url))], {
    env: { ...env, PORT: String(port), ADMIN_PORT: String(adminPort) },
    stdio: ['ignore', process.stderr, 'inherit'],
    // Ctrl-C is for the bench, which then stops the server in order.
    detached: true,
  });
  const ended = once(child, 'exit');
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    await ended;
  };
  const adminUrl = new URL(`http://127.0.0.1:${adminPort}`);
  try {
    while (!(await isReady(adminUrl))) {
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`The server did not start: its reason stands above. ${advice}`);
      await delay(100);
    }
    return { ...(await attachFrontshelf(new URL(`http://127.0.0.1:${port}`), adminUrl)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

const isReady = (adminUrl: URL) =>
  fetch(new URL('/readyz', adminUrl)).then(
    (response) => response.ok,
    () => false,
  );

/** The answer's JSON, or undefined where there is none. */
const getJson = (url: URL, headers: Readonly<Record<string, string>> = {}): Promise<unknown> =>
  fetch(url, { headers }).then(
    (response) => response.json().catch(() => undefined),
    () => undefined,
  );

/** Path of the most popular product's page. Rejects if the server lists none. */
export async function popularPage(url: URL): Promise<string> {
  const list = await getJson(new URL('/v1/products?limit=1', url));
  const first: unknown = isObject(list) && Array.isArray(list.items) ? list.items[0] : undefined;
  if (!isObject(first) || typeof first.slug !== 'string')
    throw new Error(`The server at ${url.origin} lists no products: seed it with npm run seed.`);
  return `/v1/products/${first.slug}`;
}
