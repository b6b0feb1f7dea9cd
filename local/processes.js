/**
 * Who a process is. A process id alone is not an identity: it is used again after a reboot, and sooner in a
 * container. An id together with the moment its process began is one.
 *
 * JavaScript, because local/install.js runs on Nodes that cannot read TypeScript.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** @typedef {{ readonly pid: number, readonly began: string }} ProcessIdentity */

const linux = existsSync('/proc/self/stat');

/**
 * A text that is the same for as long as this process lives; undefined when there is none, or only its zombie.
 *
 * @param {number} pid
 * @returns {string | undefined}
 */
function began(pid) {
  try {
    if (!linux)
      return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }).trim();
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name, in parentheses, may itself hold spaces and parentheses: proc_pid_stat(5).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}/${fields[19]}`;
  } catch {
    return undefined;
  }
}

/**
 * Undefined when no such process runs, or there is no id since it could not be started.
 *
 * @param {number | undefined} pid
 * @returns {ProcessIdentity | undefined}
 */
export function identify(pid) {
  const moment = pid === undefined ? undefined : began(pid);
  return pid === undefined || moment === undefined ? undefined : { pid, began: moment };
}

/** @param {ProcessIdentity} identity */
export const isRunning = (identity) => began(identity.pid) === identity.began;

/**
 * Sends each signal in turn until the process is gone, waiting after each for so long. Resolves true when it
 * is gone. Another process that has got its id meanwhile is left alone.
 *
 * @param {ProcessIdentity} identity
 * @param {readonly { signal: NodeJS.Signals, waitMs: number }[]} steps
 */
export async function end(identity, steps) {
  for (const { signal, waitMs } of steps) {
    const deadline = performance.now() + waitMs;
    try {
      if (isRunning(identity)) process.kill(identity.pid, signal);
    } catch {
      // It ended between the two calls, or belongs to someone else; the loop tells which.
    }
    while (isRunning(identity) && performance.now() < deadline) await sleep(20);
  }
  return !isRunning(identity);
}
