/** The load generator: a program of its own, not an npm package. */
import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';

/** The version that the scenarios are written for. */
export const k6Module = 'go.k6.io/k6/v2@v2.1.0';

export const k6Missing = `k6 is not installed: run \`go install ${k6Module}\`, or take a package of k6 2 from https://grafana.com/docs/k6.`;

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Where `k6-install.ts` puts it. */
export const installedK6 = join(dirname(import.meta.dirname), 'node_modules', '.cache', 'k6-2.1.0', 'k6');

/** Path of k6 from PATH, or from where `go install` or `k6-install.ts` puts it; undefined if there is none. */
export function findK6(env: NodeJS.ProcessEnv = process.env, installed = installedK6): string | undefined {
  const folders = [
    ...(env.PATH ?? '').split(delimiter),
    env.GOBIN ?? '',
    ...(env.GOPATH ?? '').split(delimiter).map((path) => path && join(path, 'bin')),
    join(env.HOME ?? homedir(), 'go', 'bin'),
  ];
  const paths = folders.filter((folder) => folder !== '').map((folder) => join(folder, 'k6'));
  return [...paths, installed].find(isExecutable);
}

export interface K6Options {
  /** Settings of k6's own, added to the environment. */
  readonly settings?: Readonly<Record<string, string>>;
  /** The command that starts the same program elsewhere, such as on a core of its own. */
  readonly wrap?: (command: readonly string[]) => string[];
  /** No progress on stdout. */
  readonly quiet?: boolean;
  /** Hears of what k6 complains, but not of each failed request: the verdict counts them. By default stderr does. */
  readonly complain?: (line: string) => void;
}

/**
 * Runs a scenario with these variables for its `__ENV`. Resolves k6's exit code: 0, or 99 when a threshold failed.
 * Progress goes to stdout.
 */
export async function runK6(
  k6: string,
  script: string,
  variables: Readonly<Record<string, string>>,
  {
    settings = {},
    wrap = (command) => [...command],
    quiet = false,
    complain = console.error,
  }: K6Options = {},
): Promise<number> {
  const given = Object.entries(variables).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
  // Without an address k6 opens no port of its own, so that several can run.
  const own = ['run', '--no-usage-report', '--address', '', ...(quiet ? ['--quiet'] : [])];
  const [command = k6, ...args] = wrap([k6, ...own, ...given, script]);
  const child = spawn(command, args, {
    stdio: ['ignore', quiet ? 'ignore' : 'inherit', 'pipe'],
    env: { ...process.env, ...settings },
  });
  const exited = new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
  // A terminal sends Ctrl-C to k6 too, which ends the run in order; then this process ends with it.
  const forward = (signal: NodeJS.Signals) => child.kill(signal);
  const ignore = () => {};
  process.on('SIGTERM', forward).on('SIGINT', ignore);
  try {
    for await (const line of createInterface(child.stderr))
      if (!line.includes('msg="Request Failed"')) complain(line);
    return await exited;
  } finally {
    process.off('SIGTERM', forward).off('SIGINT', ignore);
  }
}
