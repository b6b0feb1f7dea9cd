/**
 * Locks between processes that nobody has to clean up: a lock ends when its holder does, however that comes
 * about. A lock is a symbolic link that points at nothing; its text is the holder's identity, so it is made with
 * its content in one step. Links are numbered and the highest counts. A link is never taken over, only outnumbered,
 * and only the one who outnumbers removes the lower ones; so of two who find the same dead holder, one wins.
 *
 * JavaScript, because local/install.js runs on Nodes that cannot read TypeScript.
 */
import { existsSync, mkdirSync, readdirSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { identify, isRunning } from './processes.js';

/** @typedef {import('./processes.js').ProcessIdentity} ProcessIdentity */

/**
 * Takes the lock for the rest of this process' life, and returns undefined. Where another process has it,
 * returns who.
 *
 * @param {string} path
 * @returns {ProcessIdentity | undefined}
 */
export function takeLock(path) {
  const me = identify(process.pid);
  if (me === undefined) throw new Error(`Process ${process.pid} cannot tell when it began.`);
  mkdirSync(dirname(path), { recursive: true });
  for (;;) {
    // The number that was looked at, and no later one: its successor can be made by one process only.
    const { number, holder } = highest(path);
    if (holder !== undefined) return holder;
    const mine = number + 1;
    try {
      symlinkSync(`${me.pid}@${me.began}`, `${path}.${mine}`);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'EEXIST') continue;
      throw error;
    }
    const others = numbers(path).filter((other) => other !== mine);
    if (others.every((other) => other < mine)) {
      for (const other of others) rmSync(`${path}.${other}`, { force: true });
      return undefined;
    }
    rmSync(`${path}.${mine}`, { force: true });
  }
}

/**
 * @param {string} path
 * @returns {ProcessIdentity | undefined}
 */
export const lockHolder = (path) => highest(path).holder;

/**
 * The highest number, 0 if there is none, and its holder, if that still runs.
 *
 * @param {string} path
 * @returns {{ number: number, holder: ProcessIdentity | undefined }}
 */
function highest(path) {
  const number = numbers(path).at(-1);
  if (number === undefined) return { number: 0, holder: undefined };
  try {
    const [pid, began = ''] = readlinkSync(`${path}.${number}`).split('@');
    const holder = { pid: Number(pid), began };
    return { number, holder: isRunning(holder) ? holder : undefined };
  } catch {
    // Outnumbered and removed since.
    return highest(path);
  }
}

/**
 * The numbers in use, ascending.
 *
 * @param {string} path
 */
function numbers(path) {
  const prefix = `${basename(path)}.`;
  if (!existsSync(dirname(path))) return [];
  return readdirSync(dirname(path))
    .filter((name) => name.startsWith(prefix))
    .map((name) => Number(name.slice(prefix.length)))
    .filter(Number.isInteger)
    .sort((a, b) => a - b);
}
