/**
 * What does a page cost that is in no cache?
 *
 * Products in random order, none twice; the run ends early when all have been viewed.
 */
import exec from 'k6/execution';
import { viewPage } from '../k6/client.ts';
import { shuffled } from '../k6/products.ts';
import { atRate, planRun } from '../k6/run.ts';
import { durationOf, numberOf } from '../k6/settings.ts';

const products = shuffled();
const ratePerSecond = numberOf('RATE', 20);

export const { options, handleSummary } = planRun(
  'cold-cache',
  atRate(ratePerSecond, Math.min(durationOf(60), products.length / ratePerSecond)),
);

export default function coldCache(): void {
  const product = products[exec.scenario.iterationInTest];
  if (product !== undefined) viewPage(product);
}
