/** `npm run loadtest`: the lab, or a scenario against a server that runs already. */
import { findK6, k6Missing } from './k6.ts';
import { help, readOptions } from './options.ts';
import { loadRunningServer } from './running-server.ts';
import { listScenarios } from './scenarios.ts';

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  const scenarios = listScenarios();
  const lines = scenarios.map(({ name, summary }) => `${name.padEnd(16)}${summary}`);
  if (options.list) {
    console.log(lines.join('\n'));
    return 0;
  }
  if (options.help) {
    const { listTargets } = await import('./targets/targets.ts');
    console.log(
      help(
        lines,
        listTargets().map(({ name, summary }) => `${name.padEnd(22)}${summary}`),
      ),
    );
    return 0;
  }
  if (options.render !== undefined) {
    const { readResult, writeReport } = await import('./report/report.ts');
    writeReport(readResult(options.render), options.render);
    return 0;
  }
  const scenario = scenarios.find(({ name }) => name === options.scenario);
  if (!scenario)
    throw new Error(`--scenario must be one of: ${scenarios.map(({ name }) => name).join(', ')}.`);
  const k6 = findK6();
  if (!k6) throw new Error(k6Missing);
  if (options.targets === undefined)
    return loadRunningServer(k6, scenario, options.url ?? 'http://127.0.0.1:3000', options);
  // Only here: where a running server is loaded, such as from a container, there are no packages.
  const { runLabCommand } = await import('./lab/main.ts');
  return runLabCommand(k6, scenario, options);
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
