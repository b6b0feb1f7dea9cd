/**
 * What Redis does in one step, against the model of it that the model of the whole protocol stands on: whatever is asked in
 * whatever order, both reply the same and hold the same. Without any one of the scripts' guards they differ.
 */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { findRedis, type Redis as Server, startRedis } from '../local/redis.ts';
import type { AppliedMark } from './coherence.ts';
import type { Change } from './entry.ts';
import type { Told, ToldRedis } from './invalidation.ts';
import { modelHistory } from './model-history.ts';
import { createModelRedis, type ModelRedis } from './model-redis.ts';
import { scripts } from './redis-scripts.ts';
import { createRedisTier, format, hostKey, type Lease, pageKey, type RedisTier } from './redis-tier.ts';
import { createToldRedis } from './told-redis.ts';

// Hours, so that what a test takes makes no difference. Time passes in the test alone, for both.
const leaseMs = 1_000_000;
const ttlMs = 10_000_000;
const dearMs = 5_000_000;
const toldMs = 3_000_000;

const timelines = ['past', 'other-past'];
const epochs = ['epoch-1', 'epoch-2'];
const hosts = ['host-1', 'host-2'];
const keys = ['a', 'b'];

type Action =
  | { readonly do: 'lookup'; readonly key: string; readonly mark: AppliedMark; readonly isEager: boolean }
  | {
      readonly do: 'store';
      readonly n: number;
      readonly value: string | undefined;
      readonly stamp: string;
      readonly costMs: number;
    }
  | { readonly do: 'release' | 'evict'; readonly n: number }
  | { readonly do: 'read'; readonly timeline: string }
  | {
      readonly do: 'begin';
      readonly timeline: string;
      readonly before: string | undefined;
      readonly epoch: string;
      readonly told: Told;
    }
  | {
      readonly do: 'tell';
      readonly timeline: string;
      readonly epoch: string;
      readonly before: Pick<Told, 'host' | 'batch'>;
      readonly told: Told;
      readonly changes: readonly Change[];
    }
  | { readonly do: 'wait'; readonly ms: number };

const timeline = fc.constantFrom('past', 'past', 'past', 'other-past');
const epoch = fc.constantFrom(...Array<string>(9).fill('epoch-1'), 'epoch-2');
const host = fc.constantFrom('host-1', 'host-1', 'host-1', 'host-2');
const key = fc.constantFrom('a', 'a', 'a', 'b');
const batch = fc.nat({ max: 3 });
const n = fc.nat({ max: 1000 });
/** Counts from the latest lease. */
const leaseNumber = fc.constantFrom(0, 0, 0, 1, 2, 7);
const stamp = fc.constantFrom('5:5:', '9:12:9,11', '10:10:', '100:105:100');
const id = fc.constantFrom('4', '5', '9', '10', '11', '99', '100');
const told = fc.record({ host, batch, stamp });
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('lookup'),
      key,
      mark: fc.record({ epoch, host, batch: fc.constantFrom(0, 0, 0, 0, 1, 2) }),
      isEager: fc.boolean(),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('store'),
      n: leaseNumber,
      value: fc.constantFrom('one', 'two', undefined),
      stamp,
      costMs: fc.constantFrom(0, dearMs, dearMs),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('release'), n: leaseNumber }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('evict'), n }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('read'), timeline }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('begin'),
      timeline,
      before: fc.constantFrom(undefined, ...epochs),
      epoch,
      told,
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('tell'),
      timeline,
      epoch,
      before: fc.record({ host, batch }),
      told,
      changes: fc.array(fc.record({ key, id }), { maxLength: 2 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('wait'), ms: fc.constantFrom(600_000, 2_100_000, 6_000_000) }),
  },
);

const history = fc
  .array(action, { minLength: 10, maxLength: 60, size: 'max' })
  // Of the usual prototype, as all that comes out of Redis is.
  .map((actions) => structuredClone(actions));

