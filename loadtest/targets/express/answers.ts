import type pg from 'pg';
import type { Part, SystemRequirements } from './queries/query.ts';
import type { Queries } from './services.ts';

/** Resolves the object that a route answers with, null when there is no such product. */
export type Answer = (productId: number) => Promise<object | null>;

/** The answer of each part, and of `page`, which is all of these parts in one. */
export function answersOf(pool: pg.Pool, queries: Queries): Map<string, Answer> {
  const answers = new Map<string, Answer>();
  for (const [name, query] of Object.entries(queries))
    answers.set(name, async (productId) => {
      const part = await query(pool, productId);
      return part && { productId, ...part };
    });
  answers.set('page', async (productId) =>
    mergeParts(await Promise.all(Object.values(queries).map((query) => query(pool, productId)))),
  );
  return answers;
}

/** Null when a part is. */
export function mergeParts(parts: readonly (Part | null)[]): Part | null {
  const known = parts.filter((part) => part !== null);
  if (known.length < parts.length) return null;
  const page: Part = Object.assign({}, ...known);
  const tiers = known.flatMap(({ systemRequirements }) => systemRequirements ?? []);
  return tiers.length === 0 ? page : { ...page, systemRequirements: mergeTiers(tiers) };
}

/** The tiers of each system beside each other, as the page has them. */
function mergeTiers(tiers: readonly SystemRequirements[]): SystemRequirements[] {
  const byOs = new Map<string, SystemRequirements>();
  for (const tier of tiers) byOs.set(tier.os, { ...byOs.get(tier.os), ...tier });
  return [...byOs.values()];
}
