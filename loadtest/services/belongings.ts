/** What a run of the lab or of the prover has started and made, so that it can be ended and removed at any time. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isRunning, type ProcessIdentity } from '../../local/processes.js';

export interface Belongings {
  readonly folder: string;
  readonly onSpawn: (process: ProcessIdentity) => void;
  /** Those whose process group is to end with them. */
  readonly onSpawnGroup: (process: ProcessIdentity) => void;
  /** Ends and removes all of it, at once and without a pause for others. */
  destroy(): void;
}

export function gatherBelongings(name: string): Belongings {
  const folder = mkdtempSync(join(tmpdir(), `frontshelf-${name}-`));
  // For the user that services run as when this is root's.
  chmodSync(folder, 0o755);
  const started: ProcessIdentity[] = [];
  const groups: ProcessIdentity[] = [];
  const signal = (pid: number, name: NodeJS.Signals) => {
    try {
      process.kill(pid, name);
    } catch {
      // It has just ended.
    }
  };
  return {
    folder,
    onSpawn: (identity) => started.push(identity),
    onSpawnGroup: (identity) => groups.push(identity),
    destroy() {
      for (const identity of groups) if (isRunning(identity)) signal(-identity.pid, 'SIGKILL');
      const running = started.filter(isRunning);
      for (const { pid } of running) {
        signal(pid, 'SIGCONT');
        // Postgres takes its shared memory with it, Redis has nothing to keep.
        signal(pid, 'SIGQUIT');
      }
      const pause = new Int32Array(new SharedArrayBuffer(4));
      for (let waits = 0; running.some(isRunning) && waits < 100; waits++) Atomics.wait(pause, 0, 0, 20);
      for (const identity of running) if (isRunning(identity)) signal(identity.pid, 'SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