interface Pair {
  readonly redis: Redis;
  readonly tier: RedisTier<string>;
  readonly told: ToldRedis;
  readonly model: ModelRedis;
  readonly leases: { readonly real: Lease; readonly model: Lease }[];
  readonly state: { isEager: boolean; nowMs: number };
}

/** A flushed Redis and its model; `script` replaces the one of its name. */
async function pair(redis: Redis, script?: { name: keyof typeof scripts; lua: string }): Promise<Pair> {
  await redis.flushall();
  const state = { isEager: false, nowMs: 0 };
  const tier = createRedisTier<string>({
    redis,
    codec: { sizeBytes: () => 1, encode: (value) => value, decode: (bytes) => bytes || undefined },
    history: modelHistory,
    leaseMs,
    random: () => (state.isEager ? 1 - Math.exp(-1) : 0),
  });
  const told = createToldRedis(redis, { toldMs });
  if (script) redis.defineCommand(script.name, { ...scripts[script.name], lua: script.lua });
  return { redis, tier, told, model: createModelRedis(() => state.nowMs, toldMs), leases: [], state };
}

/** Does it on both and compares the replies. */
async function act(pair: Pair, action: Action): Promise<void> {
  const { redis, tier, told, model, leases, state } = pair;
  switch (action.do) {
    case 'lookup': {
      state.isEager = action.isEager;
      const token = String(leases.length);
      const expected = model.lookup(action.key, action.mark, {
        token,
        leaseMs,
        earliness: action.isEager ? 1 : 0,
      });
      const found = await tier.lookup(action.key, action.mark);
      assert.deepEqual({ ...found, lease: 'lease' in found }, { ...expected, lease: 'lease' in expected });
      if ('lease' in found && found.lease && 'lease' in expected && expected.lease)
        leases.push({ real: found.lease, model: expected.lease });
      return;
    }
    case 'store': {
      const lease = leases.at(-1 - action.n);
      if (lease === undefined) return;
      const options = { ttlMs, costMs: action.costMs };
      const expected = model.store(lease.model, action.value, action.stamp, options);
      assert.equal(await tier.store(lease.real, action.value, action.stamp, options), expected);
      return;
    }
    case 'release': {
      const lease = leases.at(-1 - action.n);
      if (lease === undefined) return;
      model.release(lease.model);
      tier.release(lease.real);
      return;
    }
    case 'read':
      assert.deepEqual(await told.read(action.timeline), model.read(action.timeline));
      return;
    case 'begin': {
      const { timeline, before, epoch, told: mine } = action;
      const expected = model.begin(timeline, before, epoch, mine);
      assert.equal(await told.begin(timeline, before, epoch, mine), expected);
      return;
    }
    case 'tell': {
      const { timeline, epoch, before, told: mine, changes } = action;
      const expected = model.tell(timeline, epoch, before, mine, changes);
      assert.equal(await told.tell(timeline, epoch, before, mine, changes), expected);
      return;
    }
    case 'evict': {
      const was = namesIn(model);
      model.evict(action.n);
      const gone = was.filter((name) => !namesIn(model).includes(name));
      if (gone.length > 0) await redis.unlink(gone);
      return;
    }
    case 'wait':
      state.nowMs += action.ms;
      await bringForward(redis, action.ms);
  }
}

/** What the model holds, by the names that it has in Redis. */
const namesIn = ({ state }: ModelRedis): string[] => [
  ...[...state.epochs.keys()].map((timeline) => `${format}/${timeline}/epoch`),
  ...[...state.latest.keys()].map((timeline) => `${format}/${timeline}/latest`),
  ...[...state.told.keys()].map((name) => `${format}:${name}`),
  ...[...state.pages.keys()].map((name) => `${format}:${name}`),
];

const pageNames = epochs.flatMap((epoch) => keys.map((key) => ({ epoch, key, name: pageKey(epoch, key) })));

