import { parseArgs } from 'node:util';
import {
  type CommonOptions,
  commonOptions,
  commonValues,
  oneOf,
  wholeNumber,
} from '../provers/option-values.ts';
import { type FaultKind, faultHelp, faultKinds } from './fault-plan.ts';

export const help = `Usage: npm run soak -- [options]

Lets one thing after the other break under a steady open-loop load, and judges every answer: nine of ten requests
are for pages in memory, some of them with If-None-Match, the others for pages that are not, or that do not exist.
Starts a server with two workers over a Postgres and a Redis of its own, with its log on a disk that is full.
Promised: only 200, 304, 404 and 503, the right page every time, an answer before the deadline, no page in memory
refused, all as before 5 s after each fault, and in the end as many descriptors, memory and connections to
Postgres as in the beginning. Exits with 1 when a promise is broken.

  --minutes N          of faults; some three more for warming up, settling and comparing (default 10)
  --warm-seconds N     load before the first measurement of what the server holds (default 60)
  --rate N             requests per second (default 300)
  --seed N             of the order of the faults, and of the requests (default 1)
  --faults KIND,…      only these kinds (default all)
  --setting NAME=VALUE a setting for the server; may be repeated
  --logs FOLDER        keep the server's log there, rather than write it to a full disk
  --json FILE          write the whole result as JSON
  --help               this text

Kinds of faults:
${faultKinds.map((kind) => `  ${kind.padEnd(32)}${faultHelp(kind)}`).join('\n')}`;

export interface Options extends CommonOptions {
  readonly minutes: number;
  readonly warmSeconds: number;
  readonly ratePerSecond: number;
  readonly faults: readonly FaultKind[];
  readonly json: string | undefined;
}

/** Reads the command line; undefined when it asks for help. Throws one sentence about the first option that is wrong. */
export function readOptions(args: string[]): Options | undefined {
  const { values } = parseArgs({
    args,
    options: {
      ...commonOptions,
      minutes: { type: 'string', default: '10' },
      'warm-seconds': { type: 'string', default: '60' },
      rate: { type: 'string', default: '300' },
      faults: { type: 'string', default: faultKinds.join(',') },
      json: { type: 'string' },
    },
  });
  if (values.help) return undefined;
  return {
    ...commonValues(values),
    minutes: wholeNumber('minutes', values.minutes, 1),
    warmSeconds: wholeNumber('warm-seconds', values['warm-seconds'], 1),
    ratePerSecond: wholeNumber('rate', values.rate, 1),
    faults: values.faults.split(',').map((text) => oneOf('faults', faultKinds, text)),
    json: values.json,
  };
}
