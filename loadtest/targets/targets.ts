import { broken500, brokenWrongProduct } from './broken.ts';
import { expressDistributed, expressMonolith, expressRedis } from './express.ts';
import { fastifyBentocache } from './fastify-bentocache.ts';
import {
  frontshelf,
  frontshelfNoCache,
  frontshelfNoMemory,
  frontshelfNoRedis,
  frontshelfWorkers,
} from './frontshelf.ts';
import type { Target } from './target.ts';

/** The architectures that the lab compares, the oldest first, and Frontshelf's variants. */
export const listTargets = (): Target[] => [
  expressDistributed,
  expressMonolith,
  expressRedis,
  fastifyBentocache,
  frontshelf,
  frontshelfNoMemory,
  frontshelfNoRedis,
  frontshelfNoCache,
];

/**
 * The target of this name: one that is listed, `frontshelf-workers-N` for any N from 1 to 512, or one that is broken on
 * purpose. Undefined when there is none.
 */
export function findTarget(name: string): Target | undefined {
  const [, workers] = /^frontshelf-workers-([1-9]\d*)$/.exec(name) ?? [];
  if (workers !== undefined) return Number(workers) <= 512 ? frontshelfWorkers(Number(workers)) : undefined;
  return [...listTargets(), brokenWrongProduct, broken500].find((target) => target.name === name);
}
