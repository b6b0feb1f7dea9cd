/**
 * Does a server stay as it is when the load stays?
 *
 * Ten minutes of page views: memory that grows, or answers that become slower, show.
 */
import { viewPage } from '../k6/client.ts';
import { byPopularity } from '../k6/products.ts';
import { atRate, planRun } from '../k6/run.ts';
import { durationOf, numberOf } from '../k6/settings.ts';

const product = byPopularity(0.99);

export const { options, handleSummary } = planRun('soak', atRate(numberOf('RATE', 100), durationOf(10 * 60)));

export default (): void => viewPage(product());
