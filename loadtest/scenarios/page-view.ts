/**
 * What does one page cost a server?
 *
 * Page views, popular products more often, at a rate that every server bears, so that the CPU and the queries of all
 * are for the same work. They are of products that the lab has viewed before, so that a server that caches has them; what
 * a page costs that is in no cache is asked by `cold-cache.ts`.
 */
import { viewPage } from '../k6/client.ts';
import { byPopularity } from '../k6/products.ts';
import { atRate, everyRequestAnswered, planRun } from '../k6/run.ts';
import { durationOf, numberOf } from '../k6/settings.ts';
import { warmProducts } from '../k6/warm.ts';

const product = byPopularity(0.8, warmProducts);

export const { options, handleSummary } = planRun('page-view', atRate(numberOf('RATE', 20), durationOf(60)), {
  ...everyRequestAnswered,
  http_req_duration: [`p(99)<${numberOf('P99_MS', 100)}`],
});

export default (): void => viewPage(product());
