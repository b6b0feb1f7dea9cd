/**
 * That /metrics tells the truth while workers come and go. Short by default; for longer, or more of it:
 *   METRICS_TRUTH_SECONDS=60 METRICS_TRUTH_SLUGS=1000000 npm run test:only -- cluster/metrics-truth.test.ts
 * With METRICS_TRUTH_SECONDS every scrape must also answer within 50 ms, which needs a machine with nothing else to do.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { after, afterEach, before, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../cache/eventually.ts';
import {
  allMetrics,
  breakerState,
  cumulativeMetrics,
  primaryMetrics,
  redisUp,
  workerCounters,
  workerGauges,
} from '../metrics/catalogue.ts';
import { createTestDatabase, type TestDatabase } from '../sql/testing.ts';
import { get, startClients } from './keep-alive-clients.ts';
import { type ServerProcess, startServer } from './server-process.ts';

const asked = process.env.METRICS_TRUTH_SECONDS;
const stormMs = 1000 * Number(asked ?? 4);
const randomSlugs = Number(process.env.METRICS_TRUTH_SLUGS ?? 5000);
const workers = Number(process.env.METRICS_TRUTH_WORKERS ?? 4);
const longestScrapeMs = 50;
/** A worker tells its numbers every second, on a busy machine a little later. */
const untoldMs = 1250;
const clientCount = 8;
/** Leaves the machine some room: on a full one a scrape's time tells of the scheduler and of this process. */
const clientPauseMs = 2;

let database: TestDatabase;
let server: ServerProcess;

before(async () => {
  database = await createTestDatabase({ products: 20 });
});
after(() => database.drop());
afterEach(() => server?.destroy());

async function start(env: Record<string, string> = {}): Promise<void> {
  server = await startServer({ DATABASE_URL: database.readerUrl, WORKERS: String(workers), ...env });
}

interface Scrape {
  readonly text: string;
  readonly samples: ReadonlyMap<string, number>;
  readonly durationMs: number;
}

async function scrape(headers: Record<string, string> = {}): Promise<Scrape> {
  const { status, body: text, durationMs } = await get(`${server.adminUrl}/metrics`, { headers });
  assert.equal(status, 200);
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const samples = lines.map((line): [string, number] => {
    const end = line.lastIndexOf(' ');
    return [line.slice(0, end), Number(line.slice(end + 1))];
  });
  return { text, samples: new Map(samples), durationMs };
}

