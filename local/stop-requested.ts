const exitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
const parentCheckMs = 500;

/**
 * Resolves with the exit code that is due when this process is told to stop, however often. That includes the
 * end of the npm it runs under: npm ends on a SIGHUP, or a kill -9, without passing it on.
 */
export function stopRequested(): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  for (const [signal, code] of Object.entries(exitCodes)) process.on(signal, () => resolve(code));
  if (process.env.npm_lifecycle_event !== undefined) {
    const parent = process.ppid;
    setInterval(() => {
      if (process.ppid !== parent) resolve(exitCodes.SIGHUP);
    }, parentCheckMs).unref();
  }
  return promise;
}
