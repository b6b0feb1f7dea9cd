/** What the lab does to the services while a scenario's script reads. */
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import type { Product } from './pages.ts';
import type { Stage } from './stage.ts';

export interface Companion {
  start(): void;
  /** Resolves when it has ended, with what it counted. */
  stop(): Promise<Readonly<Record<string, number>>>;
}

interface Surroundings {
  readonly stage: Stage;
  readonly products: readonly Product[];
  readonly timeScale: number;
}

const none: Companion = { start() {}, stop: async () => ({}) };

/** The one that a scenario needs; most need none. */
export function companionOf(scenario: string, surroundings: Surroundings): Companion {
  if (scenario === 'edits') return editor(surroundings);
  if (scenario === 'redis-down') return redisBreaker(surroundings);
  return none;
}

const editsPerSecond = 50;
/** Edits are of what is read most: those of pages that nobody reads cost no cache anything. */
const editedProducts = 1000;

/** Changes a price in a transaction of its own, at a steady rate that does not wait for the last to be done. */
function editor({ stage, products }: Surroundings): Companion {
  const client = new Client({ connectionString: stage.ownerUrl });
  let stopped = false;
  let commits = 0;
  let running: Promise<void> | undefined;
  let fromMs = 0;

  async function run(): Promise<void> {
    await client.connect();
    fromMs = performance.now();
    for (let edit = 0; !stopped; edit++) {
      const product = products[Math.floor(Math.random() * Math.min(editedProducts, products.length))];
      await client.query('UPDATE price SET list_minor = list_minor + 1 WHERE product_id = $1', [product?.id]);
      commits++;
      const nextAtMs = fromMs + ((edit + 1) * 1000) / editsPerSecond;
      await delay(Math.max(0, nextAtMs - performance.now()));
    }
    await client.end();
  }

  return {
    start() {
      running = run();
    },
    async stop() {
      stopped = true;
      const seconds = (performance.now() - fromMs) / 1000;
      await running;
      return { editsPerSecond: commits / seconds };
    },
  };
}

/** As `loadtest/scenarios/redis-down.ts` has it: the middle third of three. */
const thirdMs = 60_000;

function redisBreaker({ stage, timeScale }: Surroundings): Companion {
  let running: Promise<void> | undefined;
  let downMs = 0;
  async function run(): Promise<void> {
    await delay(thirdMs * timeScale);
    const fromMs = performance.now();
    await stage.stopRedis();
    await delay(thirdMs * timeScale);
    await stage.startRedis();
    downMs = performance.now() - fromMs;
  }
  return {
    start() {
      running = run();
    },
    async stop() {
      await running;
      return { redisDownSeconds: downMs / 1000 };
    },
  };
}