/** All times of pages, and so the same for them as if it were later. */
async function bringForward(redis: Redis, ms: number): Promise<void> {
  for (const { name } of pageNames) {
    const [leftMs, untilMs] = await Promise.all([redis.pttl(name), redis.hget(name, 'untilMs')]);
    if (leftMs < 0) continue;
    if (leftMs <= ms) await redis.unlink(name);
    else await redis.pexpire(name, leftMs - ms);
    if (leftMs > ms && untilMs !== null) await redis.hset(name, 'untilMs', Number(untilMs) - ms);
  }
}

/** What both hold, in the same words. */
async function compare({ redis, model, leases, state }: Pair): Promise<void> {
  const nowMs = Date.now();
  const comparisons = [
    ...timelines.map(async (timeline) => {
      const names = ['epoch', 'latest'].map((what) => `${format}/${timeline}/${what}`);
      const expected = [model.state.epochs.get(timeline) ?? null, model.state.latest.get(timeline) ?? null];
      assert.deepEqual(await redis.mget(names), expected);
    }),
    ...epochs.flatMap((epoch) =>
      hosts.map(async (host) => {
        const { batch, stamp } = model.state.told.get(`${epoch}/${host}`) ?? {};
        const expected = [batch === undefined ? null : String(batch), stamp ?? null];
        assert.deepEqual(await redis.hmget(hostKey(epoch, host), 'batch', 'stamp'), expected);
      }),
    ),
    ...pageNames.map(async ({ epoch, key, name }) => {
      const page = await redis.hgetall(name);
      const found = {
        value: page.value,
        stamp: page.stamp,
        horizon: page.horizon,
        costMs: page.costMs,
        owner: leases.find(({ real }) => real.token === page.owner)?.model.token,
        isLeased: Number(page.untilMs ?? 0) > nowMs,
        told: page.told,
        fields: Object.keys(page).length,
      };
      assert.deepEqual(found, inRedis(key, model.state.pages.get(`${epoch}:${key}`), state.nowMs));
    }),
  ];
  await Promise.all(comparisons);
}

function inRedis(key: string, page: ReturnType<ModelRedis['state']['pages']['get']>, nowMs: number) {
  const { value, stamp, costMs, owner, untilMs, told = [] } = page && page.expiresMs > nowMs ? page : {};
  return {
    value: value === undefined ? undefined : `${key}\n${value}`,
    stamp,
    horizon: stamp === undefined ? undefined : modelHistory.horizon(stamp),
    costMs: costMs === undefined ? undefined : String(costMs),
    owner,
    isLeased: untilMs !== undefined && untilMs > nowMs,
    told: told.length === 0 ? undefined : `,${told.join(',')},`,
    fields: (stamp === undefined ? 0 : 4) + (owner === undefined ? 0 : 2) + (told.length === 0 ? 0 : 1),
  };
}

