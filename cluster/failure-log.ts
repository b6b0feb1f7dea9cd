import type { Logger } from 'pino';
import type { AnswerOptions } from '../server/answers.ts';

const quietMs = 1000;

/**
 * What a worker says of requests that it answers with 5xx. An unexpected failure is a line each time. That the catalogue cannot be
 * read is true for thousands of requests a second and has one cause: it is a line a second at most, which says how many
 * were refused since the one before.
 */
export function createFailureLog(
  logger: Pick<Logger, 'error' | 'warn'>,
  now: () => number,
): AnswerOptions['onFailure'] {
  let quietUntilMs = Number.NEGATIVE_INFINITY;
  let refused = 0;
  return (error, isExpected, request) => {
    if (!isExpected) return logger.error({ err: error, ...request }, 'a request failed unexpectedly');
    refused++;
    if (now() < quietUntilMs) return;
    logger.warn({ err: error, ...request, refused }, 'requests are refused, as the catalogue cannot be read');
    quietUntilMs = now() + quietMs;
    refused = 0;
  };
}
