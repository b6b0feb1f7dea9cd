import { type Logger, pino } from 'pino';
import type { Config } from '../config.ts';
import { createLogOutput, type LogOutput, standardOutput } from './log-output.ts';
import { redaction } from './redaction.ts';

const mostCauses = 5;

/**
 * JSON lines on standard output, one for each event, that never hold the process up. A log that cannot be written (a full disk,
 * a reader that is gone) is no reason to stop serving pages. What nothing has caught is a line too, and the process's last.
 */
export function startLogging(
  config: Config,
  onDropped: (lines: number) => void,
): { logger: Logger; output: LogOutput } {
  const output = createLogOutput(standardOutput(), onDropped);
  const redacted = redaction(config);
  const logger = pino(
    {
      level: config.logLevel,
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: describeError },
    },
    { write: (line) => output.write(redacted(line)) },
  );
  process.on('uncaughtException', (error) => {
    logger.fatal({ err: error }, 'an error that nothing has caught ends the process');
    void output.flush().then(() => process.exit(1));
  });
  return { logger, output };
}

/**
 * What is said of an error: nothing but these of its properties, as drivers hang on it what they had sent (ioredis the arguments of
 * AUTH, node:url the URL that is none, Postgres the values of a row).
 */
export function describeError(error: unknown, causes = 0): unknown {
  if (!(error instanceof Error)) return { message: String(error) };
  const { name, message, stack, cause } = error;
  return {
    type: name,
    message,
    ...('code' in error && { code: error.code }),
    stack,
    ...(error instanceof AggregateError && {
      errors: error.errors.map((one) => describeError(one, mostCauses)),
    }),
    ...(cause !== undefined && causes < mostCauses && { cause: describeError(cause, causes + 1) }),
  };
}