suite('the scripts', { skip: findRedis() === undefined && 'there is no Redis on this machine' }, () => {
  let server: Server;
  let redis: Redis;

  before(async () => {
    server = await startRedis();
    redis = new Redis(server.url);
  });
  after(async () => {
    redis?.disconnect();
    await server?.stop();
  });

  /** Rejects with the first difference between the two. */
  const holdAgainstModel = (numRuns: number, script?: Parameters<typeof pair>[1]) =>
    fc.assert(
      fc.asyncProperty(history, async (actions) => {
        const both = await pair(redis, script);
        const first: Told = { host: 'host-1', batch: 1, stamp: '1:1:' };
        await act(both, { do: 'begin', timeline: 'past', before: undefined, epoch: 'epoch-1', told: first });
        for (const action of actions) {
          await act(both, action);
          await compare(both);
        }
      }),
      { numRuns, endOnFailure: true },
    );

  test('reply what the model replies, and leave what it leaves', () => holdAgainstModel(150));

  test('of many changes of a page, and of a change of many pages, not all is kept for the next host', async () => {
    await redis.flushall();
    const told = createToldRedis(redis);
    const first: Told = { host: 'host-1', batch: 1, stamp: '1:1:' };
    await told.begin('past', undefined, 'epoch-1', first);
    const tell = (changes: Change[]) => told.tell('past', 'epoch-1', first, first, changes);
    const ids = Array.from({ length: 200 }, (_, i) => String(1_000_000 + i));
    for (const id of ids) await tell([{ key: 'a', id }]);
    const kept = await redis.hget(pageKey('epoch-1', 'a'), 'told');
    assert.ok(kept?.endsWith(`,${ids.at(-1)},`) && kept.length < 250, kept ?? 'nothing');
    await tell(Array.from({ length: 1000 }, (_, i) => ({ key: `many-${i}`, id: '9' })));
    assert.equal(await redis.exists(pageKey('epoch-1', 'many-0')), 0);
  });

  const guards: readonly { claim: string; name: keyof typeof scripts; code: string; without?: string }[] = [
    {
      claim: 'a value is stored under its lease only',
      name: 'pageStore',
      code: "if redis.call('HGET', page, 'owner') ~= token then return 0 end",
    },
    {
      claim: 'a lease is given back by its holder only',
      name: 'pageRelease',
      code: "if redis.call('HGET', KEYS[1], 'owner') ~= ARGV[1] then return 0 end",
    },
    {
      claim: 'who was told less is not believed',
      name: 'pageLookup',
      code: "if not told or told < tonumber(batch) then return {'bypass'} end",
    },
    {
      claim: 'one has the lease',
      name: 'pageLookup',
      code: "if isLeased then return {'wait'} end",
    },
    {
      claim: 'one reads anew before the end',
      name: 'pageLookup',
      code: 'not isLeased and ',
    },
    {
      claim: 'nothing is told to another epoch',
      name: 'epochTell',
      code: "if redis.pcall('GETRANGE', KEYS[1], 0, #epoch) ~= epoch then return 'moved' end",
    },
    {
      claim: 'nothing is told to a Redis that has gone back',
      name: 'epochTell',
      code: "if not told or told < tonumber(before) then return 'rewound' end",
    },
    {
      claim: 'a change takes the value',
      name: 'epochTell',
      code: "redis.call('UNLINK', page)",
    },
    {
      claim: 'a change that was told before takes nothing',
      name: 'epochTell',
      code: " and not string.find(known, ',' .. id .. ',', 1, true)",
    },
    {
      claim: 'what was told before is known as long as the lease, if not longer',
      name: 'pageLookup',
      code: "math.max(leaseMs, redis.call('PTTL', page))",
      without: 'leaseMs',
    },
    {
      claim: 'a value stays only if it includes the change, and ids are numbers',
      name: 'epochTell',
      code: '#horizon > #id or (#horizon == #id and horizon > id)',
      without: 'horizon > id',
    },
    {
      claim: 'the change at the horizon is not included',
      name: 'epochTell',
      code: 'horizon > id)',
      without: 'horizon >= id)',
    },
    {
      claim: 'a telling that comes late does not undo a later one',
      name: 'epochTell',
      code: 'if not own or tonumber(own) <= tonumber(batch) then',
      without: 'if true then',
    },
    {
      claim: 'an epoch begins in the place of the one before only',
      name: 'epochBegin',
      code: "if redis.pcall('GETRANGE', KEYS[1], 0, #before) ~= before then return 'moved' end",
    },
  ];
  for (const { claim, name, code, without = '' } of guards)
    test(`${claim}: without that they differ`, async () => {
      const { lua } = scripts[name];
      assert.equal(lua.split(code).length, 2, `the script has this once: ${code}`);
      await assert.rejects(
        holdAgainstModel(2000, { name, lua: lua.replace(code, () => without) }),
        (error) => error instanceof Error && error.cause instanceof assert.AssertionError,
      );
    });
});
