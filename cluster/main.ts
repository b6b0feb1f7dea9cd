import cluster from 'node:cluster';
import { parseArgs } from 'node:util';
import { readConfig } from '../config.ts';
import { preflight } from './preflight.ts';
import { runPrimary } from './primary.ts';
import { runWorker } from './worker.ts';

const help = `Serves product pages: npm run serve [-- --check]

  --check   say what is wrong with the settings, or nothing, and exit
  --help    this text

Settings are environment variables; README.md lists them. SIGTERM and SIGINT
stop the server when the requests it has are answered.
`;

const { config, problems } = readConfig(process.env);
if (cluster.isWorker) {
  await runWorker(config);
} else {
  const { values } = parseArgs({ options: { check: { type: 'boolean' }, help: { type: 'boolean' } } });
  if (values.help) {
    process.stdout.write(help);
  } else {
    problems.push(...(await preflight(config)));
    if (problems.length > 0) {
      process.stderr.write(`Frontshelf cannot start:\n${problems.map((p) => `- ${p}\n`).join('')}`);
      process.exitCode = 1;
    } else if (!values.check) await runPrimary(config);
  }
}
