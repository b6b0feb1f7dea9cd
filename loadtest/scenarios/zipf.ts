/**
 * What do the tiers of a cache give when some products are far more popular than others?
 *
 * Page views at a rate of a busy day, by Zipf's law with the exponent that caches are usually measured at.
 */
import { viewPage } from '../k6/client.ts';
import { byPopularity } from '../k6/products.ts';
import { atRate, everyRequestAnswered, planRun } from '../k6/run.ts';
import { durationOf, numberOf } from '../k6/settings.ts';

const product = byPopularity(0.99);

export const { options, handleSummary } = planRun(
  'zipf',
  atRate(numberOf('RATE', 200), durationOf(60)),
  everyRequestAnswered,
);

export default (): void => viewPage(product());
