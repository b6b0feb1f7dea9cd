import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeRun } from './judge.ts';
import { run } from './testing.ts';

test('a run that answered all, and was asked all, is valid', () => {
  assert.deepEqual(judgeRun(run(), 'page-view'), { state: 'valid', reasons: [] });
});

test('a run is broken by one wrong page, one wrong answer, or more than one request in a hundred that failed', () => {
  for (const [changes, reason] of [
    [
      { wrongPages: ['/v1/products/a: title differs'] },
      '1 page was not as the database has it, such as: /v1/products/a: title differs.',
    ],
    [{ faults: ['main.ts ended with SIGKILL.'] }, 'main.ts ended with SIGKILL.'],
    [{ wrongAnswers: 3 }, '3 of 1,000 answers held something else than was asked for.'],
    [{ failedRequests: 643 }, '643 of 1,000 requests failed, 64.3 %.'],
    [{ requests: 0, pageViews: 0 }, '0 requests were made.'],
  ] as const)
    assert.deepEqual(judgeRun(run(changes), 'page-view'), { state: 'broken', reasons: [reason] });
});

test('one request in a hundred may fail', () => {
  assert.equal(judgeRun(run({ failedRequests: 10 }), 'page-view').state, 'valid');
  assert.equal(judgeRun(run({ failedRequests: 11 }), 'page-view').state, 'broken');
});

test('failures are the point of breakpoint and redis-down, wrong answers never are', () => {
  for (const scenario of ['breakpoint', 'redis-down']) {
    assert.equal(judgeRun(run({ failedRequests: 500 }), scenario).state, 'valid');
    assert.equal(judgeRun(run({ wrongAnswers: 1 }), scenario).state, 'broken');
  }
});

test('a run is void when iterations were dropped or the generator had no tenth of its cores left', () => {
  for (const [changes, reason] of [
    [{ droppedIterations: 7 }, 'The generator could not begin 7 iterations.'],
    [{ generatorCpuSeconds: 9.6 }, 'The generator used 96 % of its core.'],
    [{ generatorCpuSeconds: 38, generatorCores: 4 }, 'The generator used 95 % of its 4 cores.'],
  ] as const)
    assert.deepEqual(judgeRun(run(changes), 'page-view'), { state: 'void', reasons: [reason] });
  assert.equal(judgeRun(run({ generatorCpuSeconds: 9 }), 'page-view').state, 'valid');
});

test('iterations that a target at its breakpoint made the generator drop are no fault of the generator', () => {
  assert.equal(judgeRun(run({ droppedIterations: 7 }), 'breakpoint').state, 'valid');
  assert.equal(judgeRun(run({ generatorCpuSeconds: 9.6 }), 'breakpoint').state, 'void');
});

test('a run that is broken and void is broken', () => {
  const { state, reasons } = judgeRun(run({ wrongAnswers: 1, droppedIterations: 7 }), 'page-view');
  assert.deepEqual([state, reasons.length], ['broken', 1]);
});
