/**
 * The monolith with Redis in front of it, cache-aside: an answer's JSON is kept for CACHE_TTL_MS after it was read.
 * The cached text is sent as it is, as parsing it would only be to write it again. A Redis that fails or is slow
 * counts as a miss.
 */
import { Redis } from 'ioredis';
import { type Answer, answersOf } from './answers.ts';
import { createApp, type Route, sendUnknownProduct, serve } from './app.ts';
import { positiveInteger, required } from './environment.ts';
import { createPool } from './pool.ts';
import { allQueries } from './services.ts';

const ttlMs = positiveInteger('CACHE_TTL_MS', 60_000);
const pool = createPool();
const redis = new Redis(required('REDIS_URL'), {
  commandTimeout: 100,
  // A connection that has gone silent fails all later requests at once instead of each after its timeout.
  socketTimeout: 1000,
  connectTimeout: 1000,
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  enableAutoPipelining: true,
});
// It connects again by itself, and each attempt that fails comes by here.
let isDown = false;
redis.on('ready', () => {
  isDown = false;
});
redis.on('error', (error: Error) => {
  if (!isDown) console.error(`Redis: ${error.message}`);
  isDown = true;
});

async function cached(key: string, answer: () => ReturnType<Answer>): Promise<string | null> {
  const hit = await redis.get(key).catch(() => null);
  if (hit !== null) return hit;
  const body = await answer();
  if (body === null) return null;
  const text = JSON.stringify(body);
  // The client need not wait for this.
  redis.set(key, text, 'PX', ttlMs).catch(() => {});
  return text;
}

const routes = [...answersOf(pool, allQueries)].map(([name, answer]): [string, Route] => [
  name,
  async (productId, response) => {
    const text = await cached(`product:${productId}:${name}`, () => answer(productId));
    return text === null ? sendUnknownProduct(response) : response.type('json').send(text);
  },
]);

serve(createApp(new Map(routes)), async () => {
  redis.disconnect();
  await pool.end();
});
