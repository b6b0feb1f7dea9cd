import { parseArgs } from 'node:util';
import { type CommonOptions, commonOptions, commonValues, wholeNumber } from '../provers/option-values.ts';

export const codings = ['identity', 'gzip', 'br'] as const;
export type Coding = (typeof codings)[number];

export const help = `Usage: npm run bench:export -- [options]

Exports the whole catalogue of a server of its own, with one worker, while pages are asked for in an open loop, and says
how fast that went, what memory the worker held, and what became of the pages, beside the time before and after in which
there was no export. Exits with 1 when a promise was broken, or the run is void as the load generator was late.

  --products N         of the catalogue, games, editions and add-ons (default 10000)
  --url URL            a database that is seeded already, as a role that may act as frontshelf_reader
  --seconds N          before and after the export; it is repeated until it has taken as long (default 20), and
                       memory is looked at from a quarter of that on
  --rate N             pages asked for per second (default 200)
  --coding NAME        identity, gzip or br (default br)
  --exports N          at once (default 1)
  --seed N             of the times of arrival (default 1)
  --setting NAME=VALUE a setting for the server; may be repeated
  --logs FOLDER        keep the server's log there
  --json FILE          write the whole result as JSON
  --help               this text`;

export interface Options extends CommonOptions {
  readonly products: number;
  readonly url: string | undefined;
  readonly seconds: number;
  readonly ratePerSecond: number;
  readonly coding: Coding;
  readonly exports: number;
  readonly json: string | undefined;
}

/** Reads the command line; undefined when it asks for help. Throws one sentence about the first option that is wrong. */
export function readOptions(args: string[]): Options | undefined {
  const { values } = parseArgs({
    args,
    options: {
      ...commonOptions,
      products: { type: 'string', default: '10000' },
      url: { type: 'string' },
      seconds: { type: 'string', default: '20' },
      rate: { type: 'string', default: '200' },
      coding: { type: 'string', default: 'br' },
      exports: { type: 'string', default: '1' },
      json: { type: 'string' },
    },
  });
  if (values.help) return undefined;
  const coding = codings.find((name) => name === values.coding);
  if (coding === undefined)
    throw new Error(`--coding must be one of ${codings.join(', ')}; it is "${values.coding}".`);
  return {
    ...commonValues(values),
    products: wholeNumber('products', values.products, 100),
    url: values.url,
    seconds: wholeNumber('seconds', values.seconds, 1),
    ratePerSecond: wholeNumber('rate', values.rate, 1),
    coding,
    exports: wholeNumber('exports', values.exports, 1),
    json: values.json,
  };
}
