/** How long a commit takes to show: of some, a connection to each worker asks for the page until it does. */
import { setTimeout as delay } from 'node:timers/promises';
import { openConnection } from './connection.ts';
import type { Ledger } from './ledger.ts';
import { add, type Reader, type Target } from './reading.ts';
import type { Committed, WriteKind } from './writes.ts';

const connectionsPerHost = 4;
const pauseMs = 150;
/** Asked without a pause, by one connection to each worker, a small machine would have no core left to answer with. */
const askAgainMs = 2;
const longestChaseMs = 10_000;

export interface Chasers {
  readonly targets: readonly Target[];
  /** From COMMIT's return to the arrival of the first answer that shows it, by what `phase` said at the commit. */
  readonly lagsMs: ReadonlyMap<string, number[]>;
  /** Given up, since the connection broke or the commit did not show within 10 s. */
  readonly broken: number;
  /** Follows this commit, unless another is being followed. */
  chase(committed: Committed, kind: WriteKind): void;
  /** Sees to it that each of these workers is followed: closes connections that only repeat another. */
  reach(workers: readonly number[]): void;
  stop(): Promise<void>;
}

export interface ChasersOptions {
  readonly hosts: readonly { readonly name: string; readonly port: number }[];
  readonly ledger: Ledger;
  readonly reader: Reader;
  readonly phase: (kind: WriteKind) => string;
}

export function startChasers({ hosts, ledger, reader, phase }: ChasersOptions): Chasers {
  const targets: Target[] = hosts.flatMap(({ name, port }) =>
    Array.from({ length: connectionsPerHost }, () => ({
      host: name,
      connection: openConnection(port),
      workerPid: undefined,
    })),
  );
  const lagsMs = new Map<string, number[]>();
  let begin: ((followed: { committed: Committed; kind: WriteKind } | undefined) => void) | undefined;
  let broken = 0;
  let isOver = false;

  async function follow(target: Target, { slug, cell, value, returnedAtMs }: Committed, during: string) {
    while (target.connection.localPort !== undefined && performance.now() - returnedAtMs < longestChaseMs) {
      const found = await reader.read(target, slug);
      if (!found?.shown.some(([name, shown]) => name === cell && ledger.isAsNew(name, shown, value))) {
        await delay(askAgainMs);
        continue;
      }
      return add(lagsMs, during, found.endedAtMs - returnedAtMs);
    }
    if (!isOver) broken++;
  }

  /** One open connection to each worker that is known. */
  function chosen(): Target[] {
    const open = targets.filter(({ connection }) => connection.localPort !== undefined);
    const byWorker = new Map(open.map((target) => [target.workerPid, target]));
    byWorker.delete(undefined);
    return [...byWorker.values()];
  }

  async function open({ connection }: Target): Promise<void> {
    if (connection.localPort === undefined) await connection.ask('/livez').catch(() => {});
  }

  async function run(): Promise<void> {
    while (!isOver) {
      const { promise, resolve } = Promise.withResolvers<
        { committed: Committed; kind: WriteKind } | undefined
      >();
      begin = resolve;
      const followed = await promise;
      if (followed) {
        const during = phase(followed.kind);
        await Promise.all(chosen().map((target) => follow(target, followed.committed, during)));
      }
      await Promise.all(targets.map(open));
      await delay(pauseMs);
    }
  }

  const running = run();
  return {
    targets,
    lagsMs,
    get broken() {
      return broken;
    },
    chase(committed, kind) {
      begin?.({ committed, kind });
      begin = undefined;
    },
    reach(workers) {
      const reached = new Set(targets.map(({ workerPid }) => workerPid));
      if (begin === undefined || workers.every((pid) => reached.has(pid))) return;
      const seen = new Set<number>();
      for (const { connection, workerPid } of targets) {
        if (workerPid !== undefined && seen.has(workerPid)) connection.close();
        if (workerPid !== undefined) seen.add(workerPid);
      }
      begin(undefined);
      begin = undefined;
    },
    async stop() {
      isOver = true;
      begin?.(undefined);
      for (const { connection } of targets) connection.close();
      await running;
      for (const { connection } of targets) connection.close();
    },
  };
}
