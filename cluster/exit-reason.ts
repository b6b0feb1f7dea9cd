export type ExitReason = 'clean' | 'crash' | 'oom' | 'hang' | 'signal';

/** How a worker ended, for the metric: `code` and `signal` as node gives them, one of them null. */
export function exitReason(code: number | null, signal: string | null, wasHung = false): ExitReason {
  if (wasHung) return 'hang';
  // V8 aborts when its heap is full. (The kernel, when the machine's memory is, kills: that is a signal like others.)
  if (signal === 'SIGABRT') return 'oom';
  if (signal !== null) return 'signal';
  return code === 0 ? 'clean' : 'crash';
}
