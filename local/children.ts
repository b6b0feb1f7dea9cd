import { end, isRunning, type ProcessIdentity } from './processes.js';

/** In the order of ending: those who use come before what they use. */
const names = ['server', 'program', 'redis', 'postgres'] as const;
export type ChildName = (typeof names)[number];

/** A process of ours that must not outlive the run that started it. */
export interface Child extends ProcessIdentity {
  readonly name: ChildName;
}

/** Time the server has to finish its requests, unless SHUTDOWN_DEADLINE_MS says otherwise. */
export const localShutdownDeadlineMs = 1500;

/** Resolves when all are gone, within 5 s for the deadline above. */
export async function endChildren(children: readonly Child[], shutdownDeadlineMs: number): Promise<void> {
  const steps = {
    // A worker that finishes its requests is killed by the server itself a second after the deadline.
    server: [{ signal: 'SIGTERM', waitMs: shutdownDeadlineMs + 1250 }],
    program: [{ signal: 'SIGTERM', waitMs: 1000 }],
    redis: [{ signal: 'SIGTERM', waitMs: 250 }],
    // The fast shutdown writes a checkpoint; the immediate one leaves it to the next start to recover.
    postgres: [
      { signal: 'SIGINT', waitMs: 1000 },
      { signal: 'SIGQUIT', waitMs: 250 },
    ],
  } as const;
  for (const name of names)
    for (const child of children.filter((candidate) => candidate.name === name && isRunning(candidate))) {
      await end(child, [...steps[name], { signal: 'SIGKILL', waitMs: 250 }]);
      if (name === 'server') killGroup(child.pid);
    }
}

/** Kills the workers that outlived their primary, in whose process group they are. */
export function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // None did.
  }
}
