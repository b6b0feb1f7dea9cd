/**
 * The cache against a model of it, through random interleavings of reads, answers, failures and time. The model
 * knows per key what memory holds and which answer a fill waits for, and predicts every answer to every reader.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type ByHand, cacheByHand, granted, settle } from './by-hand.ts';

const memoryTtlMs = 1000;
const negativeTtlMs = 100;
const staleWhileRevalidateMs = 500;
const staleIfErrorMs = 2000;
const refreshPauseMs = 1000;

/** `absent`: that there is nothing under the key. From Redis, `nothing` is a miss; from the source, the same as `absent`. */
type How = 'value' | 'absent' | 'nothing' | 'failure';

type Action =
  | { readonly do: 'read'; readonly key: string }
  /** What the call that the key's fill waits for comes to; no fill, nothing happens. */
  | { readonly do: 'answer'; readonly key: string; readonly how: How }
  | { readonly do: 'wait'; readonly forMs: number };

const key = fc.constantFrom('a', 'b', 'c');
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('read'), key }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('answer'),
      key,
      how: fc.constantFrom<How>('value', 'absent', 'nothing', 'failure'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('wait'),
      forMs: fc.constantFrom(1, 99, 100, 499, 999, 1000, 2500),
    }),
  },
);

interface KeyModel {
  entry?: { readonly value: string; readonly freshUntilMs: number; refreshFromMs: number };
  absentUntilMs: number;
  fill?: FillModel;
}

interface FillModel {
  awaits: 'redis' | 'source';
  redisMissed: boolean;
  readonly readers: Promise<string>[];
}

/** A reader's answer in one word, so that it can be compared. */
const outcome = (read: ReturnType<ByHand['get']>): Promise<string> =>
  read.then(
    ({ value, servedFrom }) => `${servedFrom} ${value ?? 'nothing'}`,
    (error) => `error ${error.message}`,
  );

/** Runs the actions on both and compares after each; then answers all that still waits. */
async function compare(actions: readonly Action[], hasRedis: boolean): Promise<void> {
  const hand = cacheByHand({
    redis: hasRedis,
    fillTimeoutMs: 1e9,
    memoryTtlMs,
    negativeTtlMs,
    staleWhileRevalidateMs,
    staleIfErrorMs,
  });
  const models = new Map<string, KeyModel>();
  const answered = new Set<unknown>();
  let valuesMade = 0;
  let storesExpected = 0;
  let releasesExpected = 0;

  const modelOf = (key: string): KeyModel => {
    const model = models.get(key) ?? { absentUntilMs: 0 };
    models.set(key, model);
    return model;
  };

  async function read(key: string): Promise<void> {
    const model = modelOf(key);
    const { nowMs } = hand.clock;
    const reader = outcome(hand.get(key));
    const newFill = (): FillModel => ({
      awaits: hasRedis ? 'redis' : 'source',
      redisMissed: false,
      readers: [],
    });
    if (model.entry && nowMs < model.entry.freshUntilMs + staleWhileRevalidateMs) {
      assert.equal(await reader, `memory ${model.entry.value}`);
      if (nowMs < model.entry.refreshFromMs || model.fill) return;
      // Past its time: it is read anew, and when that fails not again at once.
      model.fill = newFill();
      model.entry.refreshFromMs = nowMs + refreshPauseMs;
    } else if (nowMs < model.absentUntilMs) assert.equal(await reader, 'negative nothing');
    else {
      model.fill ??= newFill();
      model.fill.readers.push(reader);
    }
  }

  async function answer(key: string, how: How): Promise<void> {
    const model = modelOf(key);
    const { fill, entry } = model;
    const { nowMs } = hand.clock;
    if (!fill) return;
    const value = `${key}#${++valuesMade}`;
    const keep = () => {
      const freshUntilMs = nowMs + memoryTtlMs;
      model.entry = { value, freshUntilMs, refreshFromMs: freshUntilMs };
      model.absentUntilMs = 0;
    };
    const keepAbsence = () => {
      delete model.entry;
      model.absentUntilMs = nowMs + negativeTtlMs;
    };
    let expected: string;
    if (fill.awaits === 'redis') {
      const call = unanswered(hand.lookups, key);
      if (how === 'nothing' || how === 'failure') {
        call.resolve(how === 'nothing' ? granted(key) : { result: 'error' });
        fill.awaits = 'source';
        fill.redisMissed = how === 'nothing';
        return;
      }
      call.resolve({ result: 'hit', value: how === 'value' ? value : undefined, stamp: '' });
      if (how === 'value') keep();
      else keepAbsence();
      expected = `redis ${how === 'value' ? value : 'nothing'}`;
    } else {
      const call = unanswered(hand.loads, key);
      if (how === 'failure') {
        call.reject(new Error(key));
        if (fill.redisMissed) releasesExpected++;
        const isUsable = entry && nowMs < entry.freshUntilMs + staleIfErrorMs;
        expected = isUsable ? `stale ${entry.value}` : `error ${key}`;
      } else {
        call.resolve({ value: how === 'value' ? value : undefined, stamp: '' });
        if (how === 'value') keep();
        else keepAbsence();
        if (fill.redisMissed) storesExpected++;
        expected = `postgres ${how === 'value' ? value : 'nothing'}`;
      }
    }
    delete model.fill;
    for (const reader of await Promise.all(fill.readers)) assert.equal(reader, expected);
  }

  /** The key's one call that still waits. More than one, or none, is what this test is there to find. */
  function unanswered<T extends { key: string }>(calls: readonly T[], key: string): T {
    const [call, ...more] = calls.filter((call) => call.key === key && !answered.has(call));
    assert.ok(call && more.length === 0, `${more.length + (call ? 1 : 0)} calls for ${key} at once`);
    answered.add(call);
    return call;
  }

  for (const action of actions) {
    if (action.do === 'wait') hand.clock.nowMs += action.forMs;
    else if (action.do === 'read') await read(action.key);
    else await answer(action.key, action.how);
    await settle();
    const all = [...models.values()];
    assert.equal(hand.cache.fillsInFlight, all.filter(({ fill }) => fill).length);
    assert.equal(hand.cache.memoryEntries, all.filter(({ entry }) => entry).length);
    assert.deepEqual([hand.stores.length, hand.releases.length], [storesExpected, releasesExpected]);
    const waiting = [...hand.lookups, ...hand.loads].filter((call) => !answered.has(call));
    assert.equal(waiting.length, hand.cache.fillsInFlight, 'each fill waits for one call');
  }
  for (const [key, model] of models)
    while (model.fill) {
      await answer(key, 'nothing');
      await settle();
    }
}

for (const hasRedis of [true, false])
  test(`${hasRedis ? 'with' : 'without'} Redis, whatever fails and in whatever order, every reader gets what the model says`, () =>
    fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 60, size: 'max' }), (actions) =>
        compare(actions, hasRedis),
      ),
      { numRuns: 200 },
    ));
