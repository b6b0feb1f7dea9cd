import { parseArgs } from 'node:util';
import {
  type CommonOptions,
  commonOptions,
  commonValues,
  oneOf,
  wholeNumber,
} from '../provers/option-values.ts';
import { type FaultKind, faultHelp, faultKinds } from './fault-plan.ts';

export const help = `Usage: npm run prove:coherence -- [options]

Looks for an answer that breaks the promise of coherence: one that is older than the bound and does not say so, or
that was never true. Starts two hosts with two workers each over a Postgres and a Redis of its own, writes to Postgres in
every way there is, asks all workers all the while, and holds each answer against the time of each commit: first
while all is well, for a quarter of the time, and then while one thing after the other breaks.
Exits with 1 when there was such an answer, or the run was too thin to prove anything.

  --seconds N          the whole of it, but for starting and ending (default 120)
  --healthy-seconds N  without faults (default a quarter of it, at least 10)
  --bound MS           age from which an unlabelled answer is a lie (default 250)
  --reads N            requests per second (default 500)
  --writes N           transactions per second (default 20)
  --seed N             of the plan of faults, and of what is written and asked (default 1)
  --faults KIND,…      only these kinds (default all)
  --setting NAME=VALUE a setting for the servers; may be repeated
  --logs FOLDER        keep the servers' logs there
  --json FILE          write the whole result, with the plan of faults, as JSON
  --help               this text

Kinds of faults:
${faultKinds.map((kind) => `  ${kind.padEnd(19)}${faultHelp[kind]}`).join('\n')}`;

export interface Options extends CommonOptions {
  readonly seconds: number;
  readonly healthySeconds: number;
  readonly boundMs: number;
  readonly readsPerSecond: number;
  readonly writesPerSecond: number;
  readonly faults: readonly FaultKind[];
  readonly json: string | undefined;
}

/** Reads the command line; undefined when it asks for help. Throws one sentence about the first option that is wrong. */
export function readOptions(args: string[]): Options | undefined {
  const { values } = parseArgs({
    args,
    options: {
      ...commonOptions,
      seconds: { type: 'string', default: '120' },
      'healthy-seconds': { type: 'string' },
      bound: { type: 'string', default: '250' },
      reads: { type: 'string', default: '500' },
      writes: { type: 'string', default: '20' },
      faults: { type: 'string', default: faultKinds.join(',') },
      json: { type: 'string' },
    },
  });
  if (values.help) return undefined;
  const seconds = wholeNumber('seconds', values.seconds, 4);
  const healthySeconds =
    values['healthy-seconds'] === undefined
      ? Math.max(10, Math.round(seconds / 4))
      : wholeNumber('healthy-seconds', values['healthy-seconds'], 1);
  if (healthySeconds >= seconds)
    throw new Error(`--healthy-seconds must be less than --seconds ${seconds}; it is ${healthySeconds}.`);
  return {
    ...commonValues(values),
    seconds,
    healthySeconds,
    boundMs: wholeNumber('bound', values.bound, 1),
    readsPerSecond: wholeNumber('reads', values.reads, 1),
    writesPerSecond: wholeNumber('writes', values.writes, 1),
    faults: values.faults.split(',').map((text) => oneOf('faults', faultKinds, text)),
    json: values.json,
  };
}
