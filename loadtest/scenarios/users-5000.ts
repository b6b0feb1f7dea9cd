/**
 * Does a server bear five thousand visitors at once?
 *
 * They come within half a minute, stay for one, and each looks at a page for five to fifteen seconds before the next.
 */
import { sleep } from 'k6';
import { viewPage } from '../k6/client.ts';
import { byPopularity } from '../k6/products.ts';
import { everyRequestAnswered, planRun, withUsers } from '../k6/run.ts';
import { numberOf, scaled } from '../k6/settings.ts';

const users = numberOf('USERS', 5000);
const product = byPopularity(0.8);

export const { options, handleSummary } = planRun(
  'users-5000',
  withUsers([
    { seconds: scaled(30), target: users },
    { seconds: scaled(60), target: users },
    { seconds: scaled(10), target: 0 },
  ]),
  everyRequestAnswered,
);

export default function user(): void {
  viewPage(product());
  sleep(5 + 10 * Math.random());
}
