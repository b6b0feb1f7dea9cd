/** Which process answers on a connection of ours: Linux tells by /proc what no header does. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** The process, of those given, that holds the other end of a connection of 127.0.0.1, by the connection's port here. */
export function processesByPort(pids: readonly number[]): Map<number, number> {
  const pidOfInode = new Map<string, number>();
  for (const pid of pids) for (const inode of socketsOf(pid)) pidOfInode.set(inode, pid);
  const byPort = new Map<number, number>();
  for (const line of readFileSync('/proc/net/tcp', 'latin1').split('\n').slice(1)) {
    // sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode
    const [, , remote, , , , , , , inode] = line.trim().split(/\s+/);
    const pid = inode === undefined ? undefined : pidOfInode.get(inode);
    if (pid !== undefined && remote !== undefined)
      byPort.set(Number.parseInt(remote.slice(remote.indexOf(':') + 1), 16), pid);
  }
  return byPort;
}

function socketsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${fd}`).match(/^socket:\[(\d+)\]$/)?.[1] ?? [];
      } catch {
        // Closed meanwhile.
        return [];
      }
    });
  } catch {
    // The process has ended.
    return [];
  }
}
