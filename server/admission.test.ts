/** A clock that stands still until it is advanced, and a source whose calls take as long as one likes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createAdmission, Overloaded, type ShedReason } from './admission.ts';
import type { PressureLevel } from './pressure.ts';

function setUp({ capacity = 2 } = {}) {
  let nowMs = 0;
  const timers: { readonly atMs: number; fire(): void }[] = [];
  const pressure: { level: PressureLevel; share: number; lateMs: number } = { level: 0, share: 1, lateMs: 0 };
  const shed: ShedReason[] = [];
  const waits: number[] = [];
  const refusedAfterMs: number[] = [];
  const delay = (ms: number) =>
    new Promise<void>((fire) => {
      timers.push({ atMs: nowMs + ms, fire });
    });
  const admission = createAdmission({
    capacity,
    pressure,
    observer: { admitted: (waitedMs) => waits.push(waitedMs), shed: (reason) => shed.push(reason) },
    now: () => nowMs,
    delay,
  });
  const settled = async () => {
    for (let i = 0; i < 20; i++) await Promise.resolve();
  };
  /** Lets time pass, timer by timer. */
  async function advance(ms: number): Promise<void> {
    const untilMs = nowMs + ms;
    for (;;) {
      await settled();
      const next = timers.filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined) break;
      timers.splice(timers.indexOf(next), 1);
      nowMs = next.atMs;
      next.fire();
    }
    nowMs = untilMs;
  }

  const begun: string[] = [];
  const outcomes = new Map<string, 'answered' | 'refused' | 'failed'>();
  const client = { isGone: false };
  const active = { now: 0, most: 0 };
  function ask(
    name: string,
    tookMs: number,
    { isWaitedFor = true, isGone = () => false }: { isWaitedFor?: boolean; isGone?: () => boolean } = {},
  ): void {
    const askedAtMs = nowMs;
    admission
      .run({ isWaitedFor: () => isWaitedFor, isWanted: () => !isGone() }, async () => {
        begun.push(name);
        active.now++;
        active.most = Math.max(active.most, active.now);
        await delay(tookMs);
        active.now--;
        if (name.startsWith('bad')) throw new Error('the source failed');
      })
      .then(
        () => outcomes.set(name, 'answered'),
        (error) => {
          outcomes.set(name, error instanceof Overloaded ? 'refused' : 'failed');
          if (error instanceof Overloaded) refusedAfterMs.push(nowMs - askedAtMs);
        },
      );
  }
  return { admission, pressure, shed, waits, refusedAfterMs, begun, outcomes, client, active, ask, advance };
}

test('as many as the source answers at once are begun at once, the next when one has ended, in their order', async () => {
  const { ask, advance, begun, waits, admission } = setUp();
  for (const name of ['a', 'b', 'c', 'd']) ask(name, 30);
  assert.deepEqual([begun, admission.queued], [['a', 'b'], 2]);
  await advance(31);
  assert.deepEqual(begun, ['a', 'b', 'c', 'd']);
  assert.deepEqual(waits, [0, 0, 30, 30]);
});

test('a call that fails makes room like any other, and its error is its caller’s', async () => {
  const { ask, advance, begun, outcomes } = setUp({ capacity: 1 });
  ask('bad', 10);
  ask('next', 10);
  await advance(25);
  assert.deepEqual(begun, ['bad', 'next']);
  assert.deepEqual(
    [...outcomes],
    [
      ['bad', 'failed'],
      ['next', 'answered'],
    ],
  );
});

/** A source whose calls take so long, as one call has shown. */
async function knownToTake(tookMs: number, capacity = 1) {
  const all = setUp({ capacity });
  all.ask('first', tookMs);
  await all.advance(tookMs);
  all.begun.length = 0;
  return all;
}

test('before anything is known of the source, the queue holds ten times what it answers at once; who comes then is refused at once', async () => {
  const { ask, advance, shed, outcomes } = setUp({ capacity: 1 });
  for (let i = 0; i < 12; i++) ask(`${i}`, 1000);
  await advance(0);
  assert.deepEqual([shed, outcomes.get('11')], [['queue_full'], 'refused']);
});

test('who would wait for more than a quarter of a second, as calls take, is refused at once', async () => {
  const { ask, advance, begun, shed, waits } = await knownToTake(100, 2);
  // One begins at each of two places; five more have to wait for 50, 100, 150, 200 and 250 ms on average.
  for (let i = 0; i < 9; i++) ask(`${i}`, 100);
  await advance(0);
  assert.deepEqual([begun.length, shed], [2, ['queue_full', 'queue_full']]);
  await advance(500);
  assert.deepEqual([begun.length, Math.max(...waits)], [7, 300]);
});

test('once somebody has waited for half a second, who came last is next and who has waited for 20 ms is refused', async () => {
  const { ask, advance, begun, shed } = await knownToTake(1);
  ask('slow', 530);
  ask('early', 10);
  await advance(490);
  assert.deepEqual(shed, [], 'nobody has waited for too long');
  ask('a', 10);
  await advance(15);
  assert.deepEqual(shed, ['timeout'], 'the early one has');
  ask('b', 10);
  ask('c', 10);
  await advance(10);
  assert.deepEqual(shed, ['timeout', 'timeout']);
  await advance(10);
  ask('d', 10);
  await advance(5);
  assert.deepEqual(begun, ['slow', 'd']);
});

