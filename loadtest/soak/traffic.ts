/** The load: nine of ten requests for pages that are in memory, the others for pages that are not, each answer judged. */
import { type OpenLoop, type Outcome, startOpenLoop } from '../open-loop.ts';
import { pick, type Random } from '../provers/random.ts';
import { type Asked, createAnswerJudge, type Judged, type Request } from './judge.ts';

/** Of all requests; those for hot pages are the rest. */
const shares = { cold: 0.08, unknown: 0.02, conditional: 0.15 } as const;
const shortShare = 0.1;
const prefix = '/v1/products/';

export interface Traffic {
  /** All that have ended so far, in the order of their ends. */
  readonly requests: readonly Judged[];
  /** Pages that came from Redis. */
  readonly fromRedis: number;
  /** How late requests were sent. */
  readonly lateMs: { readonly p99: number; readonly max: number };
  /** Cold pages are of these until told otherwise. */
  focus(slugs: readonly string[] | undefined): void;
  setRate(perSecond: number): void;
  /** Resolves when the last outcome is in. */
  stop(): Promise<void>;
}

export interface TrafficOptions {
  readonly url: string;
  readonly random: Random;
  /** Ids by slugs, of all products. */
  readonly idOf: ReadonlyMap<string, string>;
  readonly hot: readonly string[];
  readonly cold: readonly string[];
  /** A client gives up after that. */
  readonly timeoutMs: number;
}

export function startTraffic({ url, random, idOf, hot, cold, timeoutMs }: TrafficOptions): Traffic {
  const judge = createAnswerJudge(idOf);
  const requests: Judged[] = [];
  const etags = new Map<string, string>();
  let focused: readonly string[] | undefined;
  let unknown = 0;
  let fromRedis = 0;

  function target(): string {
    const chance = random();
    if (chance < shares.unknown) return `${prefix}no-such-game-${++unknown}`;
    if (chance < shares.unknown + shares.cold) return prefix + pick(random, focused ?? cold);
    return prefix + pick(random, hot);
  }

  const hotSlugs = new Set(hot);
  function requestOf(path: string, isConditional: boolean): Request {
    const slug = path.slice(prefix.length);
    const etag = isConditional ? etags.get(slug) : undefined;
    const asked: Asked = !idOf.has(slug)
      ? 'unknown'
      : !hotSlugs.has(slug)
        ? 'cold'
        : etag === undefined
          ? 'hot'
          : 'conditional';
    return { asked, slug, etag };
  }

  function record(outcome: Outcome, isConditional: boolean): void {
    const { plannedAtMs, lateMs, latencyMs, status, error, headers, localPort } = outcome;
    const request = requestOf(outcome.target, isConditional);
    const text = (name: string) => headers[name]?.toString();
    const cacheStatus = text('cache-status') ?? '';
    const { verdict, what } =
      status === undefined
        ? ({ verdict: 'no answer', what: error ?? 'no answer' } as const)
        : judge.judge(request, { status, cacheStatus, etag: text('etag'), body: outcome.body.toString() });
    if (cacheStatus.startsWith('frontshelf-redis; hit')) fromRedis++;
    const etag = text('etag');
    if (status === 200 && etag !== undefined) etags.set(request.slug, etag);
    requests.push({
      asked: request.asked,
      verdict,
      what,
      sentAtMs: plannedAtMs + lateMs,
      endedAtMs: plannedAtMs + latencyMs,
      lateMs,
      localPort,
    });
  }

  const shared = { url, random, timeoutMs, ratePerSecond: 0 };
  const loops: readonly { readonly loop: OpenLoop; readonly share: number }[] = [
    {
      share: 1 - shortShare - shares.conditional,
      loop: startOpenLoop({
        ...shared,
        connections: 'keep-alive',
        nextTarget: target,
        onOutcome: (outcome) => record(outcome, false),
      }),
    },
    {
      share: shortShare,
      loop: startOpenLoop({
        ...shared,
        connections: 'short',
        nextTarget: target,
        onOutcome: (outcome) => record(outcome, false),
      }),
    },
    {
      share: shares.conditional,
      loop: startOpenLoop({
        ...shared,
        connections: 'keep-alive',
        nextTarget: () => prefix + pick(random, hot),
        headersOf(path) {
          const etag = etags.get(path.slice(prefix.length));
          return etag === undefined ? {} : { 'If-None-Match': etag };
        },
        onOutcome: (outcome) => record(outcome, true),
      }),
    },
  ];

  return {
    requests,
    get fromRedis() {
      return fromRedis;
    },
    get lateMs() {
      const most = (name: 'p99' | 'max') => Math.max(...loops.map(({ loop }) => loop.lateMs[name]));
      return { p99: most('p99'), max: most('max') };
    },
    focus(slugs) {
      focused = slugs;
    },
    setRate(perSecond) {
      for (const { loop, share } of loops) loop.setRate(perSecond * share);
    },
    async stop() {
      await Promise.all(loops.map(({ loop }) => loop.stop()));
    },
  };
}
