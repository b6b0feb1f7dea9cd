/** All that the lab can measure. */
import { brokenTargets } from './broken.ts';
import { expressDistributed, expressMonolith, expressRedis } from './express.ts';
import { fastifyBentocache } from './fastify-bentocache.ts';
import { frontshelf, frontshelfVariants, frontshelfWithWorkers } from './frontshelf.ts';
import type { Target } from './target.ts';

/** The architectures that are compared: the first store's, in its order, today's alternative, and Frontshelf. */
export const architectures: readonly Target[] = [
  expressDistributed,
  expressMonolith,
  expressRedis,
  fastifyBentocache,
  frontshelf,
];

export const listTargets = (): readonly Target[] => [...architectures, ...frontshelfVariants];

/** Also those that are not listed: `frontshelf-workers-N`, and the broken ones that the lab itself is tested with. */
export const findTarget = (name: string): Target | undefined =>
  [...listTargets(), ...brokenTargets].find((target) => target.name === name) ?? frontshelfWithWorkers(name);
