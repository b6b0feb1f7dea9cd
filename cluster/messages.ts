import type { FeedMessage } from '../cache/coherence.ts';

/** What a worker tells the primary. */
export type WorkerMessage =
  /** It listens, is warm, and may be counted on. `port` is the one it listens on. */
  | { readonly type: 'ready'; readonly port: number }
  /** It cannot run, and another attempt would end the same way. */
  | { readonly type: 'failed'; readonly reason: string }
  /** It listens to the feed from now on, and must be told first where it begins. */
  | { readonly type: 'greet' }
  /** Its totals since it began and its gauges now; sent every second, and once more when it has ended its work. */
  | {
      readonly type: 'metrics';
      readonly totals: number[];
      /** In the order of `workerGauges`; null where there is none. */
      readonly gauges: (number | null)[];
      /** True: it waits for `metrics-taken` before it exits. */
      readonly last: boolean;
    };

/** What the primary tells a worker. */
export type PrimaryMessage =
  | { readonly type: 'metrics-taken' }
  /** Times are of the system's monotonic clock. */
  | { readonly type: 'feed'; readonly message: FeedMessage };

export function isPrimaryMessage(message: unknown): message is PrimaryMessage {
  return hasType(message) && ['metrics-taken', 'feed'].includes(message.type);
}

export function isWorkerMessage(message: unknown): message is WorkerMessage {
  return hasType(message) && ['ready', 'failed', 'greet', 'metrics'].includes(message.type);
}

function hasType(message: unknown): message is { type: string } {
  return (
    typeof message === 'object' && message !== null && 'type' in message && typeof message.type === 'string'
  );
}
