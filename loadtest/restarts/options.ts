import { parseArgs } from 'node:util';
import {
  type CommonOptions,
  commonOptions,
  commonValues,
  oneOf,
  wholeNumber,
} from '../provers/option-values.ts';

export const scenarios = {
  rolling: 'SIGHUP again and again: no request fails',
  handover: 'a new server beside the old one on one port (REUSE_PORT), then SIGTERM to the old one',
  'in-turn': 'SIGTERM, and a new server when the old one is gone',
  'worker-killed': 'kill -9 of a worker: only what is on its connections fails, for 2 s at most',
  'worker-stopped': 'SIGSTOP of a worker: the same, for 10 s at most',
  'primary-killed':
    'kill -9 of the primary: only what comes until the next listens fails, for 2 s at most, and no process stays',
} as const;

export type ScenarioName = keyof typeof scenarios;

export const scenarioNames = Object.keys(scenarios) as ScenarioName[];

export const help = `Usage: npm run prove:restarts -- [options]

Restarts, kills and stops the processes of a server of its own under a steady open-loop load, half of it over
keep-alive and half over short connections, and counts what is lost. Exits with 1 when a promise is broken.

  --rate N             requests per second (default 800)
  --restarts N         rolling restarts (default 10)
  --requests N         the rolling restarts go on until there were so many (default 100000)
  --faults N           faults of each other kind (default 3)
  --seconds N          load before and after each fault (default 3)
  --only NAME,…        only these scenarios (default all)
  --seed N             of the requests' times and pages (default 1)
  --setting NAME=VALUE a setting for the server; may be repeated
  --logs FOLDER        keep the server's logs there
  --json FILE          write the whole result as JSON
  --help               this text

Scenarios:
${scenarioNames.map((name) => `  ${name.padEnd(19)}${scenarios[name]}`).join('\n')}`;

export interface Options extends CommonOptions {
  readonly ratePerSecond: number;
  readonly restarts: number;
  readonly requests: number;
  readonly faults: number;
  readonly seconds: number;
  readonly only: readonly ScenarioName[];
  readonly json: string | undefined;
}

/** Reads the command line; undefined when it asks for help. Throws one sentence about the first option that is wrong. */
export function readOptions(args: string[]): Options | undefined {
  const { values } = parseArgs({
    args,
    options: {
      ...commonOptions,
      rate: { type: 'string', default: '800' },
      restarts: { type: 'string', default: '10' },
      requests: { type: 'string', default: '100000' },
      faults: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '3' },
      only: { type: 'string', default: scenarioNames.join(',') },
      json: { type: 'string' },
    },
  });
  if (values.help) return undefined;
  return {
    ...commonValues(values),
    ratePerSecond: wholeNumber('rate', values.rate, 1),
    restarts: wholeNumber('restarts', values.restarts, 1),
    requests: wholeNumber('requests', values.requests, 0),
    faults: wholeNumber('faults', values.faults, 1),
    seconds: wholeNumber('seconds', values.seconds, 1),
    only: values.only.split(',').map((text) => oneOf('only', scenarioNames, text)),
    json: values.json,
  };
}
