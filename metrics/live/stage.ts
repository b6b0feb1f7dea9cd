/** For tests: a Frontshelf with a Postgres and a Redis of its own, all of which may be broken, and who watches them. */
import { chmodSync, closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../../cache/eventually.ts';
import { startClients } from '../../cluster/keep-alive-clients.ts';
import { type ServerProcess, startServer } from '../../cluster/server-process.ts';
import { popularSlugs } from '../../loadtest/catalogue.ts';
import { onPath } from '../../local/on-path.ts';
import { freePort } from '../../local/ports.ts';
import { type Postgres, startPostgres } from '../../local/postgres.ts';
import { end } from '../../local/processes.js';
import { startRedis } from '../../local/redis.ts';
import { startService } from '../../local/service.ts';
import { createTestDatabase, type TestDatabase } from '../../sql/testing.ts';
import { startK6 } from './k6-run.ts';
import { startWatch, type Watch } from './watch.ts';

/** What keeps its address while it is stopped. */
export interface Breakable {
  start(): Promise<void>;
  stop(): Promise<void>;
}

export interface Stage {
  /** `url` is the superuser's. */
  readonly postgres: Breakable & { readonly url: string };
  readonly redis: Breakable & { readonly url: string; hang(): void };
  readonly database: TestDatabase;
  /** Three workers. */
  readonly server: Breakable & { readonly process: ServerProcess };
  /** One worker, for itself, and no room for what it logs. */
  readonly smallServer: Breakable & { readonly process: ServerProcess };
  readonly watch: Watch;
  /** Of all products, the most popular first. */
  readonly slugs: readonly string[];
  /** Ends everything, and the visitors that k6 sends to `server` where it is installed. */
  close(): Promise<void>;
}

const products = 300;
const warmProducts = 100;
/** That the small server may have. */
export const fewConnections = 50;

/** Exporters by their job, where they are on the PATH (Debian: prometheus-redis-exporter, prometheus-postgres-exporter). */
export const exporters = {
  redis: onPath('prometheus-redis-exporter', 'redis_exporter'),
  postgres: onPath('prometheus-postgres-exporter', 'postgres_exporter'),
} as const;

/** Resolves when everything is watched and nothing is the matter; when that fails, ends what it had started. */
export async function startStage({ isHastened }: { isHastened: boolean }): Promise<Stage> {
  const ends: (() => unknown)[] = [];
  const close = async () => {
    for (const end of ends.splice(0).reverse()) await end();
  };
  try {
    return { ...(await start(isHastened, ends)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Adds to `ends` what ends each thing that it starts. */
async function start(isHastened: boolean, ends: (() => unknown)[]): Promise<Omit<Stage, 'close'>> {
  const folder = mkdtempSync(join(tmpdir(), 'frontshelf-stage-'));
  ends.push(() => rmSync(folder, { recursive: true, force: true }));
  chmodSync(folder, 0o755);
  const postgres = await breakablePostgres(join(folder, 'postgres'));
  ends.push(postgres.stop);
  const redis = await breakableRedis();
  ends.push(redis.stop);
  const database = await createTestDatabase({ products, server: postgres.url });
  const settings = {
    DATABASE_URL: database.readerUrl,
    REDIS_URL: redis.url,
    DATABASE_POOL_MAX: '2',
    // So that pages are asked of Redis again, and grow old while Postgres is away.
    MEMORY_TTL_MS: '15000',
    REDIS_TTL_MS: '20000',
    NEGATIVE_TTL_MS: '500',
    LIST_TTL_MS: '500',
  };
  const server = await breakableServer({
    ...settings,
    WORKERS: '3',
    WARMUP_PRODUCTS: String(warmProducts),
  });
  ends.push(server.stop);
  const smallServer = await breakableServer(
    { ...settings, WORKERS: '1', MAX_CONNECTIONS: String(fewConnections) },
    '/dev/full',
  );
  ends.push(smallServer.stop);
  const exporting = await startExporters(redis.url, postgres.url);
  ends.push(exporting.stop);

  const { url } = server.process;
  const slugs = await popularSlugs(url, products);
  const port = await freePort();
  const k6 = startK6({ url, slugs, prometheusUrl: `http://127.0.0.1:${port}` });
  if (k6) ends.push(k6.stop);
  await visit(url, slugs);
  const frontshelf = [server, smallServer].map(({ process }) => new URL(process.adminUrl).host);
  const targets = { frontshelf, ...exporting.targets };
  const watch = await startWatch({ folder, port, targets, isHastened });
  ends.push(watch.stop);
  await eventually('all are watched and well', 60_000, async () => {
    const [up] = await watch.ask('count(up == 1)');
    return up?.points[0]?.[1] === Object.values(targets).flat().length && (await watch.alerts()).length === 0;
  });
  return { postgres, redis, database, server, smallServer, watch, slugs };
}

/** Until everything has run often enough to be compiled: what is slow before is no fault. */
async function visit(url: string, slugs: readonly string[]): Promise<void> {
  const paths = slugs.map((slug) => `/v1/products/${slug}`);
  const { reports, stop } = await startClients(url, 6, paths, { pauseMs: 5 });
  await eventually('many pages are visited', 60_000, () =>
    reports.every(({ answers }) => answers >= slugs.length),
  );
  await stop();
}

async function breakablePostgres(dataDir: string): Promise<Breakable & { readonly url: string }> {
  const start = (port?: number) =>
    startPostgres({
      dataDir,
      password: 'test',
      settings: { fsync: 'off', full_page_writes: 'off' },
      ...(port !== undefined && { port }),
    });
  let running: Postgres = await start();
  const { port, url } = running;
  return {
    url,
    async start() {
      running = await start(port);
    },
    stop: () => running.stop('immediate'),
  };
}

async function breakableRedis(): Promise<Stage['redis']> {
  let running = await startRedis();
  const { port, url } = running;
  return {
    url,
    async start() {
      running = await startRedis({ port });
    },
    hang() {
      process.kill(running.process.pid, 'SIGSTOP');
    },
    stop: () => running.stop(),
  };
}

/** Stopping kills it with its workers. What it logs goes to the file `log`, if one is named. */
async function breakableServer(env: Readonly<Record<string, string>>, log?: string) {
  const [port, adminPort] = [await freePort(), await freePort()];
  const start = async () => {
    const stdout = log === undefined ? undefined : openSync(log, 'w');
    try {
      const all = { ...env, PORT: String(port), ADMIN_PORT: String(adminPort) };
      return await startServer(all, stdout === undefined ? {} : { stdout });
    } finally {
      if (stdout !== undefined) closeSync(stdout);
    }
  };
  let running = await start();
  return {
    get process() {
      return running;
    },
    async start() {
      running = await start();
    },
    stop: () => running.destroy(),
  };
}

async function startExporters(redisUrl: string, postgresUrl: string) {
  const [redisPort, postgresPort] = [await freePort(), await freePort()];
  const wanted = [
    {
      job: 'redis',
      port: redisPort,
      program: exporters.redis,
      env: `REDIS_ADDR=${redisUrl}`,
      readyText: 'Providing metrics at',
    },
    {
      job: 'postgres',
      port: postgresPort,
      program: exporters.postgres,
      env: `DATA_SOURCE_NAME=${postgresUrl}?sslmode=disable`,
      readyText: 'Listening on',
    },
  ];
  const started = await Promise.all(
    wanted.flatMap(({ job, port, program, env, readyText }) => {
      if (program === undefined) return [];
      const address = `127.0.0.1:${port}`;
      const args = [env, program, `--web.listen-address=${address}`];
      return startService({ command: 'env', args, options: {} }, readyText).then(({ process }) => ({
        job,
        address,
        stop: () =>
          end(process, [
            { signal: 'SIGTERM', waitMs: 1000 },
            { signal: 'SIGKILL', waitMs: 1000 },
          ]),
      }));
    }),
  );
  return {
    targets: Object.fromEntries(started.map(({ job, address }) => [job, [address]])),
    stop: () => Promise.all(started.map(({ stop }) => stop())),
  };
}
