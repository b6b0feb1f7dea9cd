import type { Catalogue } from './catalogue.ts';
import { chunkSize, describeProducts } from './catalogue.ts';
import { copyLine } from './copy-text.ts';
import { randomStream } from './random.ts';
import { ageTables } from './tables/age.ts';
import { communityTables } from './tables/community.ts';
import { mediaTables } from './tables/media.ts';
import { productTables } from './tables/product.ts';
import { requirementTables } from './tables/requirements.ts';
import { sharedTables } from './tables/shared.ts';
import type { Table } from './tables/table.ts';

/** Every table of a generated catalogue. */
export const tables: readonly Table[] = [
  ...sharedTables,
  ...productTables,
  ...mediaTables,
  ...ageTables,
  ...requirementTables,
  ...communityTables,
];

const bufferCharacters = 128 * 1024;

/** How many chunks a table's stream is made of. */
export const chunksOf = (table: Table, { products }: Catalogue) =>
  table.shared ? 1 : Math.ceil(products / chunkSize);

/**
 * Generates one chunk of a table in COPY's text format, in pieces of some 128 KiB. Its bytes depend on the
 * catalogue's numbers alone, so chunks may be made in any order, or by several at once.
 */
export function* chunkText(table: Table, catalogue: Catalogue, chunk: number): Generator<Buffer> {
  const products = table.shared ? [] : describeProducts(catalogue, chunk);
  const random = randomStream(catalogue.seed, `${table.name} ${chunk}`);
  let text = '';
  for (const row of table.rows({ catalogue, products, random })) {
    text += copyLine(row);
    if (text.length >= bufferCharacters) {
      yield Buffer.from(text);
      text = '';
    }
  }
  if (text !== '') yield Buffer.from(text);
}
