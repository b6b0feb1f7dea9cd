/** What a worker tells the primary. */
export type WorkerMessage =
  /** It listens, is warm, and may be counted on. `port` is the one it listens on. */
  | { readonly type: 'ready'; readonly port: number }
  /** It cannot run, and another attempt would end the same way. */
  | { readonly type: 'failed'; readonly reason: string }
  /** Its totals since it began and its gauges now; sent every second. */
  | { readonly type: 'metrics'; readonly totals: number[]; readonly gauges: number[] };

export function isWorkerMessage(message: unknown): message is WorkerMessage {
  return hasType(message) && ['ready', 'failed', 'metrics'].includes(message.type);
}

function hasType(message: unknown): message is { type: string } {
  return (
    typeof message === 'object' && message !== null && 'type' in message && typeof message.type === 'string'
  );
}
