/** What processes use of the machine, read from Linux' /proc (proc(5)). */
import { readdirSync, readFileSync } from 'node:fs';

/** Of USER_HZ, in which /proc/PID/stat counts: 100 on every Linux that Node runs on. */
const secondsPerTick = 0.01;

interface Stat {
  readonly pid: number;
  readonly parent: number;
  readonly ownSeconds: number;
  /** Of its children that have ended. */
  readonly reapedSeconds: number;
}

function readStat(pid: number | 'self'): Stat | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [, parent, ...fields] = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    // From the fourth field, `ppid`, on: utime is the 14th, then stime, cutime and cstime.
    const ticks = (index: number) => (fields[index] ?? 0) * secondsPerTick;
    return {
      pid: Number.parseInt(stat, 10),
      parent: parent ?? 0,
      ownSeconds: ticks(9) + ticks(10),
      reapedSeconds: ticks(11) + ticks(12),
    };
  } catch {
    // It has just ended.
    return undefined;
  }
}

/** The processes and all that they have started, as they are now. */
function family(pids: readonly number[]): Stat[] {
  const all = readdirSync('/proc').flatMap((name) =>
    /^\d+$/.test(name) ? (readStat(Number(name)) ?? []) : [],
  );
  const found = new Set(pids);
  // A child may have a lower id than its parent, so once through the list is not enough.
  for (let before = 0; before !== found.size; ) {
    before = found.size;
    for (const { pid, parent } of all) if (found.has(parent)) found.add(pid);
  }
  return all.filter(({ pid }) => found.has(pid));
}

/** CPU seconds of the processes and all that they have started, those included that have ended. */
export const cpuSecondsOf = (pids: readonly number[]): number =>
  family(pids).reduce((sum, { ownSeconds, reapedSeconds }) => sum + ownSeconds + reapedSeconds, 0);

/** CPU seconds of all that this process has started and that has ended. */
export const cpuSecondsOfEnded = (): number => readStat('self')?.reapedSeconds ?? 0;

/**
 * Memory of the processes and all that they have started, in bytes: what they share, such as Node's own code,
 * counted once (`Pss`), or where that may not be read, once for each (`VmRSS`).
 */
export const memoryBytesOf = (pids: readonly number[]): number =>
  family(pids).reduce((sum, { pid }) => sum + memoryBytes(pid), 0);

function memoryBytes(pid: number): number {
  for (const [file, pattern] of [
    ['smaps_rollup', /^Pss:\s+(\d+) kB$/m],
    ['status', /^VmRSS:\s+(\d+) kB$/m],
  ] as const)
    try {
      const kibibytes = pattern.exec(readFileSync(`/proc/${pid}/${file}`, 'utf8'))?.[1];
      if (kibibytes !== undefined) return Number(kibibytes) * 1024;
    } catch {
      // It has ended, or is another user's.
    }
  return 0;
}
