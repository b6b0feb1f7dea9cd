import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { faultKinds, planFaults } from './fault-plan.ts';

const options = { seed: 7, fromMs: 30_000, untilMs: 120_000, hosts: 2 };

suite('the plan of faults', () => {
  test('the same seed gives the same plan, another one another', () => {
    assert.deepEqual(planFaults(options), planFaults(options));
    assert.notDeepEqual(planFaults(options), planFaults({ ...options, seed: 8 }));
  });

  test('has a fault every 2 s on average, in order and in its time', () => {
    const plan = planFaults(options);
    assert.equal(plan.length, 45);
    const times = plan.map(({ atMs }) => atMs);
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    );
    assert.ok(times.every((atMs) => atMs >= 30_000 && atMs <= 120_000));
  });

  test('has every kind, whatever the seed, even where the time is short', () => {
    for (let seed = 0; seed < 50; seed++)
      for (const untilMs of [31_000, 120_000]) {
        const kinds = new Set(planFaults({ ...options, seed, untilMs }).map(({ kind }) => kind));
        assert.deepEqual([...kinds].sort(), faultKinds.toSorted());
      }
  });

  test('has only the kinds that were asked for, of every host', () => {
    const plan = planFaults({ ...options, kinds: ['wake-up-lost'] });
    assert.ok(plan.every(({ kind }) => kind === 'wake-up-lost'));
    assert.deepEqual([...new Set(plan.map(({ host }) => host))].sort(), [0, 1]);
    assert.ok(plan.every(({ durationMs }) => durationMs >= 2000 && durationMs <= 5000));
  });
});
