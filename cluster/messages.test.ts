import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isPrimaryMessage, isWorkerMessage, type PrimaryMessage, type WorkerMessage } from './messages.ts';

const others = [undefined, null, 'ready', 7, {}, { type: 'other' }, { type: 1 }, { act: 'online' }];

test('what workers say is told from everything else that comes over the channel', () => {
  const ours: WorkerMessage[] = [
    { type: 'ready', port: 3000 },
    { type: 'failed', reason: 'why' },
    { type: 'greet' },
    { type: 'metrics', totals: [], gauges: [], last: false },
  ];
  for (const message of ours) assert.equal(isWorkerMessage(message), true, message.type);
  for (const other of others) assert.equal(isWorkerMessage(other), false, JSON.stringify(other));
});

test('and so is what the primary says', () => {
  const ours: PrimaryMessage[] = [
    { type: 'metrics-taken' },
    { type: 'feed', message: { type: 'acknowledged', batch: 1 } },
  ];
  for (const message of ours) assert.equal(isPrimaryMessage(message), true, message.type);
  for (const other of others) assert.equal(isPrimaryMessage(other), false, JSON.stringify(other));
});
