/** What a worker knows of changes, message by message; all I/O and all time are the test's. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Pause, settle } from './by-hand.ts';
import { createCoherence, type FeedMessage, type News } from './coherence.ts';
import { type Change, everyKey } from './entry.ts';
import { modelHistory } from './model-history.ts';

const stalenessMs = 250;
const askEveryMs = 100;
const channelMs = 5;
const patienceMs = 50;

/** The stamp that includes every change with a smaller id than this. */
const before = (id: number) => `${id}:${id}:`;

interface Question {
  readonly since: string;
  resolve(news: Partial<News>): void;
  reject(error: Error): void;
}

/** Knows of nothing yet; `begun` is told at 1000 that the history begins where changes below 10 are visible. */
function coherenceByHand() {
  const clock = { nowMs: 1000 };
  const pauses: (Pause & { readonly dueMs: number })[] = [];
  const questions: Question[] = [];
  const heard: string[] = [];
  const applied: [changes: number, lagMs: number][] = [];
  let greetingsAsked = 0;
  const coherence = createCoherence({
    history: modelHistory,
    stalenessMs,
    askEveryMs,
    now: () => clock.nowMs,
    delay: (ms) => new Promise((resolve) => pauses.push({ ms, dueMs: clock.nowMs + ms, resolve })),
    ask(since) {
      const asOfMs = clock.nowMs;
      return new Promise<News>((resolve, reject) =>
        questions.push({
          since,
          resolve: (news) =>
            resolve({ timeline: 'past', changes: [], to: since, asOfMs, isComplete: true, ...news }),
          reject,
        }),
      );
    },
    onChanges: (_, changes, lagMs) => applied.push([changes, lagMs]),
    askGreeting: () => void greetingsAsked++,
  });
  coherence.listen({
    changed: ({ key, id }) => heard.push(`${key} ${id}`),
    everythingChanged: () => heard.push('everything'),
  });
  /** Time passes, and whatever waits for it goes on. */
  const pass = async (ms: number) => {
    const untilMs = clock.nowMs + ms;
    for (;;) {
      await settle();
      const due = pauses.filter(({ dueMs }) => dueMs <= untilMs).sort((a, b) => a.dueMs - b.dueMs)[0];
      if (due === undefined) break;
      pauses.splice(pauses.indexOf(due), 1);
      clock.nowMs = Math.max(clock.nowMs, due.dueMs);
      due.resolve();
    }
    clock.nowMs = untilMs;
    await settle();
  };
  return {
    coherence,
    clock,
    questions,
    heard,
    applied,
    pass,
    get greetingsAsked() {
      return greetingsAsked;
    },
    /** How long a request waits that comes now, and with what result, as soon as it is known. */
    request() {
      const atMs = clock.nowMs;
      const request: { isFresh?: boolean; waitedMs?: number } = {};
      void coherence.catchUp(atMs).then((isFresh) => {
        Object.assign(request, { isFresh, waitedMs: clock.nowMs - atMs });
      });
      return request;
    },
  };
}

const begin: FeedMessage = { type: 'begin', timeline: 'past', to: before(10), asOfMs: 1000 };

function begun() {
  const hand = coherenceByHand();
  hand.coherence.receive(begin);
  hand.heard.splice(0);
  return hand;
}

const mark = { epoch: 'epoch', host: 'host', batch: 0 };

/** The same, and Redis may be used. */
function begunWithRedis() {
  const hand = begun();
  hand.coherence.receive({ type: 'redis', applied: mark, pending: [] });
  return hand;
}

/** Changes that became visible after the stamp before `from`. */
const announcement = (
  from: number,
  to: number,
  number: number,
  changes: readonly Change[],
  asOfMs: number,
  timeline = 'past',
): FeedMessage => ({
  type: 'changes',
  timeline,
  from: before(from),
  to: before(to),
  asOfMs,
  batch: { number, changes },
});
const change = (key: string, id: number): Change => ({ key, id: String(id) });

