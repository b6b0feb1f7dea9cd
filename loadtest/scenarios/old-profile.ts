/**
 * What did the first store's load test measure?
 *
 * Its script as it ran: up to a hundred users, each asking for ten parts of a product one after the other, and then
 * pausing for a second. Such users wait for slow answers, and so ask a slow server for less.
 */
import { sleep } from 'k6';
import { viewAsFirstStore } from '../k6/client.ts';
import { uniformly } from '../k6/products.ts';
import { planRun, withUsers } from '../k6/run.ts';
import { scaled } from '../k6/settings.ts';

const users = 100;
const product = uniformly();

export const { options, handleSummary } = planRun(
  'old-profile',
  withUsers([
    { seconds: scaled(2 * 60), target: users },
    { seconds: scaled(5 * 60), target: users },
    { seconds: scaled(3 * 60), target: 0 },
  ]),
);

export default function user(): void {
  viewAsFirstStore(product());
  sleep(1);
}
