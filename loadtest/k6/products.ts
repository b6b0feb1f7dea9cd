/** Which product is viewed next. */
import { SharedArray } from 'k6/data';
import { numberOf, productsFile } from './settings.ts';
import { cumulativeWeights, draw } from './zipf.ts';

export type Product = readonly [id: number, slug: string];

const readProducts = (): Product[] => JSON.parse(open(productsFile));

// What is shared has one copy for all users: what setup() returns is copied for each, which at a thousand users delays
// the first requests by seconds.

/** Draws popular products more often, by Zipf's law with EXPONENT or else `exponent`. */
export function byPopularity(exponent: number): () => Product | undefined {
  const products = new SharedArray('products', readProducts);
  const popularity = new SharedArray('popularity', () =>
    cumulativeWeights(products.length, numberOf('EXPONENT', exponent)),
  );
  return () => products[draw(popularity, Math.random())];
}

/** Draws every product as often as any other. */
export function uniformly(): () => Product | undefined {
  const products = new SharedArray('products', readProducts);
  return () => products[Math.floor(Math.random() * products.length)];
}

/** All of them in random order. */
export const shuffled = (): readonly Product[] =>
  new SharedArray('shuffled products', () =>
    readProducts()
      .map((product) => ({ product, order: Math.random() }))
      .sort((one, other) => one.order - other.order)
      .map(({ product }) => product),
  );
