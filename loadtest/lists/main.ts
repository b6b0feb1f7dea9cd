/**
 * `npm run bench:lists`: how long a page and every kind of list take that are in no cache, in a small catalogue and in a large one.
 * One request at a time, to both servers in turns, so that a machine that drifts slows both.
 */
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Obstacle } from '../../local/obstacle.js';
import { freePort } from '../../local/ports.ts';
import { machineConditions } from '../bench/conditions.ts';
import { runProver } from '../provers/command.ts';
import { startHost } from '../provers/hosts.ts';
import { wholeNumber } from '../provers/option-values.ts';
import { percentile } from '../provers/percentile.ts';
import { seededRandom } from '../provers/random.ts';
import type { Belongings } from '../services/belongings.ts';
import { startDatabase } from '../services/database.ts';
import { type Case, cases, listCases, pageMiss, targetOf, type Vocabulary } from './cases.ts';

const help = `Usage: npm run bench:lists -- [--small N] [--products N] [--requests N] [--seed S] [--json FILE]

Times pages and lists that are in no cache, at two sizes of the catalogue. Seeds a Postgres of its own twice, which takes about ten
minutes and 20 GB of disk at 1,000,000 products, and removes it. Exits with 1 when a page miss grew by more than
1.3 or the p99 of a kind of list is above 50 ms. Needs Linux and a machine that does nothing else.

  --small N        products of the small catalogue (default 10000)
  --products N     products of the large one (default 1000000)
  --requests N     requests of each kind to each server (default 500)
  --seed S         which requests (default 1)
  --small-url URL, --large-url URL
                   databases that are seeded already, as a role that may act as frontshelf_reader
  --json FILE      writes the figures there too`;

const growthMax = 1.3;
const listMaxMs = 50;

interface Options {
  readonly sizes: readonly [small: number, large: number];
  readonly urls: readonly [small: string | undefined, large: string | undefined];
  readonly requests: number;
  readonly seed: number;
  readonly json: string | undefined;
}

