/** Hosts: the server as its users run it, on ports that stay, started again at once when it ends. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, createWriteStream, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { killGroup } from '../../local/children.ts';
import { projectFolder } from '../../local/folder.ts';
import { Obstacle } from '../../local/obstacle.js';
import { end, identify, isRunning, type ProcessIdentity } from '../../local/processes.js';

export interface Host {
  readonly name: string;
  readonly port: number;
  readonly primary: ProcessIdentity | undefined;
  /** Those that are ready, as the primary said last. */
  readonly workers: readonly ProcessIdentity[];
  /** How often it ended, its primary having been killed or not. */
  readonly ends: number;
  /** How often it was ready, all of its workers included. */
  readonly starts: number;
  /** The last lines that it wrote to stderr. */
  readonly complaint: string;
  /** As it is at this moment; undefined when it does not answer. */
  status(): Promise<Status | undefined>;
  /** Kills it at once. */
  stop(): Promise<void>;
  /** Ends it by SIGTERM, and for good. Resolves when its primary is gone, killed if need be. */
  terminate(): Promise<void>;
}

export interface HostOptions {
  readonly name: string;
  readonly port: number;
  readonly adminPort: number;
  readonly env: Readonly<Record<string, string>>;
  /** Where its log goes; undefined: nowhere; `full disk`: to a device that is full. */
  readonly logFolder: string | 'full disk' | undefined;
  /** 2 s unless given. */
  readonly shutdownDeadlineMs?: number;
  /** Hears of each primary, whose workers are in its process group. */
  readonly onSpawn: (process: ProcessIdentity) => void;
}

/** A worker without its primary ends by SHUTDOWN_DEADLINE_MS, and within this of it. */
const orphansAreLateByMs = 4000;
const defaultShutdownDeadlineMs = 2000;
const lookEveryMs = 500;

/** What a server tells of itself, as far as it is of use here. */
export interface Status {
  readonly primary: { readonly pid: number };
  readonly workers: readonly { readonly pid: number | null; readonly state: string }[];
  readonly settings: Readonly<Record<string, unknown>>;
}

/** Resolves when all workers are ready. Rejects with Obstacle when it ends before that for the first time. */
export async function startHost(options: HostOptions): Promise<Host> {
  const { name, port, adminPort, logFolder, onSpawn } = options;
  const isLogged = logFolder !== undefined;
  if (isLogged && logFolder !== 'full disk') mkdirSync(logFolder, { recursive: true });
  const log =
    isLogged && logFolder !== 'full disk'
      ? createWriteStream(join(logFolder, `${name.replace(' ', '-')}.log`))
      : undefined;
  const fullDisk = logFolder === 'full disk' ? openSync('/dev/full', 'w') : undefined;
  const shutdownDeadlineMs = options.shutdownDeadlineMs ?? defaultShutdownDeadlineMs;
  let child: ChildProcess | undefined;
  let primary: ProcessIdentity | undefined;
  let workers: ProcessIdentity[] = [];
  let complaint = '';
  let ends = 0;
  let starts = 0;
  let isStopping = false;
  let isClosed = false;
  /** Of primaries, those included that are gone and whose workers may not be. */
  const groups = new Set<number>();

  function launch(): ChildProcess {
    const launched = spawn(process.execPath, [join(projectFolder, 'cluster/main.ts')], {
      // No setting of whoever runs the prober.
      env: {
        PATH: process.env.PATH,
        PORT: String(port),
        ADMIN_PORT: String(adminPort),
        SHUTDOWN_DEADLINE_MS: String(shutdownDeadlineMs),
        LOG_LEVEL: isLogged ? 'info' : 'error',
        ...options.env,
      },
      // Its own process group, for its workers to be found in when it is gone.
      detached: true,
      stdio: ['ignore', log ? 'pipe' : (fullDisk ?? 'ignore'), 'pipe', 'ipc'],
    });
    if (log) launched.stdout?.pipe(log, { end: false });
    launched.stderr?.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(-2000);
    });
    primary = identify(launched.pid);
    if (primary) {
      onSpawn(primary);
      groups.add(primary.pid);
    }
    return launched;
  }

  function endGroup(pid: number): void {
    if (groups.delete(pid)) killGroup(pid);
  }

  async function keepRunning(ready: () => void): Promise<void> {
    while (!isStopping) {
      child = launch();
      const { pid } = child;
      child.once('message', () => {
        starts++;
        ready();
      });
      await once(child, 'exit');
      ends++;
      if (pid !== undefined) setTimeout(endGroup, shutdownDeadlineMs + orphansAreLateByMs, pid).unref();
      // One that cannot start, as while there is no database, is not to be started a thousand times.
      if (!isStopping) await delay(50);
    }
  }

  async function readStatus(): Promise<Status | undefined> {
    try {
      const response = await fetch(`http://127.0.0.1:${adminPort}/status`, {
        signal: AbortSignal.timeout(lookEveryMs),
      });
      return JSON.parse(await response.text());
    } catch {
      return undefined;
    }
  }

  async function look(): Promise<void> {
    while (!isStopping) {
      const status = await readStatus();
      // Of one that is stopped or gone, what it said last is the best there is.
      if (status) {
        const pids = readyWorkers(status);
        workers = pids.flatMap((pid) => workers.find((known) => known.pid === pid) ?? identify(pid) ?? []);
      }
      await delay(lookEveryMs);
    }
  }

  async function stop(): Promise<void> {
    isStopping = true;
    for (const pid of groups) endGroup(pid);
    await running;
    log?.end();
    if (fullDisk !== undefined && !isClosed) closeSync(fullDisk);
    isClosed = true;
  }

  const ready = Promise.withResolvers<'ready'>();
  const running = keepRunning(() => ready.resolve('ready'));
  const first = child;
  const outcome = await Promise.race([ready.promise, first ? once(first, 'exit') : 'ended']);
  const host: Host = {
    name,
    port,
    get primary() {
      return primary;
    },
    get workers() {
      return workers.filter(isRunning);
    },
    get ends() {
      return ends;
    },
    get complaint() {
      return complaint;
    },
    get starts() {
      return starts;
    },
    status: readStatus,
    stop,
    async terminate() {
      isStopping = true;
      if (primary)
        await end(primary, [{ signal: 'SIGTERM', waitMs: shutdownDeadlineMs + orphansAreLateByMs }]);
      await stop();
    },
  };
  if (outcome === 'ready') {
    void look();
    return host;
  }
  await host.stop();
  throw new Obstacle(`${name} ended before it was ready: ${complaint.trim() || 'it said nothing'}`);
}

/** The workers that may be counted on, by their ids. */
export const readyWorkers = ({ workers }: Status): number[] =>
  workers.flatMap(({ pid, state }) => (state === 'ready' && pid !== null ? [pid] : []));
