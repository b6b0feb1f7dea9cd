/** One run, from an empty folder to its result. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { query } from '../../local/database.ts';
import { Obstacle } from '../../local/obstacle.js';
import { freePort } from '../../local/ports.ts';
import { identify } from '../../local/processes.js';
import { machineConditions } from '../bench/conditions.ts';
import { cpuTimeNs } from '../bench/cpu-time.ts';
import { popularSlugs } from '../catalogue.ts';
import { type Outcome, startOpenLoop } from '../open-loop.ts';
import { type Host, startHost } from '../provers/hosts.ts';
import { percentile } from '../provers/percentile.ts';
import { seededRandom } from '../provers/random.ts';
import type { Belongings } from '../services/belongings.ts';
import { startDatabase } from '../services/database.ts';
import type { Taken } from './client.ts';
import type { Options } from './options.ts';

export interface Latencies {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** What became of the pages that were asked for in some time. */
export interface Hits {
  /** From when they were due, in milliseconds; null when none came. */
  readonly ms: Latencies | null;
  readonly lateMs: Latencies | null;
  /** Those that were no page from memory. */
  readonly others: readonly string[];
  /** Of the worker, beside one core. */
  readonly workerCores: number;
}

export interface Result {
  readonly conditions: Readonly<Record<string, unknown>>;
  /** Of the catalogue: what an export has to have. */
  readonly games: number;
  readonly taken: readonly Taken[];
  readonly seconds: number;
  /** Of the worker, in bytes: before, and while it exported, once V8 has given its young generation the size for that work. */
  readonly resident: { readonly before: number; readonly least: number; readonly most: number };
  readonly before: Hits;
  readonly during: Hits;
  readonly after: Hits;
}

const hotPages = 50;
const clients = 8;
const timeoutMs = 5000;
const lookEveryMs = 100;
const settleMs = 2000;
/** Of `--seconds`, from the beginning of the export. */
const growingShare = 1 / 4;
const role = 'export_reader';

export async function measure(
  options: Options,
  belongings: Belongings,
  say: (line: string) => void,
): Promise<Result> {
  const { seconds, coding, seed, ratePerSecond } = options;
  const databaseUrl = options.url ?? (await seededUrl(options.products, belongings, say));
  const games = await query(databaseUrl, async (client) => {
    const { rows } = await client.query(
      'SELECT count(*)::integer AS games FROM product WHERE parent_id IS NULL',
    );
    return Number(rows[0]?.games);
  });
  const port = await freePort();
  const settings = { WORKERS: '1', ...options.settings };
  const host = await startHost({
    name: 'server',
    port,
    adminPort: await freePort(),
    env: { DATABASE_URL: databaseUrl, ...settings },
    logFolder: options.logs,
    onSpawn: belongings.onSpawnGroup,
  });
  const url = `http://127.0.0.1:${port}`;
  const worker = await workerOf(host);
  const hits = startHits(url, worker, ratePerSecond, seed, await popularSlugs(url, hotPages));
  await delay(settleMs);

  say(`Asking for ${ratePerSecond} pages per second.`);
  let end = hits.begin();
  await delay(seconds * 1000);
  const before = end();

  say('Exporting.');
  const residentBefore = residentBytes(worker);
  let least = Number.POSITIVE_INFINITY;
  let most = 0;
  const looking = setInterval(() => {
    if (elapsedSeconds() < seconds * growingShare) return;
    const bytes = residentBytes(worker);
    least = Math.min(least, bytes);
    most = Math.max(most, bytes);
  }, lookEveryMs);
  const taken: Taken[] = [];
  const startedAtMs = performance.now();
  const elapsedSeconds = () => (performance.now() - startedAtMs) / 1000;
  end = hits.begin();
  do
    taken.push(
      ...(await Promise.all(Array.from({ length: options.exports }, () => take(url, coding, belongings)))),
    );
  while (elapsedSeconds() < seconds && taken.every(({ fault }) => fault === undefined));
  const during = end();
  const exportSeconds = elapsedSeconds();
  clearInterval(looking);

  await delay(settleMs);
  end = hits.begin();
  await delay(seconds * 1000);
  const after = end();
  await hits.stop();
  const { ends, complaint } = host;
  await host.stop();
  if (ends > 0) throw new Obstacle(`The server ended meanwhile: ${complaint.trim() || 'it said nothing'}`);
  return {
    conditions: {
      ...machineConditions(),
      games,
      seconds,
      ratePerSecond,
      coding,
      seed,
      hotPages,
      settings,
    },
    games,
    taken,
    seconds: exportSeconds,
    resident: { before: residentBefore, least, most },
    before,
    during,
    after,
  };
}