test('it is first in, first out again when the source has had room for all', async () => {
  const { ask, advance, begun } = await knownToTake(1);
  ask('slow', 530);
  ask('early', 10);
  await advance(550);
  // What has become slow is known to be, so that few may wait.
  for (let i = 0; i < 10; i++) {
    ask(`${i}`, 1);
    await advance(1);
  }
  begun.length = 0;
  ask('one', 10);
  ask('two', 10);
  ask('three', 10);
  await advance(40);
  assert.deepEqual(begun, ['one', 'two', 'three']);
});

test('while the queue stands and is full, who has waited longest makes room for who comes', async () => {
  const { ask, advance, outcomes, shed } = await knownToTake(1);
  ask('slow', 1000);
  ask('early', 10);
  await advance(510);
  for (let i = 0; i < 11; i++) ask(`${i}`, 10);
  await advance(0);
  assert.deepEqual([outcomes.get('0'), shed.at(-1)], ['refused', 'queue_full']);
});

test('a late event loop gives the queue as much more time, both to stand and to wait in it', async () => {
  const { ask, advance, pressure, shed, begun } = await knownToTake(1);
  pressure.lateMs = 30;
  ask('slow', 600);
  ask('early', 10);
  await advance(555);
  assert.deepEqual(shed, [], 'it is not standing yet');
  ask('a', 10);
  await advance(10);
  assert.deepEqual(shed, ['timeout']);
  await advance(40);
  assert.deepEqual(begun, ['slow', 'a']);
});

test('who has left before it is their turn costs the source nothing', async () => {
  const { ask, advance, begun, shed, client } = setUp({ capacity: 1 });
  ask('a', 50);
  ask('gone', 10, { isGone: () => client.isGone });
  ask('b', 10);
  client.isGone = true;
  await advance(60);
  assert.deepEqual([begun, shed], [['a', 'b'], ['abandoned']]);
});

test('what nobody waits for yet has its turn like all others, but none under pressure', async () => {
  const { ask, advance, pressure, begun, shed } = setUp({ capacity: 1 });
  ask('needed', 10);
  ask('early', 10, { isWaitedFor: false });
  await advance(25);
  pressure.level = 1;
  ask('early again', 10, { isWaitedFor: false });
  ask('needed too', 10);
  await advance(20);
  assert.deepEqual([begun, shed], [['needed', 'early', 'needed too'], ['refresh']]);
});

test('an event loop that is far behind begins nothing, but lets go on what is under way', async () => {
  const { ask, advance, pressure, outcomes, shed } = setUp();
  ask('under way', 30);
  pressure.level = 2;
  ask('late', 10);
  await advance(40);
  assert.deepEqual(shed, ['event_loop']);
  assert.deepEqual([outcomes.get('under way'), outcomes.get('late')], ['answered', 'refused']);
});

test('under pressure less is begun at once, but at least one; a share that grows again is used without an end of others', async () => {
  const { ask, advance, pressure, begun, admission } = setUp({ capacity: 8 });
  pressure.share = 1 / 4;
  for (let i = 0; i < 8; i++) ask(`${i}`, 80);
  assert.deepEqual([begun.length, admission.limit], [2, 2]);
  pressure.share = 1;
  await advance(10);
  assert.equal(begun.length, 8);
  pressure.share = 1 / 16;
  assert.equal(admission.limit, 1);
});

test('every call is either begun or refused, never both, and never more at once than there may be', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.array(
        fc.record({
          gapMs: fc.nat(30),
          tookMs: fc.nat(60),
          isWaitedFor: fc.boolean(),
          leavesAfterMs: fc.option(fc.nat(100)),
        }),
        { maxLength: 60 },
      ),
      async (capacity, arrivals) => {
        const { ask, advance, begun, shed, outcomes, active, admission } = setUp({ capacity });
        let atMs = 0;
        for (const [i, { gapMs, tookMs, isWaitedFor, leavesAfterMs }] of arrivals.entries()) {
          await advance(gapMs);
          atMs += gapMs;
          const leftAtMs = leavesAfterMs === null ? Number.POSITIVE_INFINITY : atMs + leavesAfterMs;
          ask(`${i}`, tookMs, { isWaitedFor, isGone: () => atMs > leftAtMs });
          assert.ok(admission.queued <= 10 * capacity);
        }
        await advance(10_000);
        assert.equal(begun.length + shed.length, arrivals.length);
        assert.equal(outcomes.size, arrivals.length);
        assert.equal(admission.queued, 0);
        assert.ok(active.most <= capacity);
      },
    ),
    { numRuns: 300 },
  );
});

for (const times of [1, 2, 5, 10])
  test(`at ${times} times what the source can answer, it answers 95 % of what it can, and nobody waits for long`, async () => {
    const { ask, advance, outcomes, waits, refusedAfterMs } = setUp({ capacity: 2 });
    const perSecond = 100;
    const seconds = 20;
    const requests = times * perSecond * seconds;
    for (let i = 0; i < requests; i++) {
      ask(`${i}`, 20);
      await advance(1000 / (times * perSecond));
    }
    const answered = [...outcomes.values()].filter((outcome) => outcome === 'answered').length;
    assert.ok(answered >= 0.95 * perSecond * seconds, `${answered} of ${perSecond * seconds}`);
    assert.ok(Math.max(...waits) <= 350);
    assert.equal(Math.max(0, ...refusedAfterMs), 0);
  });
