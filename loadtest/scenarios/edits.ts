/**
 * What do edits cost those who read?
 *
 * Page views as in `zipf.ts`, while the lab changes prices of popular products.
 */
import { viewPage } from '../k6/client.ts';
import { byPopularity } from '../k6/products.ts';
import { atRate, everyRequestAnswered, planRun } from '../k6/run.ts';
import { durationOf, numberOf } from '../k6/settings.ts';

const product = byPopularity(0.99);

export const { options, handleSummary } = planRun(
  'edits',
  atRate(numberOf('RATE', 200), durationOf(60)),
  everyRequestAnswered,
);

export default (): void => viewPage(product());
