/**
 * The run of `npm start` or `npm run seed` that this process is: the only one on the data folder, with a record
 * of what it has started, so that the next run can clean up after one that was killed.
 */
import { type Child, type ChildName, endChildren } from './children.ts';
import { dataFolder, lockPath } from './folder.ts';
import { takeLock } from './lock.js';
import { Obstacle } from './obstacle.js';
import { isRunning, type ProcessIdentity } from './processes.js';
import type { Service } from './service.ts';
import { type Run, readState, type State, writeState } from './state.ts';

export interface ThisRun {
  readonly passwords: State['passwords'];
  readonly ports: State['ports'];
  /** Aborted when the end begins: what ends from then on was meant to. */
  readonly ending: AbortSignal;
  /** Those whose last lines may tell why the run failed. */
  readonly services: Service[];
  /** Returns a function to be called with the child as soon as it exists. */
  started(name: ChildName): (process: ProcessIdentity) => void;
  rememberPort(name: keyof State['ports'], port: number): void;
  publish(addresses: Pick<Run, 'url' | 'ownerUrl'>): void;
  /** Ends all children, and with them the record of this run. May be called at any time. */
  end(): Promise<void>;
}

/**
 * Rejects with Obstacle when another run has the data folder. `say` hears of a killed run before this one, whose
 * processes are ended first.
 */
export async function beginRun(
  command: Run['command'],
  shutdownDeadlineMs: number,
  say: (sentence: string) => void,
): Promise<ThisRun> {
  const holder = takeLock(lockPath);
  if (holder !== undefined) throw new Obstacle(alreadyRunning(holder, readState().run));
  let state = readState();
  const update = (change: Partial<State>) => {
    state = { ...state, ...change };
    writeState(state);
  };
  if (state.run) await cleanUpAfter(state.run, shutdownDeadlineMs, say);
  let run: Run = { command, pid: process.pid, children: [] };
  let ended = false;
  const ending = new AbortController();
  const updateRun = (change: Partial<Run>) => {
    run = { ...run, ...change };
    update({ run });
  };
  updateRun({});
  return {
    passwords: state.passwords,
    ports: state.ports,
    ending: ending.signal,
    services: [],
    started: (name) => (identity) => {
      if (ended) process.kill(identity.pid, 'SIGKILL');
      else updateRun({ children: [...run.children, { ...identity, name }] });
    },
    rememberPort: (name, port) => update({ ports: { ...state.ports, [name]: port } }),
    publish: updateRun,
    async end() {
      ending.abort();
      // More may be started while the first are ended.
      while (run.children.some(isRunning)) await endChildren(run.children, shutdownDeadlineMs);
      ended = true;
      const { passwords, ports } = state;
      writeState({ passwords, ports });
    },
  };
}

async function cleanUpAfter(
  { command, children }: Run,
  shutdownDeadlineMs: number,
  say: (sentence: string) => void,
): Promise<void> {
  const left = children.filter(isRunning);
  const names = left.map(({ name, pid }) => `${name} ${pid}`).join(', ');
  say(
    left.length === 0
      ? `The last \`${command}\` was killed; nothing of it is left running.`
      : `The last \`${command}\` was killed; stopping what it left running: ${names}.`,
  );
  await endChildren(left, shutdownDeadlineMs);
  const stuck: Child | undefined = left.find(isRunning);
  if (stuck)
    throw new Obstacle(`Process ${stuck.pid} (${stuck.name}) of that run does not end; end it yourself.`);
}

function alreadyRunning({ pid }: ProcessIdentity, run: Run | undefined): string {
  const { command, url } = run?.pid === pid ? run : { command: 'npm start', url: undefined };
  const where = url === undefined ? '' : ` at ${url}`;
  return `\`${command}\` already runs${where} on the data in ${dataFolder}: stop it first, with Ctrl-C in its terminal or \`kill ${pid}\`.`;
}
