/**
 * What do visitors see of a Redis that fails?
 *
 * Page views for three minutes; in the second the lab has stopped Redis, in the third it is there again and empty.
 */
import { viewPage } from '../k6/client.ts';
import { byPopularity } from '../k6/products.ts';
import { atRate, planRun } from '../k6/run.ts';
import { numberOf, scaled } from '../k6/settings.ts';

const product = byPopularity(0.99);

export const { options, handleSummary } = planRun(
  'redis-down',
  atRate(numberOf('RATE', 100), scaled(3 * 60)),
);

export default (): void => viewPage(product());
