/** `npm run loadtest`: the lab, or a scenario against a server that runs already. */
import { runLabCommand } from './lab/main.ts';
import { help, readOptions } from './options.ts';
import { readResult, writeReport } from './report/report.ts';
import { defaultUrl, exitWith, loadRunningServer, prepare } from './running-server.ts';
import { listScenarios } from './scenarios.ts';
import { listTargets } from './targets/targets.ts';

await exitWith(async () => {
  const options = readOptions(process.argv.slice(2));
  const scenarios = listScenarios().map(({ name, summary }) => `${name.padEnd(16)}${summary}`);
  if (options.list) console.log(scenarios.join('\n'));
  else if (options.help)
    console.log(
      help(
        scenarios,
        listTargets().map(({ name, summary }) => `${name.padEnd(22)}${summary}`),
      ),
    );
  else if (options.render !== undefined) writeReport(readResult(options.render), options.render);
  else {
    const { k6, scenario } = await prepare(options);
    return options.targets === undefined
      ? loadRunningServer(k6, scenario, options.url ?? defaultUrl, options)
      : runLabCommand(k6, scenario, options);
  }
  return 0;
});
