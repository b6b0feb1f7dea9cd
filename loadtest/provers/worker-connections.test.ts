import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { test } from 'node:test';
import { processesByPort } from './worker-connections.ts';

test('the process at the other end of a connection is known by our port', {
  skip: existsSync('/proc/net/tcp') ? false : 'this system has no /proc/net/tcp',
}, async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  const client = connect(address.port, '127.0.0.1');
  const [[accepted]] = await Promise.all([once(server, 'connection'), once(client, 'connect')]);
  t.after(() => {
    accepted.destroy();
    client.destroy();
    server.close();
  });
  const { localPort } = client;
  assert.ok(localPort !== undefined);
  assert.equal(processesByPort([process.pid]).get(localPort), process.pid);
  assert.equal(processesByPort([]).get(localPort), undefined);
});
