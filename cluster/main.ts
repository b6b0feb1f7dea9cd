import cluster from 'node:cluster';
import { parseArgs } from 'node:util';
import { readConfig } from '../config.ts';
import { errorText } from '../sql/errors.ts';
import { preflight } from './preflight.ts';
import { runPrimary } from './primary.ts';
import { redaction } from './redaction.ts';
import { runWorker } from './worker.ts';

const help = `Serves product pages: npm run serve [-- --check]

  --check   say what is wrong with the settings, or nothing, and exit
  --help    this text

Settings are environment variables; README.md lists them. SIGTERM and SIGINT
stop the server when the requests it has are answered. SIGHUP replaces its
workers one after the other, without losing a request.
`;

const { config, problems } = readConfig(process.env);
if (cluster.isWorker) {
  // A file that a setting names may have become another since the primary started.
  if (problems.length > 0) {
    process.stderr.write(problems.map((problem) => `${problem}\n`).join(''));
    process.exit(1);
  }
  await runWorker(config);
} else {
  const given = readArguments();
  if (given === undefined) {
    process.exitCode = 1;
  } else if (given.help) {
    process.stdout.write(help);
  } else {
    problems.push(...(await preflight(config, problems)));
    if (problems.length > 0) {
      const list = problems.map((problem) => `- ${problem}\n`).join('');
      process.stderr.write(redaction(config)(`Frontshelf cannot start:\n${list}`));
      process.exitCode = 1;
    } else if (!given.check) await runPrimary(config);
  }
}

function readArguments(): { check?: boolean; help?: boolean } | undefined {
  try {
    return parseArgs({ options: { check: { type: 'boolean' }, help: { type: 'boolean' } } }).values;
  } catch (error) {
    process.stderr.write(`${errorText(error)}\n`);
    return undefined;
  }
}
