/**
 * The promise, under every interleaving that chance finds: up to two hosts with up to two workers, one Redis, one database;
 * calls are carried out and answered in any order or fail, messages are lost, workers and hosts crash, Redis is flushed,
 * restored from an older dump and evicts what it likes, transactions commit in another order than they began.
 *
 *   COHERENCE_RUNS=100000 npm run test:only -- cache/coherence.model.test.ts
 *   COHERENCE_SEED=7 COHERENCE_SHRINK=1 npm run test:only -- cache/coherence.model.test.ts
 *
 * The first for more histories; the second for those that a failure names by its seed, the last of them made short.
 */
import assert from 'node:assert/strict';
import { beforeEach, suite, test } from 'node:test';
import { setImmediate as settle } from 'node:timers/promises';
import fc from 'fast-check';
import { everyKey } from './entry.ts';
import { createWorld, type Read, stalenessMs, type World } from './model-world.ts';

const runs = Number(process.env.COHERENCE_RUNS ?? 10_000);

type Action =
  | { readonly do: 'begin' | 'change'; readonly keys: readonly string[] }
  | { readonly do: 'commit' | 'roll back' | 'fail' | 'evict' | 'forget told'; readonly n: number }
  | { readonly do: 'step'; readonly picks: readonly number[] }
  | { readonly do: 'read'; readonly worker: number; readonly key: string }
  | { readonly do: 'poll' | 'crash host'; readonly host: number }
  | { readonly do: 'crash worker' | 'warm up'; readonly worker: number }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'flush' | 'dump' | 'restore' | 'prune' | 'back up database' | 'restore database' };

const n = fc.nat({ max: 1000 });
const host = fc.nat({ max: 1 });
const worker = fc.nat({ max: 3 });
const weighted = (weight: number, arbitrary: fc.Arbitrary<Action>) => ({ weight, arbitrary });
/** What may go wrong, and how often beside 30 steps and 10 reads or so. */
interface Troubles {
  readonly failures: number;
  readonly redis: number;
  readonly evictions: number;
  readonly database: number;
  readonly crashes: number;
  readonly hostCrashes: number;
}

const actions = (troubles: Troubles): fc.Arbitrary<Action> =>
  fc.oneof(
    weighted(
      8,
      fc.record({
        do: fc.constantFrom('begin', 'change', 'change'),
        keys: fc.oneof(
          { weight: 9, arbitrary: fc.constant(['a']) },
          { weight: 1, arbitrary: fc.constant(['a', 'b']) },
          { weight: 1, arbitrary: fc.constant([everyKey]) },
        ),
      }),
    ),
    weighted(4, fc.record({ do: fc.constant('commit'), n })),
    weighted(1, fc.record({ do: fc.constant('roll back'), n })),
    weighted(24, fc.record({ do: fc.constant('step'), picks: fc.array(n, { minLength: 1, maxLength: 8 }) })),
    weighted(
      10,
      fc.record({ do: fc.constant('read'), worker, key: fc.constantFrom('a', 'a', 'a', 'a', 'a', 'b') }),
    ),
    weighted(7, fc.record({ do: fc.constant('poll'), host })),
    weighted(3, fc.record({ do: fc.constant('wait'), ms: fc.constantFrom(1, 20, 100, 249, 600, 2000) })),
    weighted(troubles.failures, fc.record({ do: fc.constant('fail'), n })),
    weighted(
      troubles.redis,
      fc.record({ do: fc.constantFrom('flush', 'dump', 'dump', 'dump', 'restore', 'restore', 'restore') }),
    ),
    weighted(
      troubles.evictions,
      fc.record({ do: fc.constantFrom('evict', 'forget told', 'forget told'), n }),
    ),
    weighted(
      troubles.database,
      fc.record({ do: fc.constantFrom('prune', 'back up database', 'restore database') }),
    ),
    weighted(troubles.crashes, fc.record({ do: fc.constantFrom('crash worker', 'warm up'), worker })),
    weighted(troubles.hostCrashes, fc.record({ do: fc.constant('crash host'), host })),
  );

function act(world: World, action: Action): Read | undefined {
  const workers = world.hosts.flatMap(({ workers }) => workers);
  switch (action.do) {
    case 'begin':
      world.begin(action.keys);
      break;
    case 'change':
      world.begin(action.keys);
      world.end(world.open.size - 1, true);
      break;
    case 'commit':
      world.end(action.n, true);
      break;
    case 'roll back':
      world.end(action.n, false);
      break;
    case 'step':
      break;
    case 'read': {
      const worker = workers[action.worker];
      // It serves nothing before it was told where the history begins.
      return worker?.coherence.asOfMs === undefined ? undefined : world.read(worker, action.key);
    }
    case 'poll': {
      const host = world.hosts[action.host];
      if (host) world.poll(host);
      break;
    }
    case 'wait':
      world.advance(action.ms);
      break;
    case 'fail':
      world.fail(action.n);
      break;
    case 'flush':
      world.flush();
      break;
    case 'dump':
      world.saveDump();
      break;
    case 'restore':
      world.restoreDump();
      break;
    case 'prune':
      world.prune();
      break;
    case 'back up database':
      world.saveDatabase();
      break;
    case 'restore database':
      world.restoreDatabase();
      break;
    case 'forget told':
      world.forgetTold(action.n);
      break;
    case 'evict':
      world.evict(action.n);
      break;
    case 'crash worker': {
      const worker = workers[action.worker];
      if (worker) world.crashWorker(worker);
      break;
    }
    case 'warm up': {
      const worker = workers[action.worker];
      if (worker?.coherence.asOfMs !== undefined) world.warmUp(worker, ['a', 'b']);
      break;
    }
    case 'crash host':
      world.crashHost(action.host);
  }
  return undefined;
}