async function seededUrl(products: number, belongings: Belongings, say: (line: string) => void) {
  say(`Making a catalogue of ${products} products.`);
  const database = await startDatabase(belongings, { products, readers: [role] });
  return database.urlOf(role);
}

async function workerOf(host: Host): Promise<number> {
  for (;;) {
    const pid = host.workers[0]?.pid;
    if (pid !== undefined) return pid;
    await delay(lookEveryMs);
  }
}

function residentBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
  return Number(kilobytes) * 1024;
}

/** Resolves what a process of its own saw of one export, so that its work is not the generator's. */
async function take(url: string, coding: string, { onSpawn }: Belongings): Promise<Taken> {
  const child = fork(fileURLToPath(new URL('client.ts', import.meta.url)), [
    `${url}/v1/products.ndjson`,
    coding,
  ]);
  const identity = identify(child.pid);
  if (identity) onSpawn(identity);
  const [message]: unknown[] = await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(([code]) => {
      throw new Obstacle(`The client of the export ended with ${code}.`);
    }),
  ]);
  if (!isTaken(message)) throw new Obstacle('The client of the export told something else than what it saw.');
  return message;
}

const isTaken = (message: unknown): message is Taken =>
  typeof message === 'object' && message !== null && 'documents' in message && 'wireBytes' in message;

/** Pages from memory, asked for by clients that know nothing of each other. */
function startHits(
  url: string,
  worker: number,
  ratePerSecond: number,
  seed: number,
  slugs: readonly string[],
) {
  const random = seededRandom(seed);
  let outcomes: Outcome[] = [];
  let turn = 0;
  const loops = Array.from({ length: clients }, () =>
    startOpenLoop({
      url,
      ratePerSecond: ratePerSecond / clients,
      connections: 'keep-alive',
      timeoutMs,
      random,
      nextTarget: () => `/v1/products/${slugs[turn++ % slugs.length]}`,
      onOutcome: (outcome) => outcomes.push({ ...outcome, body: nothing }),
    }),
  );
  return {
    /** Looks at what comes from now on; the function that is returned ends that. */
    begin() {
      outcomes = [];
      const cpuBeforeNs = cpuTimeNs([worker]);
      const startedAtMs = performance.now();
      return (): Hits => {
        const elapsedNs = (performance.now() - startedAtMs) * 1e6;
        const good = outcomes.filter(isHit);
        return {
          ms: latenciesOf(good.map(({ latencyMs }) => latencyMs)),
          lateMs: latenciesOf(outcomes.map(({ lateMs }) => lateMs)),
          others: outcomes.filter((outcome) => !isHit(outcome)).map(textOf),
          workerCores: (cpuTimeNs([worker]) - cpuBeforeNs) / elapsedNs,
        };
      };
    },
    stop: () => Promise.all(loops.map((loop) => loop.stop())),
  };
}

const nothing = Buffer.alloc(0);

const isHit = ({ status, headers }: Outcome) =>
  status === 200 && String(headers['cache-status'] ?? '').startsWith('frontshelf-memory; hit');

const textOf = ({ status, error, headers }: Outcome) => `${error ?? status} ${headers['cache-status'] ?? ''}`;

function latenciesOf(valuesMs: readonly number[]): Latencies | null {
  if (valuesMs.length === 0) return null;
  const sorted = Float64Array.from(valuesMs).sort();
  const at = (share: number) => percentile(sorted, share);
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), max: at(1) };
}
