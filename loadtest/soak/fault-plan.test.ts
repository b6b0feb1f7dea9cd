import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { seededRandom } from '../provers/random.ts';
import { faultHelp, faultKinds, planFaults } from './fault-plan.ts';

const first = (count: number, seed: number, kinds = faultKinds) =>
  planFaults(seededRandom(seed), kinds).take(count).toArray();

suite('the plan of faults', () => {
  test('the same seed gives the same plan, another one another', () => {
    assert.deepEqual(first(50, 7), first(50, 7));
    assert.notDeepEqual(first(50, 7), first(50, 8));
  });

  test('has every kind before it has any again', () => {
    for (let seed = 0; seed < 20; seed++)
      for (const round of [0, 1]) {
        const faults = first(2 * faultKinds.length, seed).slice(
          round * faultKinds.length,
          (round + 1) * faultKinds.length,
        );
        assert.deepEqual(faults.map(({ kind }) => kind).sort(), faultKinds.toSorted());
      }
  });

  test('has only the kinds that were asked for, for as long as they say', () => {
    for (const { kind, durationMs } of first(20, 1, ['redis-stopped', 'worker-killed'])) {
      if (kind === 'worker-killed') assert.equal(durationMs, 0);
      else assert.ok(durationMs >= 1000 && durationMs <= 3000, faultHelp(kind));
    }
  });
});
