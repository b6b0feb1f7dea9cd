import { setTimeout as delay } from 'node:timers/promises';

/** A worker of Frontshelf tells its counts each second. */
const toldWithinMs = 1500;

/** Requests that a server says it has answered, once all its workers have told; null where it has no metrics or does not answer. */
export async function countedRequests(metricsUrl: string | undefined): Promise<number | null> {
  if (metricsUrl === undefined) return null;
  await delay(toldWithinMs);
  const text = await fetch(metricsUrl, { headers: { connection: 'close' } }).then(
    (response) => response.text(),
    () => null,
  );
  if (text === null) return null;
  // Its health is asked for by whoever starts it.
  return [...text.matchAll(/^http_server_request_duration_seconds_count\{(.*)\} (\d+)$/gm)]
    .filter(([, labels = '']) => labels.includes('http_route="/v1/products/{slug}"'))
    .reduce((sum, [, , count]) => sum + Number(count), 0);
}