test('nothing is fresh before it is known where the history begins, and nobody is asked for it', async () => {
  const hand = coherenceByHand();
  const request = hand.request();
  await hand.pass(0);
  assert.deepEqual(request, { isFresh: false, waitedMs: 0 });
  assert.equal(hand.questions.length, 0);
  assert.equal(hand.coherence.asOfMs, undefined);
});

test('within the bound of when the source was asked all is fresh, and nobody is asked', async () => {
  const hand = begun();
  hand.clock.nowMs = 1000 + stalenessMs - 1;
  const request = hand.request();
  await hand.pass(0);
  assert.deepEqual(request, { isFresh: true, waitedMs: 0 });
  assert.equal(hand.questions.length, 0);
  assert.equal(hand.coherence.freshUntilMs, 1250);
});

test('an announcement without changes keeps all fresh for as long again', () => {
  const { coherence } = begun();
  coherence.receive(announcement(10, 10, 0, [], 1200));
  assert.equal(coherence.freshUntilMs, 1450);
  coherence.receive(announcement(10, 10, 0, [], 1100));
  assert.equal(coherence.freshUntilMs, 1450, 'one that comes late does not take that back');
});

test('past the bound the source is asked once, for all requests that came meanwhile', async () => {
  const hand = begun();
  hand.clock.nowMs = 1300;
  const requests = Array.from({ length: 100 }, hand.request);
  await hand.pass(channelMs);
  requests.push(hand.request());
  await hand.pass(1);
  assert.deepEqual(
    hand.questions.map(({ since }) => since),
    [before(10)],
  );
  hand.questions[0]?.resolve({ to: before(12), changes: [change('k', 10), change('l', 11)] });
  await hand.pass(0);
  assert.ok(requests.every(({ isFresh }) => isFresh));
  assert.deepEqual(hand.heard, ['k 10', 'l 11']);
  assert.equal(hand.coherence.freshUntilMs, 1305 + stalenessMs, 'from when it was asked');
});

test('what its host has sent by 5 ms later spares the question', async () => {
  const hand = begun();
  hand.clock.nowMs = 1300;
  const request = hand.request();
  await hand.pass(channelMs - 1);
  hand.coherence.receive(announcement(10, 11, 1, [change('k', 10)], 1290));
  await hand.pass(1);
  assert.deepEqual(request, { isFresh: true, waitedMs: channelMs });
  assert.equal(hand.questions.length, 0);
});

test('an answer that was asked for too long ago makes nothing fresh', async () => {
  const hand = begun();
  hand.clock.nowMs = 1300;
  const early = hand.request();
  await hand.pass(channelMs);
  hand.clock.nowMs = 2000;
  const late = hand.request();
  hand.questions[0]?.resolve({});
  await hand.pass(patienceMs);
  assert.equal(early.isFresh, true);
  assert.equal(late.isFresh, false);
});

test('a source that hangs costs the requests that come first 50 ms, and none after them anything', async () => {
  const hand = begun();
  hand.clock.nowMs = 1300;
  const first = hand.request();
  await hand.pass(20);
  const second = hand.request();
  await hand.pass(100);
  assert.deepEqual(first, { isFresh: false, waitedMs: channelMs + patienceMs });
  assert.deepEqual(second, { isFresh: false, waitedMs: channelMs + patienceMs - 20 });
  for (let i = 0; i < 10; i++) {
    const later = hand.request();
    await hand.pass(0);
    assert.deepEqual(later, { isFresh: false, waitedMs: 0 });
    await hand.pass(100);
  }
  assert.equal(hand.questions.length, 1, 'it is still being asked');
});

test('a source that fails is left alone for POLL_MS, in which no request waits', async () => {
  const hand = begun();
  hand.clock.nowMs = 1300;
  const first = hand.request();
  await hand.pass(channelMs);
  hand.questions[0]?.reject(new Error('no source'));
  await hand.pass(0);
  assert.deepEqual(first, { isFresh: false, waitedMs: channelMs });
  await hand.pass(askEveryMs - 1);
  const second = hand.request();
  await hand.pass(0);
  assert.deepEqual(second, { isFresh: false, waitedMs: 0 });
  await hand.pass(1);
  hand.request();
  await hand.pass(channelMs);
  assert.equal(hand.questions.length, 2);
});

