import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { after, before, test } from 'node:test';
import { freePort, portProblem } from './ports.ts';

const occupier = createServer();
const taken = () => {
  const address = occupier.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
};
before(async () => {
  occupier.listen(0, '127.0.0.1');
  await once(occupier, 'listening');
});
after(() => occupier.close());

test('a port in use is a sentence that names it and its setting', async () => {
  assert.equal(
    await portProblem('ADMIN_PORT', '127.0.0.1', taken()),
    `Port ${taken()} of 127.0.0.1 is in use: stop what uses it, or set ADMIN_PORT to another port.`,
  );
});

test('an address of another machine is a sentence that names it and its setting', async () => {
  // TEST-NET-1, RFC 5737: nobody's.
  assert.match((await portProblem('PORT', '192.0.2.1', 0)) ?? '', /^Port 0 of 192\.0\.2\.1 .* set PORT/);
});

test('a free port is the preferred one unless that is taken', async () => {
  const free = await freePort();
  assert.equal(await freePort(free), free);
  assert.notEqual(await freePort(taken()), taken());
  assert.equal(await portProblem('PORT', '127.0.0.1', free), undefined);
});
