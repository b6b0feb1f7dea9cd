/**
 * The judge: what an answer may be, whose fault it is that there is none, and how long the server takes after a
 * fault until all is as before. It knows of the faults only when they were, and which connections they took.
 */
import { type FailedRequest, lossesOfPrimaries, lossesOfWorkers } from '../provers/losses.ts';
import { percentile } from '../provers/percentile.ts';

/** What was asked for: a page that is in memory, the same if it is another than the client has, one that is not in memory, or none. */
export type Asked = 'hot' | 'conditional' | 'cold' | 'unknown';

export type Verdict = 'good' | 'stale' | 'refused' | 'wrong' | 'no answer';

export interface Judged {
  readonly asked: Asked;
  readonly verdict: Verdict;
  /** The status, or the error where there was no answer; for a wrong answer, what is wrong. */
  readonly what: string;
  readonly sentAtMs: number;
  readonly endedAtMs: number;
  /** How long it should have been sent before: the generator's fault, or the machine's. */
  readonly lateMs: number;
  readonly localPort: number | undefined;
}

export interface Answer {
  readonly status: number;
  readonly cacheStatus: string;
  readonly etag: string | undefined;
  readonly body: string;
}

export interface Request {
  readonly asked: Asked;
  readonly slug: string;
  /** Of If-None-Match. */
  readonly etag: string | undefined;
}

export interface AnswerJudge {
  /** `what` is the status, or what is wrong. */
  judge(request: Request, answer: Answer): { readonly verdict: Verdict; readonly what: string };
}

/** `idOf` has the products there are by their slugs; the catalogue does not change meanwhile. */
export function createAnswerJudge(idOf: ReadonlyMap<string, string>): AnswerJudge {
  // A body that was right once is right again, and need not be parsed, which would take a core from the server.
  const rightBodies = new Map<string, string>();

  function isPageOf(slug: string, body: string): boolean {
    if (rightBodies.get(slug) === body) return true;
    try {
      const page: { slug?: unknown; id?: unknown } = JSON.parse(body);
      if (page.slug !== slug || String(page.id) !== idOf.get(slug)) return false;
    } catch {
      return false;
    }
    rightBodies.set(slug, body);
    return true;
  }

  function mistake({ slug, etag }: Request, answer: Answer): string | undefined {
    const isKnown = idOf.has(slug);
    switch (answer.status) {
      case 200:
        if (!isKnown) return 'a page of a product that does not exist';
        return isPageOf(slug, answer.body) ? undefined : 'not the page that was asked for';
      case 304:
        if (etag === undefined) return '304 without a condition';
        return answer.etag === etag ? undefined : '304 of another version';
      case 404:
        return isKnown ? '404 of a product that exists' : undefined;
      case 503:
        return undefined;
      default:
        return `status ${answer.status}`;
    }
  }

  return {
    judge(request, answer) {
      const what = mistake(request, answer);
      if (what !== undefined) return { verdict: 'wrong', what };
      const isStale = answer.cacheStatus.includes('detail=stale');
      const verdict = answer.status === 503 ? 'refused' : isStale ? 'stale' : 'good';
      return { verdict, what: `${answer.status}${isStale ? ' stale' : ''}` };
    },
  };
}

/** A fault that was made. */
export interface Made {
  readonly kind: string;
  readonly beganAtMs: number;
  readonly endedAtMs: number;
  /** It took this worker's connections with it, or held up what was on them, until it ended. */
  readonly workerPorts?: ReadonlySet<number>;
  /** It took the primary, whose workers had these connections. */
  readonly primaryPorts?: ReadonlySet<number>;
}

export interface Limits {
  /** By then every request is answered. */
  readonly deadlineMs: number;
  /** From the end of a fault until all is as before. */
  readonly recoveryMs: number;
  /** p99 of a second from which on it is not as before. */
  readonly slowMs: number;
}

const asFailed = ({ what, sentAtMs, endedAtMs, localPort }: Judged): FailedRequest => ({
  error: what,
  sentAtMs,
  endedAtMs,
  localPort,
});

