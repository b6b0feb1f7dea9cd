import type { WorkerMessage } from './messages.ts';

/** Resolves when the message is on its way to the primary, or there is no primary to get it any more. */
export function tellPrimary(message: WorkerMessage): Promise<void> {
  return new Promise((resolve) => {
    if (!process.connected) return resolve();
    process.send?.(message, undefined, {}, () => resolve());
  });
}
