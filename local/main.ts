/**
 * `npm start`: what the server needs, started in order, kept running, and ended in reverse. What the settings
 * name is used as it is; the rest is brought, and kept in the data folder.
 */
import { parseArgs } from 'node:util';
import { type Config, readConfig } from '../config.ts';
import { localShutdownDeadlineMs } from './children.ts';
import { conduct, report } from './conduct.ts';
import { databaseProblem, holdsProducts } from './database.ts';
import { admitReader, prepareDatabase, startEmbeddedPostgres } from './embedded-postgres.ts';
import { postgresFolder } from './folder.ts';
import { keepRunning } from './keep-running.ts';
import { Obstacle } from './obstacle.js';
import { freePort, portProblem } from './ports.ts';
import { runProgram } from './program.ts';
import { findOrInstallRedis, type Redis, startRedis } from './redis.ts';
import { type Server, startServer } from './server.ts';
import type { ThisRun } from './this-run.ts';

const help = `Starts Frontshelf with all it needs: npm start [-- --products N]

  --products N  products to generate when there are none yet (default 10000)
  --help        this text

Brings its own Postgres unless DATABASE_URL is set, and its own Redis unless REDIS_URL is. All settings are
environment variables; README.md lists them. Ctrl-C stops everything.`;

const { config, problems } = readConfig(process.env);
const options = readOptions();
if (options.help) console.log(help);
else if (problems.length > 0)
  // Whether the database answers belongs on the same list.
  process.exitCode = report(cannotStart([...problems, await givenDatabaseProblem()]));
else {
  const { SHUTDOWN_DEADLINE_MS } = process.env;
  const shutdownDeadlineMs = SHUTDOWN_DEADLINE_MS ? config.shutdownDeadlineMs : localShutdownDeadlineMs;
  await conduct('npm start', shutdownDeadlineMs, (run) => start(run, shutdownDeadlineMs));
}

function readOptions(): { products?: string; help?: boolean } {
  try {
    return parseArgs({ options: { products: { type: 'string' }, help: { type: 'boolean', short: 'h' } } })
      .values;
  } catch (error) {
    process.exit(report(new Obstacle(`${error instanceof Error ? error.message : error}\n\n${help}`)));
  }
}

/** Resolves with the server's exit code when it ends; rejects when it, or what it needs, cannot be kept running. */
async function start(run: ThisRun, shutdownDeadlineMs: number): Promise<number> {
  await checkSurroundings(config);
  const redis = config.redisUrl === '' ? await startOwnRedis(run) : undefined;
  const database = config.databaseUrl === '' ? await startOwnDatabase(run) : await useGivenDatabase(run);
  console.log('Starting the server.');
  const server = await startServer(
    {
      DATABASE_URL: database.url,
      REDIS_URL: redis?.url ?? config.redisUrl,
      SHUTDOWN_DEADLINE_MS: String(shutdownDeadlineMs),
      // On a terminal, between sentences, a line of JSON is for when something is wrong.
      LOG_LEVEL: process.env.LOG_LEVEL || 'warn',
    },
    run.started('server'),
  );
  run.publish({ url: server.url });
  await announce(server, database.ownerUrl, redis);
  const ended = server.exited.then((cause) => {
    if (!run.ending.aborted) console.error(`The server has ended by itself (${cause}).`);
    return typeof cause === 'number' ? cause : 1;
  });
  return Promise.race([ended, ...database.keep(), ...(redis ? [keepRedis(run, redis)] : [])]);
}

/** What would stand in the server's way, before anything that takes long. */
async function checkSurroundings({ host, port, adminHost, adminPort }: Config): Promise<void> {
  const found = await Promise.all([
    portProblem('PORT', host, port),
    portProblem('ADMIN_PORT', adminHost, adminPort),
    givenDatabaseProblem(),
  ]);
  if (found.some((problem) => problem !== undefined)) throw cannotStart(found);
}

async function givenDatabaseProblem(): Promise<string | undefined> {
  const { databaseUrl, databaseOwnerUrl } = config;
  if (databaseUrl === '') return undefined;
  if (databaseOwnerUrl === '') return databaseProblem('DATABASE_URL', databaseUrl);
  return databaseProblem('DATABASE_OWNER_URL', databaseOwnerUrl);
}

function cannotStart(found: readonly (string | undefined)[]): Obstacle {
  const listed = found.filter((problem) => problem !== undefined).map((problem) => `- ${problem}`);
  return new Obstacle(`Frontshelf cannot start:\n${listed.join('\n')}`);
}