export interface Sorted {
  /** Lost with a worker or a primary that was killed, or late with one that was stopped. */
  readonly excused: readonly Judged[];
  readonly wrong: readonly Judged[];
  readonly unanswered: readonly Judged[];
  readonly late: readonly Judged[];
  /** Pages in memory that were refused; in a process that has just taken the place of another they may not be there yet. */
  readonly refusedHits: readonly Judged[];
}

/** Sorts out what breaks a promise. */
export function sortOut(
  requests: readonly Judged[],
  faults: readonly Made[],
  { deadlineMs }: Limits,
): Sorted {
  const workers = faults.flatMap(({ beganAtMs, endedAtMs, workerPorts }) =>
    workerPorts ? [{ atMs: beganAtMs, goneAtMs: endedAtMs, ports: workerPorts }] : [],
  );
  const primaries = faults.flatMap(({ beganAtMs, endedAtMs, primaryPorts }) =>
    primaryPorts ? [{ atMs: beganAtMs, backAtMs: endedAtMs, ports: primaryPorts }] : [],
  );
  const isExcused = (request: Judged) =>
    lossesOfWorkers([asFailed(request)], workers).lost.length > 0 ||
    lossesOfPrimaries([asFailed(request)], primaries).others.length === 0;
  const suspects = requests.filter(
    ({ verdict, sentAtMs, endedAtMs }) => verdict === 'no answer' || endedAtMs - sentAtMs > deadlineMs,
  );
  const excused = suspects.filter(isExcused);
  const blamed = suspects.filter((request) => !excused.includes(request));
  return {
    excused,
    wrong: requests.filter(({ verdict }) => verdict === 'wrong'),
    unanswered: blamed.filter(({ verdict }) => verdict === 'no answer'),
    late: blamed.filter(({ verdict }) => verdict !== 'no answer'),
    refusedHits: requests.filter(
      (request) =>
        request.verdict === 'refused' && (request.asked === 'hot' || request.asked === 'conditional'),
    ),
  };
}

const windowMs = 1000;
/** Of fewer a p99 says nothing. */
const leastInWindow = 20;
/** Where the generator waited for a core for so long, so did the server. */
const heldUpMs = 100;

/**
 * From the end of a fault to the last request that shows it: one that was refused, stale, or not answered, the end of
 * the last second that was slow and in which the machine was not, and the first page that was not in memory. `requests` are those that were sent between
 * the fault's end and the next fault.
 */
export function recoveryMs(requests: readonly Judged[], endedAtMs: number, { slowMs }: Limits): number {
  const since = requests.map((request) => ({ ...request, afterMs: request.sentAtMs - endedAtMs }));
  const bad = since.filter(({ verdict }) => verdict !== 'good' && verdict !== 'wrong');
  const served = since.filter(({ asked, verdict }) => asked === 'cold' && verdict === 'good');
  const byWindow = Map.groupBy(since, ({ afterMs }) => Math.floor(afterMs / windowMs));
  const slowWindows = [...byWindow].flatMap(([window, inIt]) => {
    const latenciesMs = inIt.map((request) => request.endedAtMs - request.sentAtMs).sort((a, b) => a - b);
    const isHeldUp = inIt.some(({ lateMs }) => lateMs > heldUpMs);
    return latenciesMs.length >= leastInWindow && percentile(latenciesMs, 0.99) > slowMs && !isHeldUp
      ? [(window + 1) * windowMs]
      : [];
  });
  const firstServedMs = Math.min(...served.map(({ afterMs }) => afterMs));
  return Math.max(0, firstServedMs, ...bad.map(({ afterMs }) => afterMs), ...slowWindows);
}

export const countBy = (requests: readonly Judged[]): Record<string, number> =>
  Object.fromEntries(
    [...Map.groupBy(requests, ({ what }) => what)].map(([what, list]) => [what, list.length] as const).sort(),
  );