const isCumulative = (series: string) => /_(total|bucket|sum|count)(\{|$)/.test(series);

const sumOf = ({ samples }: Scrape, name: string): number =>
  [...samples].reduce((sum, [series, value]) => (series.startsWith(name) ? sum + value : sum), 0);

const counted = (scraped: Scrape) => sumOf(scraped, 'http_server_request_duration_seconds_count');

/** Resolves a scrape that holds everything which had happened before this was called. */
async function afterLastWord(): Promise<Scrape> {
  const askedAtMs = performance.now();
  return eventually('every worker has told its numbers again', 10_000, async () => {
    const scraped = await scrape();
    const sinceSeconds = (performance.now() - scraped.durationMs - askedAtMs) / 1000;
    const ages = [...scraped.samples].filter(([series]) =>
      series.startsWith('frontshelf_worker_snapshot_age_seconds'),
    );
    return ages.length > 0 && ages.every(([, age]) => age < sinceSeconds) && scraped;
  });
}

type Fate = 'SIGKILL' | 'SIGTERM' | 'SIGSTOP';

interface StormReport {
  readonly answers: number;
  readonly failures: number;
  readonly kills: number;
  /** Requests that were answered so shortly before a worker was killed that it may not have told of them. */
  readonly untold: number;
  readonly last: Scrape;
}

/** Lets workers die, end and stand still at random under load, and looks at /metrics all the while. */
async function storm(t: TestContext, fates: readonly Fate[]): Promise<StormReport> {
  const paths = ['/v1/products?limit=5', '/v1/products/no-such-product', '/nowhere', '/livez'];
  const clients = await startClients(server.url, clientCount, paths, { pauseMs: clientPauseMs });
  const answers = () => clients.reports.reduce((sum, report) => sum + report.answers, 0);
  const history = [{ atMs: performance.now(), answers: 0 }];
  const endMs = performance.now() + stormMs;
  const happened: Record<Fate, number> = { SIGKILL: 0, SIGTERM: 0, SIGSTOP: 0 };
  const resumed: Promise<void>[] = [];
  let untold = 0;

  async function strike(): Promise<void> {
    while (performance.now() < endMs) {
      await delay(200 + 300 * Math.random());
      const ready = (await server.status()).workers.filter(({ state }) => state === 'ready');
      const pid = ready[Math.floor(Math.random() * ready.length)]?.pid;
      const fate = fates[Math.floor(Math.random() * fates.length)];
      // One stays, so that there is somebody to answer.
      if (pid == null || fate === undefined || ready.length < 2) continue;
      const before = history.findLast(({ atMs }) => atMs < performance.now() - untoldMs);
      if (fate === 'SIGKILL') untold += answers() - (before?.answers ?? 0);
      if (!signal(pid, fate)) continue;
      happened[fate]++;
      if (fate === 'SIGSTOP')
        resumed.push(delay(800 * Math.random()).then(() => void signal(pid, 'SIGCONT')));
    }
  }

  let last = await scrape();
  let slowestMs = 0;
  let scrapes = 0;
  async function watch(): Promise<void> {
    while (performance.now() < endMs) {
      const now = await scrape();
      for (const [series, value] of last.samples)
        if (isCumulative(series)) assert.ok((now.samples.get(series) ?? -1) >= value, series);
      last = now;
      scrapes++;
      slowestMs = Math.max(slowestMs, now.durationMs);
      history.push({ atMs: performance.now(), answers: answers() });
      await delay(50);
    }
  }

  try {
    await Promise.all([strike(), watch()]);
    await Promise.all(resumed);
  } finally {
    await clients.stop();
  }
  const { reports } = clients;
  const failures = reports.reduce((sum, report) => sum + report.failures.length, 0);
  t.diagnostic(
    `${answers()} answers, ${failures} failures, ${JSON.stringify(happened)}, ${scrapes} scrapes, the slowest ${slowestMs.toFixed(1)} ms`,
  );
  if (asked !== undefined) assert.ok(slowestMs <= longestScrapeMs, `a scrape took ${slowestMs} ms`);
  assert.ok(scrapes > 10 && fates.every((fate) => happened[fate] > 0 || stormMs < 10_000));
  return { answers: answers(), failures, kills: happened.SIGKILL, untold, last: await afterLastWord() };
}

/** False when the process is gone already. */
function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

test('while workers are killed, ended and stopped no counter falls, and what is missing died untold', async (t) => {
  await start();
  const { answers, failures, kills, untold, last } = await storm(t, ['SIGKILL', 'SIGTERM', 'SIGSTOP']);
  const total = counted(last);
  t.diagnostic(`${answers - total} requests died untold with ${kills} workers, of at most ${untold}`);
  assert.ok(total >= answers - untold, `${total} of ${answers} counted, ${untold} may be missing`);
  assert.ok(total <= answers + failures, `${total} counted, ${answers} answered, ${failures} failed`);
  assert.equal(sumOf(last, 'frontshelf_worker_exits_total{reason="signal"}'), kills);
});

test('while workers are ended in order and stopped every request is counted', async (t) => {
  await start();
  const { answers, failures, last } = await storm(t, ['SIGTERM', 'SIGSTOP']);
  const total = counted(last);
  assert.ok(total >= answers, `${total} of ${answers} counted`);
  assert.ok(total <= answers + failures, `${total} counted, ${answers} answered, ${failures} failed`);
  assert.ok(sumOf(last, 'frontshelf_worker_exits_total{reason="clean"}') > 0);
});

test('there are as many series as the catalogue says, before and after requests for random slugs', async (t) => {
  await start({ NEGATIVE_TTL_MS: '0' });
  const seriesOf = (definition: (typeof allMetrics)[number]) =>
    definition.labelSets.length * (definition.type === 'histogram' ? definition.buckets.length + 3 : 1);
  const perWorker = [
    ...workerCounters,
    ...workerGauges,
    primaryMetrics.snapshotAge,
    primaryMetrics.workerStartTime,
  ];
  const sum = (definitions: readonly (typeof allMetrics)[number][]) =>
    definitions.reduce((total, definition) => total + seriesOf(definition), 0);
  const ofEach = sum(perWorker);
  const shared = sum(allMetrics) - ofEach;
  // Without a Redis none tells of its connection and its breaker.
  const expected = shared + workers * (ofEach - sum([redisUp, breakerState]));
  t.diagnostic(`${shared} series, and ${ofEach} for each worker`);
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  assert.ok(readme.includes(`${shared.toLocaleString('en')} series and ${ofEach} more for each worker`));

  const before = await afterLastWord();
  assert.equal(before.samples.size, expected);
  let asked = 0;
  const agent = new Agent({ keepAlive: true });
  await Promise.all(
    Array.from({ length: clientCount }, async () => {
      while (asked++ < randomSlugs)
        await get(`${server.url}/v1/products/x-${Math.random().toString(36).slice(2)}`, { agent });
    }),
  );
  agent.destroy();
  const after = await afterLastWord();
  assert.deepEqual([...after.samples.keys()], [...before.samples.keys()]);
  assert.equal(counted(after) - counted(before), randomSlugs);
  assert.equal(sumOf(after, 'frontshelf_product_served_total{tier="postgres"}'), randomSlugs);
});

test('every series is there at once and begins at 0, but for the clocks and what starting takes', async () => {
  await start();
  const { samples } = await scrape();
  const started = ['process_cpu', 'nodejs_eventloop', 'v8js_gc', 'db_client_operation'];
  for (const { name, type } of cumulativeMetrics) {
    const own = [...samples].filter(([series]) =>
      series.startsWith(type === 'histogram' ? `${name}_bucket` : name),
    );
    assert.ok(own.length > 0, name);
    if (!started.some((prefix) => name.startsWith(prefix)))
      for (const [series, value] of own) assert.equal(value, 0, series);
  }
});

test('OpenMetrics is for those who prefer it', async () => {
  await start();
  const typeFor = async (accept: string) =>
    (await get(`${server.adminUrl}/metrics`, { headers: { Accept: accept } })).headers['content-type'];
  const openMetrics = 'application/openmetrics-text; version=1.0.0; charset=utf-8';
  const plain = 'text/plain; version=0.0.4; charset=utf-8';
  const preferences: [string, string][] = [
    ['application/openmetrics-text', openMetrics],
    // As Prometheus 2 and 3 ask.
    [
      'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
      openMetrics,
    ],
    [
      'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1',
      openMetrics,
    ],
    ['text/plain;q=0.9, application/openmetrics-text;q=0.5', plain],
    ['application/openmetrics-text;q=0', plain],
    ['*/*', plain],
    ['text/html, application/xml', plain],
  ];
  for (const [accept, expected] of preferences) assert.equal(await typeFor(accept), expected, accept);
});

const hasPromtool = spawnSync('promtool', ['--version']).status === 0;

test('promtool finds nothing to say about a live server', {
  skip: hasPromtool ? false : 'promtool is not installed (Debian package prometheus)',
}, async () => {
  await start();
  const { text } = await afterLastWord();
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
    input: text,
    encoding: 'utf8',
  });
  assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: '', stderr: '' });
});
