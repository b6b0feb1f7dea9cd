/**
 * `npm run bench`: what a page from memory costs in server CPU, beside the least that node:http can do.
 *
 * Both servers answer the same request with the same bytes, every one of them checked, under the same load, in
 * turns: Frontshelf, bare, Frontshelf, bare. Machines drift by more than the difference that is looked for, so only
 * neighbours are compared: each round gives one ratio, and the result is the median of these. With --recording
 * the sides are two Frontshelves, of which one records no metrics.
 */
import { writeFileSync } from 'node:fs';
import { startChild } from './child.ts';
import { machineConditions, pin, separateCores } from './conditions.ts';
import { attachFrontshelf, type Frontshelf, popularPage, startFrontshelf, startTwin } from './frontshelf.ts';
import type { Round, RoundResult } from './generator.ts';
import { help, readOptions } from './options.ts';
import { fetchRaw, type RawResponse } from './raw-response.ts';
import { conditionsTable, type Figures, figures, shown, tableHead, tableRow } from './report.ts';
import { checkSame, memoryHit, orderLike, requestFor, type Side, startBare } from './sides.ts';
import { spread } from './statistics.ts';

/** Both sides, the request they get and the response they must give. */
interface Comparison {
  readonly sides: readonly [Side, Side];
  readonly request: string;
  readonly response: RawResponse;
  /** Settings of the measured server. */
  readonly settings: unknown;
}

type Options = ReturnType<typeof readOptions>;
type Cores = ReturnType<typeof separateCores>;

const cleanUps: (() => unknown)[] = [];

function child(file: string, core: number | undefined) {
  const started = startChild(new URL(file, import.meta.url), core);
  cleanUps.push(started.stop);
  return started;
}

async function bareAgainstBare({ acceptEncoding }: Options, cores: Cores): Promise<Comparison> {
  const request = requestFor('self-check', '/', acceptEncoding);
  const order = {
    headers: ['Content-Type', 'application/json', 'Content-Length', '10000'],
    body: 'x'.repeat(10_000),
    keepAliveTimeoutMs: 5000,
  };
  const start = (name: string) => startBare(name, child('./bare-server.ts', cores?.server), order);
  const sides = [await start('bare'), await start('bare again')] as const;
  return { sides, request, response: await fetchRaw(sides[0].url, request), settings: {} };
}

async function measuredServer(options: Options, cores: Cores): Promise<Frontshelf> {
  const server = await (options.url ? attachFrontshelf(options.url, options.adminUrl) : startFrontshelf());
  cleanUps.push(server.stop);
  // A server that somebody else started is left on the cores it has.
  if (cores && !options.url) pin(server.pids, cores.server);
  return server;
}

async function recordingAgainstSilence(options: Options, cores: Cores): Promise<Comparison> {
  const server = await measuredServer(options, cores);
  const twin = await startTwin(server, { FRONTSHELF_RECORDING: 'off' });
  cleanUps.push(twin.stop);
  if (cores && !options.url) pin(twin.pids, cores.server);
  const request = requestFor('recording', await popularPage(server.url), options.acceptEncoding);
  const response = await memoryHit(server.url, request);
  await memoryHit(twin.url, request);
  const sides = [
    { name: 'recording', url: server.url, pids: server.pids },
    { name: 'silent', url: twin.url, pids: twin.pids },
  ] as const;
  return { sides, request, response, settings: server.settings };
}

async function frontshelfAgainstBare(options: Options, cores: Cores): Promise<Comparison> {
  const server = await measuredServer(options, cores);
  const request = requestFor(server.url.host, await popularPage(server.url), options.acceptEncoding);
  const response = await memoryHit(server.url, request);
  const bare = await startBare('bare', child('./bare-server.ts', cores?.server), orderLike(response));
  const frontshelf = { name: 'frontshelf', url: server.url, pids: server.pids };
  return { sides: [frontshelf, bare], request, response, settings: server.settings };
}

function placement({ url }: Options, cores: Cores): string {
  if (!cores) return 'as the system chose: taskset or a second core is missing';
  const servers = url ? 'bare handler' : 'each server';
  return `${servers} on core ${cores.server}, generator on core ${cores.generator}${url ? ', Frontshelf where it was' : ''}`;
}

