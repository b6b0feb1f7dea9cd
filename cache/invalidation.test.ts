/** How a host tells Redis of changes, over a Redis of this file's own that is flushed, restored, evicted from, stopped and killed. */
import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis as Client, type Redis } from 'ioredis';
import { type FaultProxy, startFaultProxy } from '../local/fault-proxy.ts';
import { findRedis, type Redis as Server, startRedis } from '../local/redis.ts';
import type { AppliedMark, FeedMessage, News } from './coherence.ts';
import { type Change, everyKey } from './entry.ts';
import { eventually } from './eventually.ts';
import { createInvalidation, type Invalidation } from './invalidation.ts';
import { modelHistory } from './model-history.ts';
import { connectRedis } from './redis-connection.ts';
import { createRedisTier, format, hostKey, pageKey } from './redis-tier.ts';
import { createToldRedis } from './told-redis.ts';

const timeoutMs = 200;
const soonMs = 10_000;

/** A source whose changes are what the test commits, one after the other. */
function createSource() {
  const changes: Change[] = [];
  const state = { timeline: 'timeline', isComplete: true };
  const stamp = () => `${changes.length + 1}:${changes.length + 1}:`;
  return {
    state,
    changes,
    stamp,
    commit(...keys: string[]): Change[] {
      const id = String(changes.length + 1);
      const made = keys.map((key) => ({ key, id }));
      changes.push(...made);
      return made;
    },
    async ask(since: string): Promise<News> {
      const { timeline, isComplete } = state;
      const unseen = changes.filter(({ id }) => !modelHistory.covers(since, id));
      return { timeline, changes: unseen, to: stamp(), asOfMs: 0, isComplete };
    },
  };
}

interface Host {
  readonly invalidation: Invalidation;
  readonly redis: Redis;
  readonly messages: FeedMessage[];
  readonly happened: string[];
  /** Announces to the host what was committed. */
  announce(changes: readonly Change[]): void;
  stop(): Promise<void>;
}

