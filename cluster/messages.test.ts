import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isWorkerMessage, type WorkerMessage } from './messages.ts';

test('what workers say is told from everything else that comes over the channel', () => {
  const ours: WorkerMessage[] = [
    { type: 'ready', port: 3000 },
    { type: 'failed', reason: 'why' },
    { type: 'metrics', totals: [], gauges: [], last: false },
  ];
  for (const message of ours) assert.equal(isWorkerMessage(message), true, message.type);
  for (const other of [undefined, null, 'ready', 7, {}, { type: 'other' }, { type: 1 }, { act: 'online' }])
    assert.equal(isWorkerMessage(other), false, JSON.stringify(other));
});
