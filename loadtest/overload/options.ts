import { parseArgs } from 'node:util';
import { type CommonOptions, commonOptions, commonValues, wholeNumber } from '../provers/option-values.ts';

export const help = `Usage: npm run overload -- [options]
       npm run overload -- --render FILE [--chart FILE]

Asks for more than the database can give, and says what becomes of it. Starts a Postgres of its own in which reading a
page takes longer, and a server with two workers and two connections each, without Redis. Measures how many pages per
second that gives, then asks for 0.5, 1, 2, 5 and 10 times as many pages that are in no cache, in an open loop, and for
0.5 times as many again; all the while for pages that are in memory. Once more with clients who, when they are refused,
come back three times after 100 ms each, whatever Retry-After says: that is more load in less time than from those who
wait as they are told. Exits with 1 when a promise was broken, or the run is void as the generator was late.

  --seconds N          of a step (default 30)
  --products N         of the catalogue, from 2000 up (default 30000)
  --read-ms N          what reading a page takes beside its work (default 40)
  --seed N             of the times of arrival and the order of pages (default 1)
  --setting NAME=VALUE a setting for the server; may be repeated
  --results FOLDER     where a folder with result.json and overload.svg goes (default loadtest/results)
  --chart FILE         write the chart there instead
  --render FILE        make the chart and the report of a result.json anew, without a run
  --logs FOLDER        keep the server's log there
  --help               this text`;

export interface Options extends CommonOptions {
  readonly seconds: number;
  readonly products: number;
  readonly readDelayMs: number;
  readonly results: string | undefined;
  readonly chart: string | undefined;
  readonly render: string | undefined;
}

/** Reads the command line; undefined when it asks for help. Throws one sentence about the first option that is wrong. */
export function readOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...commonOptions,
      seconds: { type: 'string', default: '30' },
      products: { type: 'string', default: '30000' },
      'read-ms': { type: 'string', default: '40' },
      results: { type: 'string' },
      chart: { type: 'string' },
      render: { type: 'string' },
    },
  });
  if (values.help) return undefined;
  return {
    ...commonValues(values),
    seconds: wholeNumber('seconds', values.seconds, 1),
    products: wholeNumber('products', values.products, 2000),
    readDelayMs: wholeNumber('read-ms', values['read-ms'], 1),
    results: values.results,
    chart: values.chart,
    render: values.render,
  };
}
