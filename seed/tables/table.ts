import type { Catalogue, Product } from '../catalogue.ts';
import type { CopyValue } from '../copy-text.ts';
import type { Random } from '../random.ts';

/** A thousand products, and the stream of numbers that a table draws from for them. */
export interface Chunk {
  readonly catalogue: Catalogue;
  readonly products: readonly Product[];
  readonly random: Random;
}

export interface Table {
  readonly name: string;
  readonly columns: readonly string[];
  /** Generates the rows in the order of the table's key. */
  readonly rows: (chunk: Chunk) => Iterable<readonly CopyValue[]>;
  /** Its rows belong to no product, so they are made once. */
  readonly shared?: true;
}
