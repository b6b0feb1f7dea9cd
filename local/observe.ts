/** `npm run observe`: Prometheus with the project's own scrape config, rules and alerts, beside a running Frontshelf. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { parse } from 'yaml';
import { type Config, readConfig } from '../config.ts';
import { report, untilStopped } from './conduct.ts';
import { dataFolder, projectFolder } from './folder.ts';
import { takeLock } from './lock.js';
import { Obstacle } from './obstacle.js';
import { freePort } from './ports.ts';
import { end, type ProcessIdentity } from './processes.js';
import { findOrInstallPrometheus, type Prometheus, startPrometheus } from './prometheus.ts';
import type { Service } from './service.ts';

const help = `Watches a running Frontshelf with Prometheus: npm run observe

  --help  this text

Scrapes the admin address that ADMIN_HOST and ADMIN_PORT name, as \`npm start\` serves it, with
ADMIN_TOKEN where the server has one, and the exporters for Postgres and Redis if they answer on this machine. Takes Prometheus from the
machine, or installs it by apt as root on Debian or Ubuntu. Ctrl-C stops it.`;

const sourceFolder = join(projectFolder, 'metrics/prometheus');
const folder = join(dataFolder, 'prometheus');
/** Who the Prometheus under way is, for the run after one that was killed. */
const leftoverPath = join(dataFolder, 'prometheus.json');
const preferredPort = 9090;
const answerTimeoutMs = 2000;
const stopSteps = [
  { signal: 'SIGTERM', waitMs: 3000 },
  { signal: 'SIGKILL', waitMs: 1000 },
] as const;

interface Authorization {
  readonly credentials: string;
}
interface ScrapeJob {
  readonly job_name: string;
  readonly authorization?: Authorization | { readonly credentials_file: string };
  readonly static_configs: readonly { readonly targets: readonly string[] }[];
}
interface ScrapeConfig {
  readonly rule_files: readonly string[];
  readonly scrape_configs: readonly ScrapeJob[];
}

const { config, problems } = readConfig(process.env);
if (wantsHelp()) console.log(help);
else if (problems.length > 0) process.exitCode = report(new Obstacle(problems.join('\n')));
else {
  let child: ProcessIdentity | undefined;
  const services: Service[] = [];
  await untilStopped(
    async () => {
      const prometheus = await observe(config, (identity) => {
        child = identity;
      });
      services.push(prometheus);
      await prometheus.exited;
      throw new Obstacle(`Prometheus has ended: ${prometheus.recentLines().at(-1) ?? 'it said nothing.'}`);
    },
    async () => {
      if (child) await end(child, stopSteps);
    },
    services,
  );
}

function wantsHelp(): boolean {
  try {
    return parseArgs({ options: { help: { type: 'boolean', short: 'h' } } }).values.help ?? false;
  } catch (error) {
    process.exit(report(new Obstacle(`${error instanceof Error ? error.message : error}\n\n${help}`)));
  }
}

async function observe(
  { adminHost, adminPort, adminToken }: Config,
  onSpawn: (process: ProcessIdentity) => void,
): Promise<Prometheus> {
  const target = `${reachable(adminHost)}:${adminPort}`;
  const authorization = adminToken === '' ? undefined : { credentials: adminToken };
  const metrics = await metricsAt(target, authorization);
  if (!metrics?.includes('frontshelf_build_info'))
    throw new Obstacle(
      `No Frontshelf answers at http://${target}/metrics: start one with \`npm start\`, or set ADMIN_HOST and ADMIN_PORT to its admin address, and ADMIN_TOKEN to its token.`,
    );
  const program = await findOrInstallPrometheus(console.log);
  if (program === undefined)
    throw new Obstacle(
      'No prometheus is on the PATH: install it (Debian and Ubuntu have it in package prometheus), or run this as root there.',
    );
  const holder = takeLock(join(dataFolder, 'observe'));
  if (holder)
    throw new Obstacle(
      `\`npm run observe\` already runs: stop it first, with Ctrl-C or \`kill ${holder.pid}\`.`,
    );
  await endLeftover();

  const port = await freePort(preferredPort);
  if (port !== preferredPort) console.log(`Port ${preferredPort} is in use; taking ${port}.`);
  const prometheus = await startPrometheus({
    program,
    config: await configFor({ frontshelf: target, prometheus: `127.0.0.1:${port}` }, authorization),
    folder,
    port,
    onSpawn(identity) {
      onSpawn(identity);
      writeFileSync(leftoverPath, JSON.stringify(identity));
    },
  });
  const query = 'job_tier:frontshelf_product_served:rate5m';
  console.log(
    [
      `Prometheus watches http://${target}; rates show after half a minute. Ctrl-C stops it, its data stays in ${relative(process.cwd(), folder)}.`,
      `  Alerts   ${prometheus.url}/alerts`,
      `  Targets  ${prometheus.url}/targets`,
      `  A query  ${prometheus.url}/graph?g0.expr=${encodeURIComponent(query)}&g0.tab=0&g0.range_input=15m`,
    ].join('\n'),
  );
  return prometheus;
}

/** The project's own, with the addresses and the token of this machine; without those who do not answer here. */
async function configFor(
  targets: Readonly<Record<string, string>>,
  token: Authorization | undefined,
): Promise<ScrapeConfig> {
  // The tests let promtool check the file.
  const config = parse(readFileSync(join(sourceFolder, 'prometheus.yml'), 'utf8')) as ScrapeConfig;
  const jobs = config.scrape_configs.map(async ({ authorization, ...job }): Promise<ScrapeJob[]> => {
    const known = targets[job.job_name];
    const given = job.static_configs.flatMap((group) => group.targets);
    const local =
      known === undefined ? given.map((target) => target.replace(/^[^:]*/, '127.0.0.1')) : [known];
    const answers = await Promise.all(local.map(async (target) => known ?? (await metricsAt(target))));
    if (answers.every((answer) => answer !== undefined))
      return [
        {
          ...job,
          ...(authorization && token && { authorization: token }),
          static_configs: [{ targets: local }],
        },
      ];
    console.log(`Nothing answers at ${local.join(', ')}, so ${job.job_name} is not watched by itself.`);
    return [];
  });
  return {
    ...config,
    rule_files: config.rule_files.map((name) => join(sourceFolder, name)),
    scrape_configs: (await Promise.all(jobs)).flat(),
  };
}

/** Undefined when nothing answers as a target should. */
async function metricsAt(target: string, token?: Authorization): Promise<string | undefined> {
  try {
    const response = await fetch(`http://${target}/metrics`, {
      signal: AbortSignal.timeout(answerTimeoutMs),
      ...(token && { headers: { authorization: `Bearer ${token.credentials}` } }),
    });
    return response.ok ? await response.text() : undefined;
  } catch {
    return undefined;
  }
}

/** Ends the Prometheus of a run that was killed: it has the data. */
async function endLeftover(): Promise<void> {
  try {
    // Written by this module alone.
    await end(JSON.parse(readFileSync(leftoverPath, 'utf8')) as ProcessIdentity, stopSteps);
  } catch {
    // There is none.
  }
}

function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