suite('a host and its Redis', {
  skip: findRedis() === undefined && 'there is no Redis on this machine',
}, () => {
  let server: Server;
  let proxy: FaultProxy;
  let admin: Redis;
  let source: ReturnType<typeof createSource>;
  let folder: string;
  let hosts: Host[];

  const start = (port?: number) =>
    startRedis({ ...(port !== undefined && { port }), args: ['--dir', folder, '--dbfilename', 'dump.rdb'] });

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'frontshelf-invalidation-'));
    // For the user that Redis runs as when the tests are root's.
    chmodSync(folder, 0o777);
    server = await start();
    proxy = await startFaultProxy({ host: '127.0.0.1', port: server.port });
    admin = new Client(server.url, { retryStrategy: () => 50 });
    admin.on('error', () => {});
    source = createSource();
    hosts = [];
  });
  afterEach(async () => {
    await Promise.all(hosts.map((host) => host.stop()));
    admin.disconnect();
    await proxy.close();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** A host that has learned of the timeline, and works. */
  function startHost(): Host {
    const redis = connectRedis(`redis://127.0.0.1:${proxy.port}`, {
      timeoutMs,
      name: 'host',
      onError: () => {},
    });
    const messages: FeedMessage[] = [];
    const happened: string[] = [];
    const invalidation = createInvalidation({
      redis: createToldRedis(redis),
      history: modelHistory,
      ask: source.ask,
      tellWorkers: (message) => messages.push(message),
      delay: (ms) => sleep(ms),
      onJoined: (how) => happened.push(how),
      onLost: (why) => happened.push(why),
    });
    let batches = 0;
    invalidation.beganAnew(source.state.timeline, source.stamp());
    const running = invalidation.run();
    const host: Host = {
      invalidation,
      redis,
      messages,
      happened,
      announce: (changes) => invalidation.announced({ number: ++batches, changes }, source.stamp()),
      async stop() {
        invalidation.stop();
        redis.disconnect();
        await running;
      },
    };
    hosts.push(host);
    return host;
  }

  const joined = ({ invalidation }: Host): Promise<AppliedMark> =>
    eventually('the host has joined', soonMs, () => invalidation.applied);

  async function startJoined(): Promise<Host> {
    const host = startHost();
    await joined(host);
    return host;
  }

  const told = ({ invalidation }: Host) =>
    eventually('Redis was told', soonMs, () => invalidation.applied && invalidation.pending === 0);

  const tierOf = (redis: Redis) =>
    createRedisTier<string>({
      redis,
      codec: { sizeBytes: () => 1, encode: (value) => value, decode: (bytes) => bytes },
      history: modelHistory,
      leaseMs: 60_000,
      random: () => 0,
    });

  /** As a worker would, with what its host has applied. */
  const lookup = async (key: string, { invalidation }: Host) => {
    const { applied } = invalidation;
    return applied ? tierOf(admin).lookup(key, applied) : ({ result: 'bypass' } as const);
  };

  async function store(key: string, host: Host, stamp = source.stamp()): Promise<void> {
    const found = await lookup(key, host);
    assert.ok(found.result === 'miss', found.result);
    assert.ok(await tierOf(admin).store(found.lease, 'v', stamp, { ttlMs: 600_000, costMs: 0 }));
  }

  test('the first host begins an epoch, the next one joins it by telling of what has changed since', async () => {
    const one = await startJoined();
    await store('kept', one);
    await store('changed', one);
    // Before it can tell, it is gone.
    await one.stop();
    source.commit('changed');
    const two = await startJoined();
    assert.deepEqual([one.happened, two.happened], [['new-epoch'], ['replayed']]);
    assert.equal(two.invalidation.applied?.epoch, one.invalidation.applied?.epoch);
    assert.notEqual(two.invalidation.applied?.host, one.invalidation.applied?.host);
    assert.equal((await lookup('kept', two)).result, 'hit');
    assert.equal((await lookup('changed', two)).result, 'miss');
  });

  test('workers are told the mark to ask Redis with, what is pending, and what was acknowledged', async () => {
    const host = await startJoined();
    const mark = await joined(host);
    assert.deepEqual(host.messages, [{ type: 'redis', applied: mark, pending: [] }]);
    proxy.hold();
    const changes = source.commit('k');
    host.announce(changes);
    assert.deepEqual(host.invalidation.greeting, {
      type: 'redis',
      applied: mark,
      pending: [{ number: 1, changes }],
    });
    proxy.release();
    await told(host);
    assert.deepEqual(host.messages.slice(1), [{ type: 'acknowledged', batch: 1 }]);
    assert.deepEqual(host.invalidation.greeting, {
      type: 'redis',
      applied: { ...mark, batch: 1 },
      pending: [],
    });
  });

  test('a change takes the value out of Redis, and nothing else', async () => {
    const host = await startJoined();
    for (const key of ['k', 'other']) await store(key, host);
    host.announce(source.commit('k'));
    await told(host);
    assert.equal((await lookup('k', host)).result, 'miss');
    assert.equal((await lookup('other', host)).result, 'hit');
  });

  const gaps: Record<string, () => void> = {
    'the source has forgotten changes': () => {
      source.state.isComplete = false;
    },
    'a change of every key came since': () => void source.commit(everyKey),
    'the source has gone back in time': () => void source.changes.splice(0),
  };
  for (const [what, happens] of Object.entries(gaps))
    test(`a host that joins when ${what} begins a new epoch`, async () => {
      source.commit('something');
      const one = await startJoined();
      await store('k', one);
      await one.stop();
      happens();
      const two = await startJoined();
      assert.deepEqual(two.happened, ['new-epoch']);
      assert.equal((await lookup('k', two)).result, 'miss');
    });

  test('hosts of another timeline share nothing', async () => {
    const one = await startJoined();
    await store('k', one);
    source.state.timeline = 'another';
    const two = await startJoined();
    assert.deepEqual(two.happened, ['new-epoch']);
    assert.equal((await lookup('k', two)).result, 'miss');
    assert.equal((await lookup('k', one)).result, 'hit');
  });

  test('a change of every key begins a new epoch, and the other host follows when it is told of it', async () => {
    const [one, two] = [await startJoined(), await startJoined()];
    await store('k', one);
    const changes = source.commit(everyKey);
    one.announce(changes);
    await joined(one);
    // What it knows of changes says so itself.
    assert.equal((await lookup('k', one)).result, 'miss');
    two.announce(changes);
    await joined(two);
    assert.equal((await lookup('k', two)).result, 'wait', 'both share the new epoch');
    assert.deepEqual(two.happened, ['replayed', 'replayed']);
  });

  test('two hosts that tell at once, of the same changes and of more, both succeed', async () => {
    const [one, two] = [await startJoined(), await startJoined()];
    for (let i = 0; i < 100; i++) {
      const changes = source.commit(`k${i}`);
      one.announce(changes);
      two.announce(changes);
    }
    await Promise.all([told(one), told(two)]);
    assert.deepEqual([one.happened, two.happened], [['new-epoch'], ['replayed']]);
    for (const host of [one, two]) assert.equal(host.invalidation.applied?.batch, 100);
  });

  test('flushed: the host notices by itself and joins anew; what was stored before is not there', async () => {
    const host = await startJoined();
    await store('k', host);
    await admin.flushall();
    assert.deepEqual(await lookup('k', host), { result: 'bypass' }, 'until then it is not believed');
    await eventually('the host has noticed', soonMs, () => host.happened.length === 3);
    assert.match(host.happened.join(), /^new-epoch,(rewound|moved),new-epoch$/);
    assert.equal((await lookup('k', host)).result, 'miss');
  });

  test('restored from a dump of before a change: it is not believed, and joined anew by telling of the change', async () => {
    const host = await startJoined();
    await store('k', host);
    await admin.save();
    copyFileSync(join(folder, 'dump.rdb'), join(folder, 'older.rdb'));
    host.announce(source.commit('k'));
    await told(host);
    assert.equal((await lookup('k', host)).result, 'miss');
    const before = host.invalidation.applied;

    await server.stop();
    copyFileSync(join(folder, 'older.rdb'), join(folder, 'dump.rdb'));
    server = await start(server.port);
    assert.ok(before);
    await eventually('Redis answers', soonMs, () => admin.ping());
    assert.equal(
      await admin.hget(pageKey(before.epoch, 'k'), 'stamp'),
      '1:1:',
      'the old value is there again',
    );
    assert.deepEqual(await tierOf(admin).lookup('k', before), { result: 'bypass' });
    await eventually('the host has joined again', soonMs, () => host.happened.at(-1) === 'replayed');
    assert.deepEqual(host.happened, ['new-epoch', 'rewound', 'replayed']);
    assert.notEqual((await lookup('k', host)).result, 'hit');
  });

  test('killed and started again, empty: joined anew in a new epoch, with the changes made meanwhile', async () => {
    const host = await startJoined();
    await store('k', host);
    process.kill(server.process.pid, 'SIGKILL');
    await server.exited;
    host.announce(source.commit('k'));
    server = await start(server.port);
    await eventually('the host has joined again', soonMs, () => host.happened.length === 3);
    await told(host);
    assert.equal(host.happened[2], 'new-epoch');
    assert.equal((await lookup('k', host)).result, 'miss');
  });

  const evictions: Record<string, (mark: AppliedMark) => string> = {
    'what this host has told': ({ epoch, host }) => hostKey(epoch, host),
    'the name of the epoch': () => `${format}/timeline/epoch`,
    'the name of the host that told last': () => `${format}/timeline/latest`,
  };
  for (const [what, keyOf] of Object.entries(evictions))
    test(`evicted, ${what}: nothing old is believed, and it mends by itself`, async () => {
      const host = await startJoined();
      await store('k', host);
      assert.equal(await admin.unlink(keyOf(await joined(host))), 1);
      const changes = source.commit('k');
      host.announce(changes);
      const found = await lookup('k', host);
      assert.ok(found.result !== 'hit' || !modelHistory.covers(found.stamp, changes[0]?.id ?? ''));
      await told(host);
      assert.notEqual((await lookup('k', host)).result, 'hit');
      const next = await startJoined();
      assert.notEqual((await lookup('k', next)).result, 'hit');
      await store('k2', next);
      assert.equal((await lookup('k2', host)).result, 'hit', 'both use the same epoch');
    });

  test('a telling that times out but was carried out is repeated, which does no harm', async () => {
    const host = await startJoined();
    await store('k', host);
    const mark = await joined(host);
    proxy.hold((_, from) => from === 'server');
    host.announce(source.commit('k'));
    await eventually('it is carried out', soonMs, async () => {
      return (await admin.hget(hostKey(mark.epoch, mark.host), 'batch')) === '1';
    });
    assert.equal(host.invalidation.pending, 1, 'the host does not know');
    // A value that includes the change may be there by the time of the repetition.
    await store('k', host);
    await sleep(2 * timeoutMs);
    proxy.release();
    await told(host);
    assert.deepEqual(host.happened, ['new-epoch']);
    assert.equal((await lookup('k', host)).result, 'hit', 'what includes the change stays');
  });

  test('a telling that is carried out late, from a connection that was given up, does no harm', async () => {
    const host = await startJoined();
    await store('k', host);
    proxy.hold((piece, from) => from === 'client' && piece.includes(':k\r\n'));
    host.announce(source.commit('k'));
    await eventually('the connection is given up', soonMs, () => proxy.conversations.length === 2);
    // What is held on the old connection stays so.
    proxy.hold(() => false);
    await told(host);
    for (let i = 0; i < 2; i++) host.announce(source.commit('k'));
    await told(host);
    await store('k', host);
    const mark = await joined(host);
    const before = await admin.hgetall(hostKey(mark.epoch, mark.host));
    assert.equal(before.batch, '3');
    await host.stop();
    const count = async () => {
      const stats = await admin.info('commandstats');
      const calls = [...stats.matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g)];
      return calls.reduce((sum, [, n]) => sum + Number(n), 0);
    };
    const ran = await count();
    proxy.release();
    await eventually('the late telling is carried out', soonMs, async () => (await count()) > ran);
    assert.equal((await lookup('k', host)).result, 'hit');
    assert.deepEqual(await admin.hgetall(hostKey(mark.epoch, mark.host)), before);
  });

  test('more than 10,000 pending changes: the host gives up on them and asks the source when Redis is there again', async () => {
    const host = await startJoined();
    await store('k', host);
    proxy.cut();
    for (let i = 0; i < 10; i++)
      host.announce(source.commit(...Array.from({ length: 1001 }, (_, n) => `k${n}`)));
    assert.deepEqual(host.happened, ['new-epoch', 'overflow']);
    assert.deepEqual(host.messages.at(-1), { type: 'redis', applied: null, pending: [] });
    host.announce(source.commit('k'));
    proxy.mend();
    await told(host);
    assert.deepEqual(host.happened, ['new-epoch', 'overflow', 'replayed']);
    assert.equal((await lookup('k', host)).result, 'miss');
  });

  const mebibyte = 1024 * 1024;
  /** What somebody else may have put in the place of each of the keys that tell how far Redis was told. */
  const odd: Record<string, (name: string) => Promise<unknown>> = {
    'of another type': (name) => admin.lpush(name, 'one'),
    'with text that is no name': (name) => admin.set(name, 'a b\n*'),
    'that is empty': (name) => admin.set(name, ''),
    'of 100 MiB': (name) => admin.setrange(name, 100 * mebibyte, 'x'),
    'with fields that are none of ours': (name) => admin.hset(name, 'batch', 'many', 'stamp', 'none'),
    'with a stamp of 100 MiB': (name) =>
      admin.eval(
        "redis.call('HSET', KEYS[1], 'batch', '1', 'stamp', ('1'):rep(ARGV[1]))",
        1,
        name,
        100 * mebibyte,
      ),
  };
  const places: Record<string, (mark: AppliedMark) => string> = {
    epoch: () => `${format}/${source.state.timeline}/epoch`,
    'latest host': () => `${format}/${source.state.timeline}/latest`,
    'record of a host': ({ epoch, host }) => hostKey(epoch, host),
  };
  for (const [place, nameOf] of Object.entries(places))
    for (const [what, put] of Object.entries(odd))
      test(`something ${what} in the place of the ${place} is no obstacle, for who is there or who joins`, async () => {
        const one = await startJoined();
        const name = nameOf(await joined(one));
        await admin.unlink(name);
        await put(name);
        one.announce(source.commit('k'));
        await told(one);
        await store('k', one);
        const before = proxy.conversations.reduce((sum, { received }) => sum + received.length, 0);
        await admin.unlink(nameOf(await joined(one)));
        await put(nameOf(await joined(one)));
        const two = await startJoined();
        assert.match(String(two.happened), /^(?:new-epoch|replayed)$/);
        await store('other', two);
        const received = proxy.conversations.reduce((sum, { received }) => sum + received.length, 0) - before;
        assert.ok(received < mebibyte, `${received} bytes came from Redis`);
      });

  test('what is not joined yet when the history begins anew is joined under the new one', async () => {
    proxy.hold();
    const host = startHost();
    source.state.timeline = 'another';
    host.invalidation.beganAnew('another', source.stamp());
    proxy.release();
    await joined(host);
    assert.equal(await admin.get(`${format}/another/epoch`), host.invalidation.applied?.epoch);
  });
});
