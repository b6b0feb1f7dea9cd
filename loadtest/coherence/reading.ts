/** One request and the judgement of its answer, with a count of what came of all of them. */
import type { Connection } from './connection.ts';
import { NotConnected } from './connection.ts';
import type { Ledger, Lie, Shown } from './ledger.ts';
import { createPageReader, shownByAbsence } from './page.ts';

/** An answer that breaks a promise, and what there is to know of it. */
export interface Violation extends Omit<Lie, 'kind'> {
  readonly kind: Lie['kind'] | 'wrong answer';
  readonly host: string;
  readonly workerPid: number | undefined;
  readonly slug: string;
  readonly status: number;
  readonly cacheStatus: string;
  readonly beganAtMs: number;
  readonly endedAtMs: number;
  /** Faults under way, or over since less than a second. */
  readonly faults: readonly string[];
}

export interface Counts {
  judged: number;
  /** By status, `stale` beside it where the answer says so. */
  readonly answers: Map<string, number>;
  /** Requests whose connection ended, or that nobody answered in time. */
  readonly failed: Map<string, number>;
  /** Attempts to connect where nobody listened. */
  refusedConnections: number;
  /** The first hundred. An answer may have several: one for each cell. */
  readonly violations: Violation[];
  lyingAnswers: number;
  /** Judged answers by the process that gave them. */
  readonly byWorker: Map<number, number>;
  /** What a page that is in memory takes, by phase: what the machine makes of the least that an answer needs. */
  readonly hitsMs: Map<string, number[]>;
}

export interface Reader {
  readonly counts: Counts;
  /** Asks for a product and judges the answer. Resolves what it shows; undefined when there was no answer that counts. */
  read(target: Target, slug: string): Promise<{ shown: readonly Shown[]; endedAtMs: number } | undefined>;
}

export interface Target {
  readonly host: string;
  readonly connection: Connection;
  /** Who answers on the connection, as far as it is known. */
  workerPid: number | undefined;
}

export interface ReaderOptions {
  readonly ledger: Ledger;
  readonly boundMs: number;
  readonly faultsUnderWay: () => readonly string[];
  readonly phase: () => string;
}

/** A server that lies always would fill the report. */
const mostKept = 100;

const count = <Key>(counts: Map<Key, number>, key: Key) => counts.set(key, (counts.get(key) ?? 0) + 1);

/** Adds a value to those of its phase. */
export function add(valuesMs: Map<string, number[]>, phase: string, valueMs: number): void {
  const known = valuesMs.get(phase);
  if (known) known.push(valueMs);
  else valuesMs.set(phase, [valueMs]);
}

const memoryHit = 'frontshelf-memory; hit';

/** Cache-Status of an answer that may be older than promised. */
const isLabelledStale = (cacheStatus: string) => cacheStatus.includes('detail=stale');

export function createReader({ ledger, boundMs, faultsUnderWay, phase }: ReaderOptions): Reader {
  const counts: Counts = {
    judged: 0,
    answers: new Map(),
    failed: new Map(),
    refusedConnections: 0,
    violations: [],
    lyingAnswers: 0,
    byWorker: new Map(),
    hitsMs: new Map(),
  };

  const shownByPage = createPageReader();
  return {
    counts,
    async read(target, slug) {
      const { connection, host } = target;
      const answer = await connection.ask(`/v1/products/${slug}`).catch((error: unknown) => {
        if (error instanceof NotConnected) counts.refusedConnections++;
        else count(counts.failed, error instanceof Error ? error.message : String(error));
      });
      if (!answer) return undefined;
      const { status, cacheStatus, body, beganAtMs, endedAtMs } = answer;
      const isStale = isLabelledStale(cacheStatus);
      count(counts.answers, `${status}${isStale ? ' stale' : ''}`);
      const { workerPid } = target;
      const report = (lie: Pick<Violation, 'kind' | 'cell' | 'shown'>) => {
        if (counts.violations.length < mostKept)
          counts.violations.push({
            ...lie,
            ...{ host, workerPid, slug, status, cacheStatus, beganAtMs, endedAtMs },
            faults: faultsUnderWay(),
          });
      };
      // The catalogue could not be read, and there was nothing to answer with instead: no lie.
      if (status === 503) return undefined;
      let shown: readonly Shown[] = [];
      try {
        if (status === 200) shown = shownByPage(slug, body);
        else if (status === 404) shown = shownByAbsence(slug);
        else throw new Error(`The status is ${status}.`);
      } catch (error) {
        counts.lyingAnswers++;
        report({ kind: 'wrong answer', cell: 'the answer', shown: String(error) });
        return undefined;
      }
      counts.judged++;
      if (cacheStatus === memoryHit) add(counts.hitsMs, phase(), endedAtMs - beganAtMs);
      if (workerPid !== undefined) count(counts.byWorker, workerPid);
      const reading = { shown, beganAtMs, endedAtMs, isLabelledStale: isStale };
      const lies = ledger.judge(reading, boundMs);
      if (lies.length > 0) counts.lyingAnswers++;
      for (const lie of lies) report(lie);
      return isStale ? undefined : { shown, endedAtMs };
    },
  };
}
