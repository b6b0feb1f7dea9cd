/** Which product is viewed next. */
import { SharedArray } from 'k6/data';
import { numberOf, productsFile } from './settings.ts';
import { cumulativeWeights, draw } from './zipf.ts';

export type Product = readonly [id: number, slug: string];

function readProducts(): Product[] {
  if (productsFile === '') throw new Error('PRODUCTS_FILE must name a JSON file of [id, slug] pairs.');
  const products: Product[] = JSON.parse(open(productsFile));
  if (products.length === 0) throw new Error(`There are no products in ${productsFile} to ask for.`);
  return products;
}

function at(products: readonly Product[], index: number): Product {
  const product = products[index];
  if (product === undefined) throw new Error(`There is no product ${index}.`);
  return product;
}

// What is shared has one copy for all users: what setup() returns is copied for each, which at a thousand users delays
// the first requests by seconds.

/**
 * Draws popular products more often, by Zipf's law with EXPONENT or else `exponent`; of all, or of so many of the most
 * popular.
 */
export function byPopularity(exponent: number, mostPopular?: number): () => Product {
  const products = new SharedArray('products', () => readProducts().slice(0, mostPopular));
  const popularity = new SharedArray('popularity', () =>
    cumulativeWeights(products.length, numberOf('EXPONENT', exponent)),
  );
  return () => at(products, draw(popularity, Math.random()));
}

/** Draws every product as often as any other. */
export function uniformly(): () => Product {
  const products = new SharedArray('products', readProducts);
  return () => at(products, Math.floor(Math.random() * products.length));
}

/** All of them in random order. */
export const shuffled = (): readonly Product[] =>
  new SharedArray('shuffled products', () =>
    readProducts()
      .map((product) => ({ product, order: Math.random() }))
      .sort((one, other) => one.order - other.order)
      .map(({ product }) => product),
  );
