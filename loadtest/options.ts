import { parseArgs } from 'node:util';

const sizes = ['base', 'scaled', 'whole'] as const;
export type SizeName = (typeof sizes)[number];

const flags = {
  scenario: { type: 'string' },
  target: { type: 'string' },
  rounds: { type: 'string' },
  size: { type: 'string' },
  products: { type: 'string' },
  'time-scale': { type: 'string' },
  'staleness-ms': { type: 'string' },
  results: { type: 'string' },
  url: { type: 'string' },
  duration: { type: 'string' },
  rate: { type: 'string' },
  'max-rate': { type: 'string' },
  exponent: { type: 'string' },
  users: { type: 'string' },
  'p99-ms': { type: 'string' },
  json: { type: 'string' },
  prometheus: { type: 'string' },
  testid: { type: 'string' },
  render: { type: 'string' },
  list: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/** What scenarios' scripts may be told, by the option that tells them. */
const variableNames = {
  duration: 'DURATION',
  rate: 'RATE',
  'max-rate': 'MAX_RATE',
  exponent: 'EXPONENT',
  users: 'USERS',
  'p99-ms': 'P99_MS',
} as const;

const origin = /^https?:\/\/[^/]+\/?$/;
const patterns: Readonly<Record<string, readonly [pattern: RegExp, expected: string]>> = {
  rounds: [/^[1-9]\d*$/, 'a whole number from 1 up'],
  size: [/^(base|scaled|whole)(,(base|scaled|whole))*$/, `one or more of ${sizes.join(', ')}`],
  products: [/^[1-9]\d*$/, 'a whole number from 1 up'],
  'time-scale': [/^(?!0+(\.0+)?$)\d+(\.\d+)?$/, 'a number above 0, such as 0.1'],
  'staleness-ms': [/^[1-9]\d*$/, 'a whole number of milliseconds'],
  url: [origin, 'the address of a server, such as http://127.0.0.1:3000'],
  prometheus: [origin, 'the address of a Prometheus, such as http://127.0.0.1:9090'],
  testid: [/^[\w.-]+$/, 'letters, digits, dots, dashes and underscores'],
  duration: [/^[1-9]\d*[smh]$/, 'a number of seconds, minutes or hours, such as 30s, 5m or 1h'],
  rate: [/^[1-9]\d*$/, 'a whole number of page views per second'],
  'max-rate': [/^[1-9]\d*$/, 'a whole number of page views per second'],
  exponent: [/^\d+(\.\d+)?$/, 'a number from 0 up'],
  users: [/^[1-9]\d*$/, 'a whole number from 1 up'],
  'p99-ms': [/^[1-9]\d*$/, 'a whole number of milliseconds'],
};

/** Reads the command line. Throws one sentence about the first option that is wrong. */
export function readOptions(args: readonly string[]) {
  const { values } = parseArgs({ args: [...args], options: flags });
  const given = new Map(Object.entries(values));
  for (const [name, [pattern, expected]] of Object.entries(patterns)) {
    const value = given.get(name);
    if (typeof value === 'string' && !pattern.test(value))
      throw new Error(`--${name} must be ${expected}; it is "${value}".`);
  }
  if (values.url !== undefined && values.target !== undefined)
    throw new Error('--url and --target exclude each other: the lab starts its targets itself.');
  const variables = Object.entries(variableNames).flatMap(([option, variable]): [string, string][] => {
    const value = given.get(option);
    return typeof value === 'string' ? [[variable, value]] : [];
  });
  return {
    scenario: values.scenario,
    targets: values.target?.split(','),
    rounds: Number(values.rounds ?? 1),
    sizes: sizes.filter((size) => (values.size ?? 'whole').split(',').includes(size)),
    products: Number(values.products ?? 10_000),
    timeScale: Number(values['time-scale'] ?? 1),
    stalenessMs: values['staleness-ms'] === undefined ? undefined : Number(values['staleness-ms']),
    results: values.results,
    url: values.url === undefined ? undefined : new URL(values.url).origin,
    variables: Object.fromEntries(variables),
    json: values.json,
    prometheus: values.prometheus,
    testId: values.testid,
    render: values.render,
    list: values.list,
    help: values.help,
  };
}

export type Options = ReturnType<typeof readOptions>;

/** What the command is for; `scenarios` and `targets` are lines of a name and a sentence. */
export const help = (scenarios: readonly string[], targets: readonly string[]): string =>
  `Usage: npm run loadtest -- --scenario NAME --target NAME[,NAME…] [options]
       npm run loadtest -- --scenario NAME --url URL [options]

Measures architectures side by side: starts a Postgres with a catalogue and a Redis, then each target by turns,
compares its pages with the database, loads it with k6, and writes a report of one HTML file and its JSON. With
--url it loads a server that runs already, and says whether the scenario's promises were held.

  --target NAMES     the targets, by commas; all: the first five
  --rounds N         runs of each target at each size (default 1)
  --size NAMES       base, scaled, whole, by commas: the target's share of the machine (default whole)
  --time-scale S     shortens all stages alike (default 1)
  --products N       of the catalogue (default 10000)
  --staleness-ms N   what each target may be behind the database, where it can be told
  --results FOLDER   where reports go (default loadtest/results)
  --render FOLDER    write the report of a result anew, without a run

  --url URL          the server that runs already
  --json FILE        write k6's summary as JSON; with --url
  --testid NAME      what the test is called in Prometheus (default the scenario and the time); with --url

  --duration D       such as 30s or 5m            --rate N       page views per second
  --users N          of users-5000                --max-rate N   where breakpoint ends
  --exponent S       Zipf's exponent, 0 for none  --p99-ms N     the bound on the 99th percentile
  --prometheus URL   also send k6's figures to this Prometheus, for the dashboard "Load test"
  --list             name the scenarios
  --help             this text

Scenarios:
${scenarios.map((line) => `  ${line}`).join('\n')}

Targets:
${targets.map((line) => `  ${line}`).join('\n')}`;
