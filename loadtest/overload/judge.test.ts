import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge, voidReasons } from './judge.ts';
import type { Result } from './result.ts';
import { latencies, pass, result, step, withLastStep } from './testing.ts';

const broken = (judged: Result) =>
  judge(judged).flatMap(({ state, promise, found }) =>
    state === 'held' ? [] : [`${state}: ${promise}: ${found}`],
  );

test('seven promises are judged for those who give up and for those who retry', () => {
  const verdicts = judge(result());
  assert.deepEqual(broken(result()), []);
  assert.equal(verdicts.length, 14);
  assert.equal(verdicts.filter(({ promise }) => promise.endsWith(', refused clients retry')).length, 7);
});

for (const [claim, judged, expected] of [
  [
    'goodput that falls with the load breaks a promise',
    withLastStep({ goodputPerSecond: 134 }),
    'goodput at 10× is at least 0.9 of its peak, refused clients give up: 0.89 of 150/s at 1×',
  ],
  [
    'an admitted page that waits longer than the queue may hold it breaks a promise',
    withLastStep({ admittedMs: latencies(561) }),
    'p99 of what is admitted is at most 500 ms above that at 0.5×, refused clients give up: 561 ms at 10×, 560 ms are allowed',
  ],
  [
    'a slow refusal breaks a promise',
    withLastStep({ refusedMs: latencies(51) }),
    'p99 of refusals is at most 50 ms, refused clients give up: 51 ms at 10×',
  ],
  [
    'one page in memory that does not come breaks a promise',
    withLastStep({ hits: { requests: 6000, failed: 1, ms: latencies(3) } }),
    'every page in memory comes, refused clients give up: 1 of 36000 did not',
  ],
  [
    'a page in memory that takes more than twice its time breaks a promise',
    withLastStep({ hits: { requests: 6000, failed: 0, ms: latencies(4.1) } }),
    'p99 of pages in memory is at most 2 times what it is without load, refused clients give up: 4.1 ms at 10×, 4 ms are allowed',
  ],
  [
    'a slow recovery breaks a promise',
    result({ passes: [pass('give up'), pass('retry', { recoveryMs: 2250 })] }),
    'all is normal within 2000 ms of the step down, refused clients retry: after 2250 ms',
  ],
  [
    'no recovery breaks a promise',
    result({ passes: [pass('give up', { recoveryMs: null }), pass('retry')] }),
    'all is normal within 2000 ms of the step down, refused clients give up: it was not before the end',
  ],
  [
    'another status breaks a promise, also after the step down',
    result({ passes: [pass('give up', { stepDown: step(0.5, { otherOutcomes: { 500: 2, timeout: 1 } }) })] }),
    'the only statuses are 200 and 503, refused clients give up: 2 times 500, 1 times timeout',
  ],
] as const)
  test(claim, () => assert.deepEqual(broken(judged), [`broken: ${expected}`]));

test('what a late generator timed is void, and what it saw is not', () => {
  const late = withLastStep({
    lateMs: latencies(11),
    hits: { requests: 6000, failed: 1, ms: latencies(100) },
  });
  assert.deepEqual(voidReasons(late), [
    'The generator was late at 10× when refused clients give up: p99 11 ms, 10 ms are allowed.',
  ]);
  const states = judge(late).map(({ state }) => state);
  assert.deepEqual(states.slice(0, 7), ['void', 'void', 'void', 'broken', 'void', 'void', 'held']);
  assert.deepEqual(new Set(states.slice(7)), new Set(['held']), 'the other pass is what it was');
});

test('a generator without a core to itself, warm pages among the cold, and a busy machine make a run void as well', () => {
  assert.deepEqual(voidReasons(withLastStep({ generatorCores: 0.95 })), [
    'The generator used 95 % of a core at 10× when refused clients give up.',
  ]);
  assert.deepEqual(voidReasons(withLastStep({ warmPages: 451 })), [
    '451 of the cold pages were in memory at 10× when refused clients give up.',
  ]);
  assert.deepEqual(voidReasons(withLastStep({ warmPages: 450 })), []);
  assert.deepEqual(voidReasons(result({ lonelyReadMs: latencies(90) })), [
    'Reading a page took 45 ms without load: the machine was busy with something else.',
  ]);
  assert.deepEqual(voidReasons(result({ unloaded: step(0, { lateMs: latencies(20) }) })), [
    'The generator was late before the load: p99 20 ms, 10 ms are allowed.',
  ]);
});
