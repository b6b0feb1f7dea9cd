/**
 * At what rate does a server break?
 *
 * Page views whose rate rises evenly. Where the server broke is read from the slices: the last before response times
 * passed the bound, or requests failed. The condition only ends a run soon after that; to break it is no fault.
 */
import { viewPage } from '../k6/client.ts';
import { byPopularity } from '../k6/products.ts';
import { atRisingRate, planRun } from '../k6/run.ts';
import { durationOf, numberOf } from '../k6/settings.ts';

const product = byPopularity(0.8);

export const { options, handleSummary } = planRun(
  'breakpoint',
  atRisingRate(numberOf('MAX_RATE', 2000), durationOf(120)),
  { http_req_duration: [{ threshold: 'p(95)<1000', abortOnFail: true, delayAbortEval: '10s' }] },
);

export default (): void => viewPage(product());
