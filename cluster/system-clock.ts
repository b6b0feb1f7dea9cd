/**
 * The system's monotonic clock in milliseconds, the same in all processes of a machine. `performance.now()` is this clock
 * too, but counts from the start of its own process.
 */
export const systemNowMs = (): number => Number(process.hrtime.bigint()) / 1e6;

/** What `performance.now()` of this process is at a time of the system's clock. */
export const ownTimeMs = (systemMs: number): number => systemMs + performance.now() - systemNowMs();