function readOptions(args: string[]): Options | undefined {
  const { values } = parseArgs({
    args,
    options: {
      small: { type: 'string', default: '10000' },
      products: { type: 'string', default: '1000000' },
      requests: { type: 'string', default: '500' },
      seed: { type: 'string', default: '1' },
      'small-url': { type: 'string' },
      'large-url': { type: 'string' },
      json: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return undefined;
  return {
    sizes: [wholeNumber('small', values.small, 1000), wholeNumber('products', values.products, 1000)],
    urls: [values['small-url'], values['large-url']],
    requests: wholeNumber('requests', values.requests, 20),
    seed: wholeNumber('seed', values.seed, 0),
    json: values.json,
  };
}

interface Server {
  readonly products: number;
  readonly origin: string;
  readonly known: Vocabulary;
  /** Milliseconds, by what was asked. */
  readonly times: ReadonlyMap<Case, number[]>;
}

async function startServer(
  belongings: Belongings,
  products: number,
  url: string | undefined,
): Promise<Server> {
  const databaseUrl = url ?? (await seededUrl(belongings, products));
  const host = await startHost({
    name: `with ${products} products`,
    port: await freePort(),
    adminPort: await freePort(),
    env: {
      DATABASE_URL: databaseUrl,
      WORKERS: '1',
      // So that every request is read from Postgres.
      MEMORY_TIER_BYTES: '0',
      LIST_TTL_MS: '0',
      NEGATIVE_TTL_MS: '0',
      WARMUP_PRODUCTS: '0',
      // What is slow is to be seen, not refused.
      DATABASE_TIMEOUT_MS: '30000',
    },
    logFolder: undefined,
    onSpawn: belongings.onSpawnGroup,
  });
  const origin = `http://127.0.0.1:${host.port}`;
  const times = new Map(cases.map((what): [Case, number[]] => [what, []]));
  return { products, origin, known: await vocabularyOf(origin), times };
}

async function seededUrl(belongings: Belongings, products: number): Promise<string> {
  const folder = join(belongings.folder, String(products));
  mkdirSync(folder);
  // For the user that Postgres runs as when this is root's.
  chmodSync(folder, 0o755);
  const database = await startDatabase(
    { ...belongings, folder },
    {
      products,
      readers: ['bench'],
      settings: { shared_buffers: '1GB' },
    },
  );
  return database.urlOf('bench');
}

interface Card {
  readonly slug: string;
  readonly title: string;
  readonly developers: readonly { readonly name: string }[];
}
interface List {
  readonly items: readonly Card[];
  readonly nextCursor: string | null;
  readonly facets: Readonly<Record<string, readonly { readonly slug: string }[]>> | null;
}

async function vocabularyOf(origin: string): Promise<Vocabulary> {
  const list = async (query: string): Promise<List> =>
    JSON.parse(await get(`${origin}/v1/products?${query}`));
  const cards: Card[] = [];
  const hundredthPages: string[] = [];
  for (const sort of [
    'popularity',
    '-releaseDate',
    'releaseDate',
    '-rating',
    'price',
    '-price',
    'title',
    '-title',
  ]) {
    let query = `sort=${sort}`;
    for (let page = 1; page < 100; page++) {
      const { items, nextCursor } = await list(query);
      cards.push(...items);
      if (nextCursor === null) break;
      query = `sort=${sort}&cursor=${nextCursor}`;
    }
    hundredthPages.push(`/v1/products?${query}`);
  }
  const { facets } = await list('facets=true');
  const of = (group: string) => (facets?.[group] ?? []).map(({ slug }) => slug);
  return {
    slugs: [...new Set(cards.map(({ slug }) => slug))],
    titles: [...new Set(cards.map(({ title }) => title))],
    companies: [...new Set(cards.flatMap(({ developers }) => developers.map(({ name }) => name)))],
    genres: of('genre'),
    features: of('feature'),
    platforms: of('platform'),
    hundredthPages,
  };
}

async function get(url: string): Promise<string> {
  const response = await fetch(url);
  const text = await response.text();
  if (!response.ok) throw new Obstacle(`${url} was answered ${response.status}: ${text}`);
  return text;
}

async function measure(servers: readonly Server[], { requests, seed }: Options): Promise<Slowest> {
  const slowest: Slowest = new Map();
  for (const what of cases) {
    const random = seededRandom(seed);
    // The first few plan their statements on each connection of the pool.
    for (let i = -Math.ceil(requests / 10); i < requests; i++)
      for (const { origin, known, times } of servers) {
        const target = targetOf(what, random, known);
        const startMs = performance.now();
        await get(`${origin}${target}`);
        const ms = performance.now() - startMs;
        if (i < 0) continue;
        times.get(what)?.push(ms);
        if (ms > (slowest.get(what)?.ms ?? 0)) slowest.set(what, { ms, target });
      }
    for (const { times } of servers) times.get(what)?.sort((a, b) => a - b);
  }
  return slowest;
}

type Slowest = Map<Case, { ms: number; target: string }>;

const median = (sorted: readonly number[]) => percentile(sorted, 0.5);
const p99 = (sorted: readonly number[]) => percentile(sorted, 0.99);

const timesOf = ({ times }: Server, what: Case) => times.get(what) ?? [];

function report(small: Server, large: Server, slowest: Slowest, options: Options): string {
  const ms = (value: number) => value.toFixed(1);
  const rows = cases.map((what) => {
    const [few, many] = [timesOf(small, what), timesOf(large, what)];
    return `| ${what} | ${ms(median(few))} | ${ms(p99(few))} | ${ms(median(many))} | ${ms(p99(many))} | ${(median(many) / median(few)).toFixed(2)} |`;
  });
  const conditions = Object.entries({
    ...machineConditions(),
    requests: options.requests,
    seed: options.seed,
  });
  return `
| ms | p50, ${small.products} | p99 | p50, ${large.products} | p99 | p50 grew |
|---|---|---|---|---|---|
${rows.join('\n')}

Slowest: ${[...slowest].map(([what, { ms: time, target }]) => `\n  ${what}: ${ms(time)} ms, ${target}`).join('')}
${conditions.map(([name, value]) => `${name}: ${value}`).join(', ')}`;
}

await runProver({
  name: 'bench:lists',
  help,
  readOptions,
  async prove(options, belongings, say) {
    const servers: Server[] = [];
    for (const [i, products] of options.sizes.entries()) {
      say(`${products} products: ${options.urls[i] ? 'as they are' : 'being seeded'}`);
      servers.push(await startServer(belongings, products, options.urls[i]));
    }
    const [small, large] = servers;
    if (small === undefined || large === undefined) throw new Error('There are two sizes.');
    const slowest = await measure(servers, options);
    const growth = median(timesOf(large, pageMiss)) / median(timesOf(small, pageMiss));
    const tooSlow = listCases.filter((what) => p99(timesOf(large, what)) > listMaxMs);
    const isKept = growth <= growthMax && tooSlow.length === 0;
    return {
      result: {
        conditions: machineConditions(),
        options,
        small: Object.fromEntries(small.times),
        large: Object.fromEntries(large.times),
      },
      text: `${report(small, large, slowest, options)}
Promises: ${isKept ? 'kept' : `not kept: ${[...(growth > growthMax ? [`a page miss grew by ${growth.toFixed(2)}`] : []), ...tooSlow.map((what) => `${what} is above ${listMaxMs} ms`)].join('; ')}`}`,
      isKept,
    };
  },
});
