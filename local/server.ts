import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { killGroup } from './children.ts';
import { projectFolder } from './folder.ts';
import { Obstacle } from './obstacle.js';
import { identify, type ProcessIdentity } from './processes.js';

export interface Server {
  readonly url: string;
  readonly adminUrl: string;
  /** Resolves with the exit code, or the signal's name, when the server ends. */
  readonly exited: Promise<number | string>;
}

interface ReadyMessage {
  readonly type: 'ready';
  readonly url: string;
  readonly adminUrl: string;
}

const isReadyMessage = (message: unknown): message is ReadyMessage =>
  typeof message === 'object' && message !== null && 'type' in message && message.type === 'ready';

/** Resolves when all workers are ready. Rejects with Obstacle if it ends before. */
export async function startServer(
  env: Readonly<Record<string, string>>,
  onSpawn: (process: ProcessIdentity) => void,
): Promise<Server> {
  const child = spawn(process.execPath, [join(projectFolder, 'cluster/main.ts')], {
    env: { ...process.env, ...env },
    // Its own process group, so that a Ctrl-C on the terminal does not reach the workers, which are to finish.
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const exited = once(child, 'exit').then(([code, signal]): number | string => code ?? signal);
  const identity = identify(child.pid);
  if (identity) {
    onSpawn(identity);
    void exited.then(() => killGroup(identity.pid));
  }
  const ready = await Promise.race([readyMessage(child), exited]);
  if (typeof ready !== 'object') throw new Obstacle(`The server ended before it was ready (${ready}).`);
  return { url: ready.url, adminUrl: ready.adminUrl, exited };
}

function readyMessage(child: ChildProcess): Promise<ReadyMessage> {
  return new Promise((resolve) => {
    child.on('message', (message) => {
      if (isReadyMessage(message)) resolve(message);
    });
  });
}
