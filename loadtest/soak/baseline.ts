/** What the server holds of the machine when it has nothing to do. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { query } from '../../local/database.ts';
import type { Host } from '../provers/hosts.ts';
import type { Finding } from '../provers/promises.ts';

export interface Holdings {
  readonly descriptors: number;
  /** Of their own, when all garbage is collected: what is shared with other programs, as Node's code is, does not count. */
  readonly memoryBytes: number;
  readonly postgresConnections: number;
}

const samples = 5;
const betweenSamplesMs = 500;
const collections = 3;
const collectingMs = 1000;

/** Of the primary and its workers together; the median of some samples. */
export async function holdingsOf(host: Host, databaseUrl: string, role: string): Promise<Holdings> {
  const taken: Holdings[] = [];
  // What the first one frees is given back by the next.
  for (let i = 0; i < collections; i++) {
    for (const pid of processesOf(host)) process.kill(pid, 'SIGUSR2');
    await delay(collectingMs);
  }
  for (let i = 0; i < samples; i++) {
    const pids = processesOf(host);
    const postgresConnections = await query(databaseUrl, async (client) => {
      const sql = 'SELECT count(*)::int AS count FROM pg_stat_activity WHERE usename = $1';
      return (await client.query<{ count: number }>(sql, [role])).rows[0]?.count ?? 0;
    });
    taken.push({
      descriptors: pids.reduce((sum, pid) => sum + descriptorsOf(pid), 0),
      memoryBytes: pids.reduce((sum, pid) => sum + memoryBytesOf(pid), 0),
      postgresConnections,
    });
    await delay(betweenSamplesMs);
  }
  const median = (name: keyof Holdings) =>
    taken.map((holdings) => holdings[name]).sort((a, b) => a - b)[samples >> 1] ?? 0;
  return {
    descriptors: median('descriptors'),
    memoryBytes: median('memoryBytes'),
    postgresConnections: median('postgresConnections'),
  };
}

export const processesOf = ({ primary, workers }: Host): number[] =>
  [primary, ...workers].flatMap((process) => process?.pid ?? []);

/** 0 when it has ended. */
function descriptorsOf(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return 0;
  }
}

/** Anonymous memory, resident; 0 when it has ended. */
export function memoryBytesOf(pid: number): number {
  try {
    return (
      Number(/^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024
    );
  } catch {
    return 0;
  }
}

const mostAbove = 0.05;

/** Less than before is no fault: a worker that was replaced is younger than one that was not. */
export function compareHoldings(before: Holdings, after: Holdings): Finding[] {
  const finding = (promise: string, was: number, is: number, unit: string): Finding => ({
    promise: `${promise} within ${mostAbove * 100} % of before`,
    found: `${was.toFixed(unit ? 1 : 0)}${unit} before, ${is.toFixed(unit ? 1 : 0)}${unit} after (${(100 * (is / was - 1)).toFixed(1)} %)`,
    isKept: is <= was * (1 + mostAbove),
  });
  const mebibyte = 2 ** 20;
  return [
    finding('descriptors', before.descriptors, after.descriptors, ''),
    finding('resident memory', before.memoryBytes / mebibyte, after.memoryBytes / mebibyte, ' MiB'),
    finding('connections to Postgres', before.postgresConnections, after.postgresConnections, ''),
  ];
}
