/**
 * How to run a program without root's rights: Postgres refuses to run with them, and Redis has no need of them.
 *
 * Root's services run as user `nobody`, or as the owner of the data they already have. Often that user cannot
 * even enter the folder the project was cloned into (/root). Then the program keeps one right of root's, to
 * read and search every folder, through setpriv; where a container withholds that one, the right that includes it.
 */
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { Obstacle } from './obstacle.js';

export interface Invocation {
  readonly command: string;
  readonly args: readonly string[];
  readonly options: { readonly uid?: number; readonly gid?: number };
}

interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** The account that should own a service's data: undefined unless this process is root. */
export function serviceAccount(existingData?: string): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const owner = existingData === undefined ? undefined : statSync(existingData, { throwIfNoEntry: false });
  if (owner !== undefined && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  const id = (flag: string) => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

/** Whether everyone, thus also the account, may enter the folders on the way to this path. */
function everyoneMayReach(path: string): boolean {
  const parent = dirname(path);
  return (statSync(parent).mode & 0o001) !== 0 && (parent === path || everyoneMayReach(parent));
}

/** `paths` are the files and folders, beside the program itself, that it must be able to reach. */
export function runAs(
  account: Account | undefined,
  program: string,
  args: readonly string[],
  paths: readonly string[] = [],
): Invocation {
  if (account === undefined) return { command: program, args, options: {} };
  if ([program, ...paths].every(everyoneMayReach)) return { command: program, args, options: account };
  for (const right of ['dac_read_search', 'dac_override']) {
    const flags = [`--reuid=${account.uid}`, `--regid=${account.gid}`, '--clear-groups'];
    flags.push(`--inh-caps=-all,+${right}`, `--ambient-caps=-all,+${right}`);
    // Without it access(2), with which initdb looks for postgres, would not count the right.
    flags.push('--securebits=+no_setuid_fixup', '--');
    try {
      execFileSync('setpriv', [...flags, 'test', '-x', program], { stdio: 'ignore' });
      return { command: 'setpriv', args: [...flags, program, ...args], options: {} };
    } catch {
      // Without setpriv, or without this right; the sentence below says what helps.
    }
  }
  throw new Obstacle(
    `${program} must not run as root, and no other user may reach it: move the project to a folder that everyone may enter, or run it as an ordinary user.`,
  );
}
