import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { isRunning } from './processes.js';
import { findRedis, startRedis } from './redis.ts';

function ask(port: number, ...commands: string[]): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.end(`${[...commands, 'QUIT'].join('\r\n')}\r\n`);
  return text(socket);
}

test('a Redis that was killed is found again at the same address, empty', {
  skip: !findRedis(),
}, async (t) => {
  const first = await startRedis();
  t.after(() => first.stop());
  assert.equal(await ask(first.port, 'SET k v', 'DBSIZE'), '+OK\r\n:1\r\n+OK\r\n');
  process.kill(first.process.pid, 'SIGKILL');
  await first.exited;
  const second = await startRedis({ port: first.port, args: ['--maxmemory', '1mb'] });
  t.after(() => second.stop());
  assert.equal(second.url, first.url);
  assert.equal(await ask(first.port, 'DBSIZE'), ':0\r\n+OK\r\n');
  assert.match(await ask(first.port, 'CONFIG GET maxmemory'), /\b1048576\b/);
  await second.stop();
  assert.equal(isRunning(second.process), false);
});
