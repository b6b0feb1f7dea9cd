import { readdirSync, readFileSync } from 'node:fs';

/**
 * CPU time that all threads of these processes have used so far, in nanoseconds.
 *
 * Read from the scheduler's own account, `/proc/PID/task/TID/schedstat`: utime and stime of `/proc/PID/stat`
 * come in ticks of 10 ms, which is hundreds of requests. A thread that ended takes its time with it, which is
 * no matter here: Node keeps its threads. Throws where there is no /proc, and for a process that is gone.
 */
export function cpuTimeNs(pids: readonly number[]): number {
  let totalNs = 0;
  for (const pid of pids) {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      // "RUN_NS WAIT_NS SLICES"
      totalNs += Number.parseInt(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1'), 10);
    }
  }
  return totalNs;
}
