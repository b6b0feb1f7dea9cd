import { destination, type Logger, pino } from 'pino';

const mostBufferedBytes = 1024 * 1024;

/**
 * JSON lines on standard output that never hold the process up: written in the background, and dropped while
 * nobody reads them. A log that cannot be written (a full disk) is no reason to stop serving pages.
 */
export function createLogger(level: string): { logger: Logger; flush: () => void } {
  const out = destination({ fd: 1, sync: false, maxLength: mostBufferedBytes });
  out.on('error', () => {});
  return {
    logger: pino({ level, base: { pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime }, out),
    flush() {
      try {
        out.flushSync();
      } catch {
        // Nobody reads any more.
      }
    },
  };
}
