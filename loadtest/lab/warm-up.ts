/** What a server has been asked for before it is measured, as one that has been up for a while has. */

import { warmProducts } from '../k6/warm.ts';
import { parts } from '../targets/parts.ts';
import type { Api } from '../targets/target.ts';
import type { Product } from './pages.ts';

/** Scenarios that begin with empty caches: what they ask is what that costs. */
export const coldScenarios: ReadonlySet<string> = new Set(['cold-cache', 'old-profile']);
const clients = 8;

/**
 * Views each of the most popular products, by as many requests for all: fifteen times where a page is one, as code that has
 * run less is slower. A request that fails is for the scenario to find.
 */
export async function warmUp(origin: string, api: Api, products: readonly Product[]): Promise<void> {
  const paths = products
    .slice(0, warmProducts)
    .flatMap(({ id, slug }) =>
      parts.map(({ name }) => (api === 'page' ? `/v1/products/${slug}` : `/api/products/${id}/${name}`)),
    );
  const ask = async () => {
    for (let path = paths.shift(); path !== undefined; path = paths.shift())
      await fetch(origin + path, { signal: AbortSignal.timeout(5000) })
        .then((response) => response.arrayBuffer())
        .catch(() => {});
  };
  await Promise.all(Array.from({ length: clients }, ask));
}