test('an announcement that does not follow what is known brings its changes and makes nothing fresh', () => {
  const { coherence, heard } = begun();
  // One that went from 10 to 12 was lost.
  coherence.receive(announcement(12, 13, 2, [change('k', 12)], 1200));
  assert.deepEqual(heard, ['k 12']);
  assert.equal(coherence.freshUntilMs, 1250);
});

test('after a lost announcement the worker finds by itself what it has missed, and goes on with the next', async () => {
  const hand = begun();
  hand.coherence.receive(announcement(12, 13, 2, [change('k', 12)], 1200));
  hand.clock.nowMs = 1300;
  const request = hand.request();
  await hand.pass(channelMs);
  assert.equal(hand.questions[0]?.since, before(10), 'since what it knows without a gap');
  hand.questions[0]?.resolve({ to: before(13), changes: [change('lost', 10), change('k', 12)] });
  await hand.pass(0);
  assert.equal(request.isFresh, true);
  assert.ok(hand.heard.includes('lost 10'));
  hand.coherence.receive(announcement(13, 13, 2, [], 1400));
  assert.equal(hand.coherence.freshUntilMs, 1650);
});

test('a change is a floor of its key until Redis has acknowledged its batch, and then the mark is higher', () => {
  const { coherence } = begunWithRedis();
  coherence.receive(announcement(10, 11, 1, [change('k', 10)], 1100));
  coherence.receive(announcement(11, 13, 2, [change('k', 11), change('l', 12)], 1100));
  assert.deepEqual(
    [coherence.floor('k'), coherence.floor('l'), coherence.floor('m')],
    [['10', '11'], ['12'], []],
  );
  assert.equal(coherence.floors, 2);
  coherence.receive({ type: 'acknowledged', batch: 1 });
  assert.deepEqual([coherence.floor('k'), coherence.applied], [['11'], { ...mark, batch: 1 }]);
  coherence.receive({ type: 'acknowledged', batch: 2 });
  assert.deepEqual([coherence.floors, coherence.applied], [0, { ...mark, batch: 2 }]);
  coherence.receive({ type: 'acknowledged', batch: 1 });
  assert.deepEqual(coherence.applied, { ...mark, batch: 2 }, 'never lower');
});

test('without a Redis there are no floors', () => {
  const { coherence, heard } = begun();
  coherence.receive(announcement(10, 11, 1, [change('k', 10)], 1100));
  assert.deepEqual(heard, ['k 10']);
  assert.equal(coherence.floors, 0);
});

test('a worker that is told of Redis is told what Redis does not know yet', () => {
  const { coherence } = begun();
  const pending = [{ number: 3, changes: [change('k', 7)] }];
  coherence.receive({ type: 'redis', applied: { ...mark, batch: 2 }, pending });
  assert.deepEqual([coherence.floor('k'), coherence.applied?.batch], [['7'], 2]);
  coherence.receive({ type: 'acknowledged', batch: 3 });
  assert.deepEqual([coherence.floors, coherence.applied?.batch], [0, 3]);
});

/** A worker past the bound that has found a change by itself. */
async function withFinding(found: Change) {
  const hand = begunWithRedis();
  hand.clock.nowMs = 1300;
  hand.request();
  await hand.pass(channelMs);
  hand.questions[0]?.resolve({ to: before(11), changes: [found] });
  await hand.pass(0);
  return hand;
}

test('what a worker has found by itself stays its floor, whatever is acknowledged, until its host has announced it', async () => {
  const { coherence } = await withFinding(change('k', 10));
  coherence.receive({ type: 'acknowledged', batch: 5 });
  assert.deepEqual(coherence.floor('k'), ['10'], 'that was without it');
  coherence.receive({ type: 'redis', applied: { ...mark, batch: 6 }, pending: [] });
  assert.deepEqual(coherence.floor('k'), ['10'], 'and so is that');
  coherence.receive(announcement(10, 10, 6, [], 1310));
  coherence.receive({ type: 'acknowledged', batch: 7 });
  assert.deepEqual(coherence.floor('k'), ['10'], 'its host had not seen it yet');
  coherence.receive(announcement(10, 11, 8, [change('k', 10)], 1320));
  assert.deepEqual(coherence.floor('k'), ['10']);
  coherence.receive({ type: 'acknowledged', batch: 8 });
  assert.equal(coherence.floors, 0);
});

