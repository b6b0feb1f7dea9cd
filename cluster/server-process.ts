/** For tests: the server as its users run it, a process of its own. */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('main.ts', import.meta.url));

export interface End {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ServerProcess {
  readonly pid: number;
  readonly url: string;
  readonly adminUrl: string;
  readonly ended: Promise<End>;
  status(): Promise<Status>;
  kill(signal: NodeJS.Signals): void;
  /** Stops it the hard way, with its workers, if it still runs. */
  destroy(): Promise<void>;
}

export interface Status {
  readonly workers: readonly {
    readonly slot: number;
    readonly pid: number | null;
    readonly state: string;
    readonly restarts: number;
  }[];
  readonly settings: Readonly<Record<string, unknown>>;
}

type Environment = Readonly<Record<string, string>>;

export interface LaunchOptions {
  readonly args?: readonly string[];
  readonly execPath?: string;
  /** A descriptor; what the server writes to it is not among what it `ended` with. */
  readonly stdout?: number;
}

function launch(env: Environment, { args = [], execPath = process.execPath, stdout }: LaunchOptions) {
  const child = spawn(execPath, [main, ...args], {
    // No setting of whoever runs the tests, and quiet: what a test wants to read it asks for.
    env: {
      PATH: process.env.PATH,
      LOG_LEVEL: 'warn',
      PORT: '0',
      ADMIN_PORT: '0',
      WARMUP_PRODUCTS: '0',
      ...env,
    },
    stdio: ['ignore', stdout ?? 'pipe', 'pipe', 'ipc'],
  });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name]?.setEncoding('utf8').on('data', (text) => {
      output[name] += text;
    });
  const ended = new Promise<End>((resolve) =>
    child.once('close', (code, signal) => resolve({ code, signal, ...output })),
  );
  return { child, output, ended };
}

const longestRunMs = 20_000;

/** Resolves how a server ends that does not get as far as to serve; one that does is killed after 20 s. */
export function runServer(env: Environment, options: LaunchOptions = {}): Promise<End> {
  const { child, ended } = launch(env, options);
  const late = setTimeout(() => child.kill('SIGKILL'), longestRunMs);
  return ended.finally(() => clearTimeout(late));
}

/** Resolves when all workers are ready. Rejects with what the server said when it ends before. */
export async function startServer(env: Environment, options: LaunchOptions = {}): Promise<ServerProcess> {
  const { child, ended } = launch(env, options);
  const ready = new Promise<{ url: string; adminUrl: string }>((resolve) =>
    child.on('message', (message) => {
      if (isReady(message)) resolve(message);
    }),
  );
  const early = ended.then(({ code, stderr, stdout }) => {
    throw new Error(`The server ended with ${code} before it was ready: ${stderr}${stdout}`);
  });
  const { url, adminUrl } = await Promise.race([ready, early]);
  early.catch(() => {});
  const pid = child.pid ?? 0;
  const headers: Record<string, string> = env.ADMIN_TOKEN
    ? { authorization: `Bearer ${env.ADMIN_TOKEN}` }
    : {};
  return {
    pid,
    url,
    adminUrl,
    ended,
    async status() {
      const status: unknown = await (await fetch(`${adminUrl}/status`, { headers })).json();
      if (!isStatus(status)) throw new Error(`That is no status: ${JSON.stringify(status)}`);
      return status;
    },
    kill: (signal) => void child.kill(signal),
    async destroy() {
      const workers = childrenOf(pid);
      child.kill('SIGKILL');
      // Before its end is waited for, which comes when nobody has its output open any more; a stopped one always will.
      for (const worker of workers)
        try {
          process.kill(worker, 'SIGKILL');
        } catch {
          // Gone already.
        }
      await ended;
    },
  };
}

/** The processes, zombies excepted, whose parent this is. Only on Linux. */
export function childrenOf(parent: number): number[] {
  return processes().flatMap(([pid, state, ppid]) => (ppid === parent && state !== 'Z' ? [pid] : []));
}

/** True while the process runs; a zombie does not. */
export const isAlive = (pid: number): boolean =>
  processes().some(([other, state]) => other === pid && state !== 'Z');

function processes(): [pid: number, state: string, parent: number][] {
  return readdirSync('/proc').flatMap((name): [number, string, number][] => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      const [state = '', parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return [[Number(name), state, Number(parent)]];
    } catch {
      return [];
    }
  });
}

function isReady(message: unknown): message is { type: 'ready'; url: string; adminUrl: string } {
  return typeof message === 'object' && message !== null && 'type' in message && message.type === 'ready';
}

function isStatus(value: unknown): value is Status {
  return typeof value === 'object' && value !== null && 'workers' in value && Array.isArray(value.workers);
}
