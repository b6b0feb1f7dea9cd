/**
 * `npm run seed`: seed/main.ts with the same arguments, on the database that the settings name, or else on the
 * embedded one: that of the `npm start` under way, or started for the time being.
 */
import { readConfig } from '../config.ts';
import { type Child, endChildren, localShutdownDeadlineMs } from './children.ts';
import { conduct, untilStopped } from './conduct.ts';
import { prepareDatabase, startEmbeddedPostgres } from './embedded-postgres.ts';
import { lockPath } from './folder.ts';
import { lockHolder } from './lock.js';
import { runProgram } from './program.ts';
import { readState } from './state.ts';
import type { ThisRun } from './this-run.ts';

const args = process.argv.slice(2);
const needsNoDatabase = ['--digest', '--help', '-h'].some((option) => args.includes(option));
const { config } = readConfig(process.env);
const ownerUrl = config.databaseOwnerUrl || config.databaseUrl || runningDatabase();

if (needsNoDatabase || ownerUrl !== undefined) {
  const children: Child[] = [];
  await untilStopped(
    () => seed(ownerUrl, (name) => (identity) => children.push({ ...identity, name })),
    () => endChildren(children, localShutdownDeadlineMs),
  );
} else
  await conduct('npm run seed', localShutdownDeadlineMs, async (run) => {
    const postgres = await startEmbeddedPostgres(run);
    return seed(await prepareDatabase(postgres, run.passwords.owner), run.started);
  });

async function seed(url: string | undefined, started: ThisRun['started']): Promise<number> {
  const env = url === undefined ? {} : { DATABASE_OWNER_URL: url };
  if (!needsNoDatabase) await runProgram('sql/main.ts', [], env, started('program'));
  await runProgram('seed/main.ts', args, env, started('program'));
  return 0;
}

/** Undefined when no `npm start` is ready with an embedded database. */
function runningDatabase(): string | undefined {
  const holder = lockHolder(lockPath);
  const { run } = readState();
  return run?.pid === holder?.pid && run?.command === 'npm start' ? run.ownerUrl : undefined;
}
