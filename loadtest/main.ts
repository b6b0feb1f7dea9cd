/** `npm run loadtest`: a scenario of load against a running server, and whether the promises were held. */
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { popularSlugs } from './catalogue.ts';
import { findK6, k6Missing, runK6 } from './k6.ts';
import { newTestId, remoteWrite } from './remote-write.ts';
import { listScenarios } from './scenarios.ts';
import { type Summary, verdict } from './verdict.ts';

const help = `Usage: npm run loadtest -- --scenario NAME [options]

Runs a scenario of load with k6 against a server that runs already, and exits with 0 if its promises were held.

  --scenario NAME   which; --list names them
  --url URL         the server (default http://127.0.0.1:3000)
  --duration D      such as 30s or 5m (default 10s)
  --rate N          requests per second, sent whether or not the last was answered (default 500)
  --exponent S      Zipf's exponent of the products' popularity, 0 for none (default 0.8)
  --p99-ms N        the bound on the 99th percentile of response times (default 100)
  --json FILE       write k6's summary as JSON
  --prometheus URL  also send k6's figures to this Prometheus, for the dashboard "Load test"
  --testid NAME     what they are called there (default the scenario and the time)
  --list            name the scenarios
  --help            this text`;

/** A catalogue may hold a million; so many are listed within a second or two. */
const mostProducts = 10_000;

function readOptions(args: string[]) {
  const { values } = parseArgs({
    args,
    options: {
      scenario: { type: 'string' },
      url: { type: 'string', default: 'http://127.0.0.1:3000' },
      duration: { type: 'string', default: '10s' },
      rate: { type: 'string', default: '500' },
      exponent: { type: 'string', default: '0.8' },
      'p99-ms': { type: 'string', default: '100' },
      json: { type: 'string' },
      prometheus: { type: 'string' },
      testid: { type: 'string' },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const mustMatch = (
    name: 'url' | 'duration' | 'rate' | 'exponent' | 'p99-ms' | 'prometheus' | 'testid',
    pattern: RegExp,
    expected: string,
  ) => {
    const value = values[name];
    if (value !== undefined && !pattern.test(value))
      throw new Error(`--${name} must be ${expected}; it is "${value}".`);
  };
  const address = /^https?:\/\/[^/]+\/?$/;
  mustMatch('url', address, 'the address of a server, such as http://127.0.0.1:3000');
  mustMatch('prometheus', address, 'the address of a Prometheus, such as http://127.0.0.1:9090');
  mustMatch('testid', /^[\w.-]+$/, 'letters, digits, dots, dashes and underscores');
  mustMatch('duration', /^[1-9]\d*[smh]$/, 'a number of seconds, minutes or hours, such as 30s, 5m or 1h');
  mustMatch('rate', /^[1-9]\d*$/, 'a whole number of requests per second');
  mustMatch('exponent', /^\d+(\.\d+)?$/, 'a number from 0 up');
  mustMatch('p99-ms', /^[1-9]\d*$/, 'a whole number of milliseconds');
  return values;
}

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  const scenarios = listScenarios();
  const names = scenarios.map(({ name }) => name).join(', ');
  if (options.help) {
    console.log(help);
    return 0;
  }
  if (options.list) {
    for (const { name, summary } of scenarios) console.log(`${name.padEnd(16)}${summary}`);
    return 0;
  }
  const scenario = scenarios.find(({ name }) => name === options.scenario);
  if (!scenario) throw new Error(`--scenario must be one of: ${names}.`);
  const k6 = findK6();
  if (!k6) throw new Error(k6Missing);
  const url = new URL(options.url).origin;
  const answers = await fetch(`${url}/readyz`).then(
    (response) => response.ok,
    () => false,
  );
  if (!answers)
    throw new Error(
      `No server that is ready answers at ${url}: start it with npm start, or name another by --url.`,
    );

  const folder = mkdtempSync(join(tmpdir(), 'frontshelf-loadtest-'));
  try {
    const slugsFile = join(folder, 'slugs.json');
    writeFileSync(slugsFile, JSON.stringify(await popularSlugs(url, mostProducts)));
    const summaryFile = join(folder, 'summary.json');
    const variables = {
      URL: url,
      DURATION: options.duration,
      RATE: options.rate,
      EXPONENT: options.exponent,
      P99_MS: options['p99-ms'],
      SLUGS_FILE: slugsFile,
      SUMMARY_FILE: summaryFile,
    };
    const testId = options.testid ?? newTestId(scenario.name, new Date());
    const settings = options.prometheus ? remoteWrite(options.prometheus, testId) : {};
    const exitCode = await runK6(k6, scenario.path, variables, { settings });
    if (!existsSync(summaryFile)) throw new Error('k6 ended without a result; its reason stands above.');
    const summary: Summary = JSON.parse(readFileSync(summaryFile, 'utf8'));
    if (options.json) copyFileSync(summaryFile, options.json);
    console.log(`\n${verdict(summary).join('\n')}`);
    console.log(exitCode === 0 ? `${scenario.name}: every promise was held.` : `${scenario.name}: failed.`);
    return exitCode;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
