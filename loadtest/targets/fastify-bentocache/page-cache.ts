import { createHash } from 'node:crypto';
import { BentoCache, bentostore } from 'bentocache';
import { memoryDriver } from 'bentocache/drivers/memory';
import { redisBusDriver, redisDriver } from 'bentocache/drivers/redis';
import { Redis } from 'ioredis';

export interface Page {
  /** The document as JSON. */
  readonly body: string;
  /** A strong one, quotes included. */
  readonly etag: string;
}

export interface PageCache {
  /**
   * Resolves null when no product has this slug. Rejects with an error of bentocache's when the page is in neither
   * tier and cannot be loaded in time.
   */
  get(slug: string): Promise<Page | null>;
}

/** What bentocache stores: the page and its own fields. */
interface Item {
  readonly value: Page | null;
  readonly createdAt: number;
  readonly logicalExpiration: number;
}

const negativeTtlMs = 5000;

/**
 * Pages in this process and in Redis for `ttlMs`, unknown slugs in this process for 5 s. When `load` is slow or
 * fails, a page up to six hours old is given instead. Redis that is slow or down is done without.
 */
export function createPageCache({
  redisUrl,
  ttlMs,
  load,
}: {
  redisUrl: string;
  ttlMs: number;
  /** Gives a page's JSON, undefined when no product has the slug. */
  load: (slug: string) => Promise<string | undefined>;
}): PageCache {
  const redis = new Redis(redisUrl, { commandTimeout: 100, maxRetriesPerRequest: 1 });
  // bentocache makes its own two of it. They wait for a Redis that is down: it does not handle a failed subscription.
  const bus = new Redis(redisUrl, { lazyConnect: true, maxRetriesPerRequest: null });
  // Each command that fails tells its caller.
  redis.on('error', () => {});

  const bento = new BentoCache({
    default: 'pages',
    serializer: pageSerializer,
    ttl: ttlMs,
    grace: '6h',
    timeout: '200ms',
    hardTimeout: '2s',
    l2CircuitBreakerDuration: '5s',
    stores: {
      pages: bentostore()
        .useL1Layer(memoryDriver({ maxSize: '64mb', maxItems: 50_000 }))
        .useL2Layer(redisDriver({ connection: redis }))
        .useBus(redisBusDriver({ connection: bus })),
    },
  });
  const pages = bento.use();

  return {
    get: (slug) =>
      pages.getOrSet<Page | null>({
        key: slug,
        async factory({ setOptions }) {
          const body = await load(slug);
          if (body !== undefined)
            return { body, etag: `"${createHash('sha1').update(body).digest('base64url')}"` };
          // Made-up slugs shall not crowd Redis.
          setOptions({ ttl: Math.min(ttlMs, negativeTtlMs), skipL2Write: true, skipBusNotify: true });
          return null;
        },
      }),
  };
}

/**
 * A line of JSON, then the page as it is sent, so that a hit parses a hundred characters and no page. (The memory
 * driver's `serialize: false` would parse nothing, but fails on what came from Redis in bentocache 1.6, and has no bound
 * in bytes.)
 */
const pageSerializer = {
  serialize: ({ value, ...fields }: Item): string =>
    `${JSON.stringify({ ...fields, etag: value?.etag })}\n${value?.body ?? ''}`,
  deserialize(text: string): Item {
    const lineEnd = text.indexOf('\n');
    const { etag, ...fields } = JSON.parse(text.slice(0, lineEnd));
    return { ...fields, value: etag === undefined ? null : { body: text.slice(lineEnd + 1), etag } };
  },
};