test('what is found is told once, and not when it was known', async () => {
  const hand = begunWithRedis();
  hand.coherence.receive(announcement(10, 11, 1, [change('k', 10)], 1100));
  hand.clock.nowMs = 1400;
  hand.request();
  await hand.pass(channelMs);
  hand.questions[0]?.resolve({ to: before(12), changes: [change('k', 10), change('k', 11)] });
  await hand.pass(0);
  assert.deepEqual(hand.heard, ['k 10', 'k 11']);
});

test('a change of every key takes Redis away, and no floor brings it back but its host', async () => {
  const { coherence } = begunWithRedis();
  coherence.receive(announcement(10, 11, 1, [change(everyKey, 10)], 1100));
  assert.deepEqual([coherence.applied, coherence.floors], [undefined, 0]);
  coherence.receive({ type: 'acknowledged', batch: 1 });
  assert.equal(coherence.applied, undefined);
  coherence.receive({ type: 'redis', applied: { ...mark, epoch: 'next' }, pending: [] });
  assert.deepEqual(coherence.applied, { ...mark, epoch: 'next' });
});

test('whoever finds a change of every key by itself asks for a greeting', async () => {
  const hand = await withFinding(change(everyKey, 10));
  assert.deepEqual([hand.coherence.applied, hand.greetingsAsked], [undefined, 1]);
  assert.equal((await withFinding(change('k', 10))).greetingsAsked, 0, 'of another one it does not');
});

for (const [what, news] of [
  ['has forgotten changes', { isComplete: false }],
  ['is another one by now', { timeline: 'another' }],
] as const)
  test(`when the source ${what}, nothing known before counts, and a greeting is asked for`, async () => {
    const hand = begunWithRedis();
    hand.coherence.receive(announcement(10, 11, 1, [change('k', 10)], 1100));
    hand.clock.nowMs = 1400;
    const request = hand.request();
    await hand.pass(channelMs);
    hand.heard.splice(0);
    hand.questions[0]?.resolve({ to: before(20), ...news });
    await hand.pass(0);
    assert.deepEqual(hand.heard, ['everything']);
    assert.deepEqual([hand.coherence.applied, hand.coherence.floors, hand.greetingsAsked], [undefined, 0, 1]);
    assert.equal(request.isFresh, true, 'what is read from now on is');
  });

test('an announcement of another history begins it, and a greeting is asked for', () => {
  const hand = begunWithRedis();
  hand.coherence.receive(announcement(30, 31, 1, [change('k', 30)], 1100, 'another'));
  assert.deepEqual(hand.heard, ['everything']);
  assert.deepEqual([hand.coherence.applied, hand.greetingsAsked], [undefined, 1]);
  assert.equal(hand.coherence.freshUntilMs, 1350);
});

test('a beginning forgets floors, Redis and what was fresh', () => {
  const { coherence, heard } = begunWithRedis();
  coherence.receive(announcement(10, 11, 1, [change('k', 10)], 1100));
  heard.splice(0);
  coherence.receive({ type: 'begin', timeline: 'past', to: before(11), asOfMs: 1050 });
  assert.deepEqual(heard, ['everything']);
  assert.deepEqual([coherence.applied, coherence.floors, coherence.freshUntilMs], [undefined, 0, 1300]);
});

test('the lag of changes is told, from when the source was asked to when they are known here', () => {
  const { coherence, clock, applied } = begun();
  clock.nowMs = 1120;
  coherence.receive(announcement(10, 12, 1, [change('k', 10), change('l', 11)], 1100));
  coherence.receive(announcement(12, 12, 1, [], 1110));
  assert.deepEqual(applied, [[2, 20]]);
});