/** Lets happen all that would by itself: so many steps that who waits for a lease, and looks every 4 ms, sees its end. */
async function calm(world: World, ms = 3000): Promise<void> {
  const untilMs = world.nowMs + ms;
  for (let i = 0; i < 2000 && world.nowMs < untilMs; i++) {
    if (i % 20 === 0) for (const host of world.hosts) world.poll(host);
    for (let steps = world.steps; steps > 0; steps--) world.step(0);
    await settle();
    if (world.steps === 0) world.skip();
  }
  assert.ok(world.nowMs >= untilMs, 'time goes on');
}

function check(world: World, { key, atMs, announced, served }: Read): void {
  if (served === undefined || served.servedFrom === 'stale') return;
  const { value = '' } = served;
  const [ofKey, ids = ''] = value.split('=');
  assert.equal(ofKey, key);
  const included = new Set(ids.split(','));
  if (world.restoredAtMs <= atMs - stalenessMs)
    for (const id of included)
      assert.ok(
        id === '' || world.commits.some((commit) => String(commit.id) === id),
        `${value}, served from ${served.servedFrom}, does not miss ${id}, which was lost by ${world.restoredAtMs}`,
      );
  for (const { id, keys, atMs: committedAtMs } of world.commits) {
    if (!keys.includes(key) && !keys.includes(everyKey)) continue;
    if (committedAtMs <= atMs - stalenessMs)
      assert.ok(
        included.has(String(id)),
        `${value}, asked for at ${atMs} and served from ${served.servedFrom}, misses ${id} of ${committedAtMs}`,
      );
    // After the database was restored the same id is another change.
    if (announced.includes(String(id)) && !Number.isFinite(world.restoredAtMs))
      assert.ok(
        included.has(String(id)),
        `${value}, served from ${served.servedFrom}, misses ${id}, announced before`,
      );
  }
}

interface History {
  readonly hosts: number;
  readonly workers: number;
  readonly actions: readonly Action[];
}

async function run({ hosts, workers, actions }: History): Promise<void> {
  const world = createWorld({ hosts, workers });
  await calm(world, 500);
  const reads: Read[] = [];
  for (const action of actions) {
    const read = act(world, action);
    if (read) reads.push(read);
    await settle();
    if (action.do === 'step')
      for (const pick of action.picks) {
        world.step(pick);
        await settle();
      }
    for (const read of reads) check(world, read);
    if (reads.length > 30) reads.splice(0, 10);
  }
  await calm(world);
  for (const read of reads) check(world, read);
  // When everything goes well again, everything is well again.
  for (const { workers } of world.hosts)
    for (const worker of workers) {
      assert.ok(worker.coherence.applied || worker.isUninformed, 'Redis is used again');
      const last = world.read(worker, 'a');
      await calm(world, 100);
      check(world, last);
      assert.equal(last.served?.value, world.current('a'));
      assert.notEqual(last.served?.servedFrom, 'stale');
    }
}

const seed = process.env.COHERENCE_SEED;

function promiseHolds(troubles: Troubles, numRuns: number): Promise<void> {
  const history = fc.record({
    hosts: fc.constantFrom(1, 2),
    workers: fc.constantFrom(1, 2),
    actions: fc.array(actions(troubles), { minLength: 20, maxLength: 100, size: 'max' }),
  });
  return fc.assert(fc.asyncProperty(history, run), {
    numRuns,
    ...(seed !== undefined && { seed: Number(seed) }),
    // To make the history as short as can be takes minutes.
    endOnFailure: process.env.COHERENCE_SHRINK === undefined,
  });
}

// Deadlines of the source: time passes in the model alone.
beforeEach((t) => 'mock' in t && t.mock.timers.enable({ apis: ['setTimeout'] }));

suite('no answer is older than the bound, or than what its worker knew', () => {
  test(`in ${Math.ceil(runs / 2)} random histories in which everything goes wrong`, () =>
    promiseHolds(
      { failures: 1, redis: 2, evictions: 1, database: 1, crashes: 1, hostCrashes: 1 },
      Math.ceil(runs / 2),
    ));

  test(`in as many in which hosts have to join again and again`, () =>
    promiseHolds(
      { failures: 0, redis: 2, evictions: 5, database: 0, crashes: 0, hostCrashes: 4 },
      Math.floor(runs / 2),
    ));
});