async function bench(options: Options): Promise<number> {
  const cores = separateCores();
  const generator = child('./generator.ts', cores?.generator);
  const prepare = options.selfCheck
    ? bareAgainstBare
    : options.recording
      ? recordingAgainstSilence
      : frontshelfAgainstBare;
  const { sides, request, response, settings } = await prepare(options, cores);
  const [a, b] = sides;
  await checkSame(b, request, response);

  const conditions = {
    ...machineConditions(),
    cores: placement(options, cores),
    settings,
    request: request.slice(0, request.indexOf('\r\n')),
    acceptEncoding: options.acceptEncoding,
    bodyBytes: response.body.length,
    responseBytes: response.bytes.length,
    connections: options.connections,
    secondsPerServer: options.seconds,
    rounds: options.rounds,
    warmUpRounds: options.warmUpRounds,
  };
  console.log(`${conditionsTable(conditions)}\n\n${tableHead(a.name, b.name)}`);

  const measure = async (side: Side): Promise<Figures> => {
    const round: Round = {
      host: side.url.hostname,
      port: Number(side.url.port),
      request,
      response: response.bytes,
      connections: options.connections,
      settleMs: Math.min(500, options.seconds * 1000),
      measureMs: options.seconds * 1000,
      pids: side.pids,
    };
    const result = await generator.ask<RoundResult>(round);
    if (result.wrong !== undefined)
      throw new Error(`The run is void, ${side.name} answered wrongly: ${result.wrong}`);
    return figures(result);
  };
  const rounds: { a: Figures; b: Figures; ratio: number }[] = [];
  for (let round = 1 - options.warmUpRounds; round <= options.rounds; round++) {
    // By turns, so that being first or second is no part of the ratio.
    const [first, second] = round % 2 === 0 ? [b, a] : [a, b];
    const earlier = await measure(first);
    const later = await measure(second);
    const pair = first === a ? { a: earlier, b: later } : { a: later, b: earlier };
    console.log(tableRow(round >= 1 ? String(round) : 'warm-up', pair.a, pair.b));
    if (round >= 1) rounds.push({ ...pair, ratio: pair.a.cpuMicrosPerRequest / pair.b.cpuMicrosPerRequest });
  }

  const ratio = spread(rounds.map((round) => round.ratio));
  const cpuMicrosPerRequest = {
    [a.name]: spread(rounds.map((round) => round.a.cpuMicrosPerRequest)),
    [b.name]: spread(rounds.map((round) => round.b.cpuMicrosPerRequest)),
  };
  console.log();
  for (const [name, micros] of Object.entries(cpuMicrosPerRequest))
    console.log(`${name}: ${shown(micros, 2)} µs of CPU per request`);
  const [low, high] = ratio.interval95.map((bound) => bound.toFixed(3));
  console.log(
    `ratio: ${shown(ratio, 3)}, median and extremes of ${options.rounds} rounds; 95 % interval of the median: ${low}–${high}`,
  );

  const serverCores = spread(rounds.flatMap((round) => [round.a.serverCores, round.b.serverCores]));
  if (serverCores.min < 0.9)
    console.log(
      `Other programs were at work: a server got only ${serverCores.min.toFixed(2)} of its core in one round.`,
    );
  const generatorCores = spread(rounds.flatMap((round) => [round.a.generatorCores, round.b.generatorCores]));
  const failures: string[] = [];
  if (generatorCores.median > 0.95)
    failures.push(
      'The run is void: the generator was the bottleneck, so the servers were not under full load.',
    );
  if (ratio.median > options.maxRatio) failures.push(`The ratio is above ${options.maxRatio}.`);
  if (options.selfCheck && Math.abs(ratio.median - 1) > 0.05)
    failures.push('The same handler differs from itself by more than 5 %: this machine is too noisy now.');
  for (const failure of failures) console.error(failure);
  if (options.json)
    writeFileSync(
      options.json,
      `${JSON.stringify({ conditions, ratio, cpuMicrosPerRequest, rounds, failures }, null, 2)}\n`,
    );
  return failures.length === 0 ? 0 : 1;
}

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options.help) {
    console.log(help);
    return 0;
  }
  if (process.platform !== 'linux')
    throw new Error("npm run bench needs Linux: it reads the servers' CPU time from /proc.");
  return bench(options);
}

const cleanUp = async () => {
  for (const step of cleanUps.splice(0).reverse()) await step();
};
let interrupted = false;
for (const [signal, exitCode] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)
  process.once(signal, () => {
    interrupted = true;
    cleanUp().finally(() => process.exit(exitCode));
  });
try {
  process.exitCode = await main();
} catch (error) {
  // An interrupted run fails in some way or other, which is no news.
  if (!interrupted) console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await cleanUp();
}
