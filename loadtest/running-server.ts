/**
 * A scenario against a server that runs already. Needs nothing but Node and k6, so that a container without packages can
 * run this file by itself.
 */
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { popularSlugs } from './catalogue.ts';
import { runK6 } from './k6.ts';
import { findOrInstallK6 } from './k6-install.ts';
import { type Options, readOptions } from './options.ts';
import { newTestId, remoteWrite } from './remote-write.ts';
import { listScenarios, type Scenario } from './scenarios.ts';
import { type Summary, verdict } from './verdict.ts';

export const defaultUrl = 'http://127.0.0.1:3000';

/** A catalogue may hold a million; so many are listed within a second or two. */
const mostProducts = 10_000;

/** Resolves the exit code, 0 if every promise of the scenario was held. Rejects with a sentence if it cannot run. */
export async function loadRunningServer(
  k6: string,
  scenario: Scenario,
  url: string,
  options: Options,
): Promise<number> {
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
    const productsFile = join(folder, 'products.json');
    // The ids are for targets that know no slugs.
    const products = (await popularSlugs(url, mostProducts)).map((slug) => [0, slug]);
    writeFileSync(productsFile, JSON.stringify(products));
    const summaryFile = join(folder, 'summary.json');
    const variables = {
      // A server at hand is not a laptop under study: it gets a load that shows something.
      RATE: '500',
      ...options.variables,
      URL: url,
      API: 'page',
      TIME_SCALE: String(options.timeScale),
      // They are for the lab's curves; in Prometheus each would be a set of series more.
      SLICE_COUNT: '0',
      PRODUCTS_FILE: productsFile,
      SUMMARY_FILE: summaryFile,
    };
    const testId = options.testId ?? newTestId(scenario.name, new Date());
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

/** The scenario that is asked for, and k6. Rejects with one sentence when either is not to be had. */
export async function prepare({ scenario: name }: Options) {
  const scenarios = listScenarios();
  const scenario = scenarios.find((known) => known.name === name);
  if (!scenario)
    throw new Error(`--scenario must be one of: ${scenarios.map(({ name }) => name).join(', ')}.`);
  return { k6: await findOrInstallK6(console.log), scenario };
}

/** Ends this process with the code that `work` resolves, or with 1 and the sentence that it rejects with. */
export async function exitWith(work: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await work();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}

if (import.meta.main)
  await exitWith(async () => {
    const options = readOptions(process.argv.slice(2));
    const { k6, scenario } = await prepare(options);
    return loadRunningServer(k6, scenario, options.url ?? defaultUrl, options);
  });