async function startOwnRedis(run: ThisRun): Promise<Redis | undefined> {
  const program = await findOrInstallRedis(console.log);
  if (program === undefined) {
    console.log(
      'No Redis: pages come from memory and Postgres. To have one, install redis-server or valkey-server, start as root on Debian or Ubuntu, or set REDIS_URL.',
    );
    return undefined;
  }
  const redis = await startRedis({
    program,
    port: await freePort(run.ports.redis),
    onSpawn: run.started('redis'),
  });
  run.rememberPort('redis', redis.port);
  console.log(`Redis runs on port ${redis.port} (${program}).`);
  return redis;
}

interface Database {
  /** What the server reads. */
  readonly url: string;
  /** Absent where the database is not ours to show. */
  readonly ownerUrl?: string;
  /** Keeps it running from then on, where that is our part; rejects when it cannot. */
  keep(): Promise<never>[];
}

async function startOwnDatabase(run: ThisRun): Promise<Database> {
  const { databasePoolMax, workers } = config;
  // Twice, for the moment when new workers are ready and the old ones are not yet gone; and some for people.
  const connections = 2 * databasePoolMax * workers + 20;
  const postgres = await startEmbeddedPostgres(run, { connections });
  console.log(`Postgres runs on port ${postgres.port}, its data is in ${postgresFolder}.`);
  const ownerUrl = await prepareDatabase(postgres, run.passwords.owner);
  await fill(run, ownerUrl);
  const url = await admitReader(postgres, run.passwords.reader);
  run.publish({ ownerUrl });
  const startAgain = () => startEmbeddedPostgres(run, { connections, port: postgres.port });
  const keep = () => [keepRunning('Postgres', postgres, startAgain, run.ending, console.log)];
  return { url, ownerUrl, keep };
}

async function useGivenDatabase(run: ThisRun): Promise<Database> {
  await fill(run, config.databaseOwnerUrl || config.databaseUrl);
  return { url: config.databaseUrl, keep: () => [] };
}

/** Brings the schema up to date, and generates a catalogue if there is none: any that is there is welcome. */
async function fill(run: ThisRun, ownerUrl: string): Promise<void> {
  const env = { DATABASE_OWNER_URL: ownerUrl };
  await runProgram('sql/main.ts', [], env, run.started('program'));
  if (await holdsProducts(ownerUrl)) {
    if (options.products !== undefined)
      console.log('There is a catalogue already; `npm run seed -- --products N --replace` makes another.');
    return;
  }
  const products = options.products === undefined ? [] : ['--products', options.products];
  await runProgram('seed/main.ts', products, env, run.started('program'));
}

/** The server goes on without a Redis that cannot be kept running, and so do we. */
async function keepRedis(run: ThisRun, redis: Redis): Promise<never> {
  const startAgain = () => startRedis({ port: redis.port, onSpawn: run.started('redis') });
  await keepRunning('Redis', redis, startAgain, run.ending, console.log).catch(report);
  console.log('Going on without Redis.');
  return new Promise(() => {});
}

async function announce(
  server: Server,
  ownerUrl: string | undefined,
  redis: Redis | undefined,
): Promise<void> {
  const lines = [
    `Ready after ${process.uptime().toFixed(1)} s. Ctrl-C stops everything.`,
    `  Shop     ${server.url}`,
    `  A page   ${await examplePage(`${server.url}/v1/products`)}`,
    `  All      ${server.url}/v1/products`,
    `  Status   ${server.adminUrl}/status and ${server.adminUrl}/metrics`,
  ];
  // With its password, so only for the person who looks: output that goes elsewhere is a log.
  if (ownerUrl !== undefined && process.stdout.isTTY) lines.push(`  Postgres ${ownerUrl}`);
  if (redis) lines.push(`  Redis    ${redis.url}`);
  console.log(lines.join('\n'));
}

/** The most popular product's page, as far as the list of products can be read. */
async function examplePage(list: string): Promise<string> {
  const response = await fetch(`${list}?limit=1`, { headers: { connection: 'close' } }).catch(
    () => undefined,
  );
  const slug = /"slug":"([a-z0-9-]+)"/.exec((await response?.text()) ?? '')?.[1];
  return slug === undefined ? `${list}/{slug}` : `${list}/${slug}`;
}
