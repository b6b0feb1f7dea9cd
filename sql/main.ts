import { parseArgs } from 'node:util';
import { readConfig } from '../config.ts';
import { errorText } from './errors.ts';
import { migrate } from './migrate.ts';

const help = `Usage: npm run migrate

Brings the schema of the database up to date. Reads DATABASE_OWNER_URL, the database as the role that
owns it, or else DATABASE_URL. Safe to run twice, or by two at once.`;

try {
  const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h' } } });
  if (values.help) {
    console.log(help);
  } else {
    const { config, problems } = readConfig(process.env);
    const [problem] = problems.filter((text) => text.startsWith('DATABASE_'));
    if (problem !== undefined) throw new Error(problem);
    const url = config.databaseOwnerUrl || config.databaseUrl;
    if (url === '')
      throw new Error('DATABASE_OWNER_URL is not set; it must be the URL of the database to migrate.');
    const applied = await migrate(url, console.log);
    console.log(applied.length === 0 ? 'The schema is up to date.' : 'The schema is up to date now.');
  }
} catch (error) {
  console.error(errorText(error));
  process.exitCode = 1;
}
