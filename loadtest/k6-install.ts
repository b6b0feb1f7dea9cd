/** k6 for a machine that has none: built with Go, or taken out of its image with Docker. */
import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { findK6, installedK6, k6Missing, k6Module } from './k6.ts';

interface InstallOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly installed?: string;
}

const execute = promisify(execFile);

/** The same version as `k6Module`. */
export const k6Image = 'grafana/k6:2.1.0';

/**
 * The path of k6, which is installed into `node_modules/.cache` where it is not found and Go or, on Linux, Docker can
 * get it. `say` hears of that, since it takes minutes. Rejects with one sentence that says how to get it otherwise.
 */
export async function findOrInstallK6(
  say: (sentence: string) => void,
  { env = process.env, installed = installedK6 }: InstallOptions = {},
): Promise<string> {
  const found = findK6(env, installed);
  if (found !== undefined) return found;
  const folder = mkdtempSync(join(tmpdir(), 'frontshelf-k6-'));
  const made = join(folder, 'k6');
  const failures: string[] = [];
  try {
    for (const { program, sentence, make } of ways) {
      if (!(await answers(program, env))) continue;
      say(sentence);
      try {
        await make({ folder, made, run: (...args) => execute(program, args, { cwd: folder, env }) });
        mkdirSync(dirname(installed), { recursive: true });
        // A copy first, as the temporary folder may be on another disk.
        copyFileSync(made, `${installed}.new`);
        renameSync(`${installed}.new`, installed);
        return installed;
      } catch (error) {
        failures.push(`${program}: ${lastLine(error)}`);
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  throw new Error([k6Missing, ...failures].join('\n'));
}

interface Way {
  /** Answers to `version` where it can be used. */
  readonly program: string;
  readonly sentence: string;
  make(work: Work): Promise<void>;
}

interface Work {
  /** Empty, and gone afterwards. */
  readonly folder: string;
  /** Path where k6 is to be. */
  readonly made: string;
  /** Runs the program with these arguments in the folder. */
  run(...args: string[]): Promise<{ stdout: string }>;
}

const [modulePath = ''] = k6Module.split('@');

const ways: readonly Way[] = [
  {
    program: 'go',
    sentence: 'Building k6 with Go; that takes some minutes, once.',
    // Not by `go install`, which would also ask the module's own site for its latest version.
    async make({ made, run }) {
      await run('mod', 'init', 'k6-build');
      await run('get', k6Module);
      await run('build', '-o', made, modulePath);
    },
  },
  {
    program: 'docker',
    sentence: `Taking k6 out of the image ${k6Image}.`,
    // Run in place rather than in a container, so that it has a core of its own and its CPU can be measured.
    async make({ made, run }) {
      if (process.platform !== 'linux') throw new Error('its image holds a program for Linux only.');
      const container = (await run('create', k6Image)).stdout.trim();
      try {
        await run('cp', `${container}:/usr/bin/k6`, made);
      } finally {
        await run('rm', container);
      }
    },
  },
];

const answers = (program: string, env: NodeJS.ProcessEnv): Promise<boolean> =>
  execute(program, ['version'], { env }).then(
    () => true,
    () => false,
  );

const lastLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).trim().split('\n').at(-1) ?? '';

if (import.meta.main)
  try {
    console.log(await findOrInstallK6(console.log));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
