/**
 * Every guard of the coherence protocol is needed: without any one of them the model finds a history in which an answer
 * is too old. Each is taken out of a copy of this folder, in which the model test then has to fail.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { suite, test } from 'node:test';

interface Guard {
  readonly guard: string;
  readonly file: string;
  readonly code: string;
  readonly without: string;
  /** Where the model is lucky, so that the test does not take minutes. Elsewhere it needs up to thousands of histories. */
  readonly luck?: { readonly seed: number; readonly troubles?: Troubles };
}

/** Which of the model's tests. */
type Troubles = 'everything goes wrong' | 'have to join';

const guards: readonly Guard[] = [
  {
    guard: 'the floor: a value from Redis includes the changes that Redis may not have been told of',
    file: 'fill.ts',
    code: `if (!covers(found.stamp, floor)) return 'outdated';`,
    without: '',
    luck: { seed: 1 },
  },
  {
    guard: 'the floor is that of the time when the fill was registered',
    file: 'read-through.ts',
    code: 'floor: coherence.floor(key),',
    without: 'get floor() { return coherence.floor(key); },',
    luck: { seed: 3 },
  },
  {
    guard: 'the mark: a change detaches the fill that is under way',
    file: 'read-through.ts',
    code: 'if (begun) detach(begun);',
    without: '',
    luck: { seed: 3 },
  },
  {
    guard: 'a change outdates what memory has',
    file: 'read-through.ts',
    code: 'if (entry && !coherence.covers(entry.stamp, [id])) outdate(entry);',
    without: '',
    luck: { seed: 1 },
  },
  {
    guard: 'a change that was announced during a warm-up is in what the warm-up puts',
    file: 'read-through.ts',
    code: 'if (coherence.covers(stamp, [...coherence.floor(key), ...ids])) keep',
    without: 'keep',
  },
  {
    guard: 'stamps are compared with changes',
    file: 'coherence.ts',
    code: 'changes.every((id) => history.covers(stamp, id))',
    without: 'changes.length >= 0 || stamp === ""',
    luck: { seed: 1 },
  },
  {
    guard: 'nothing is fresh past the bound',
    file: 'read-through.ts',
    code: 'nowMs >= entry.servableUntilMs || nowMs >= coherence.freshUntilMs',
    without: 'nowMs >= entry.servableUntilMs',
    luck: { seed: 1 },
  },
  {
    guard: 'an announcement that does not follow what is known makes nothing fresh',
    file: 'coherence.ts',
    code: 'if (seen === undefined || !history.includes(seen, from)) return;',
    without: 'if (seen === undefined || from === "") return;',
  },
  {
    guard: 'what a worker has found by itself stays its floor until its host announces it',
    file: 'coherence.ts',
    code: 'else if (applied !== undefined || batch === Number.POSITIVE_INFINITY) {',
    without: 'else if (applied !== undefined && batch !== Number.POSITIVE_INFINITY) {',
  },
  {
    guard: 'the lease: Redis takes a value only from who was given the right since the last change',
    file: 'model-redis.ts',
    code: 'if (!isHeld(lease)) return false;',
    without: '',
  },
  {
    guard: 'telling Redis of a change takes the lease away',
    file: 'model-redis.ts',
    code: 'pages.set(nameOf({ epoch, key }), { told:',
    without: 'pages.set(nameOf({ epoch, key }), { ...(page?.value === undefined ? page : {}), told:',
  },
  {
    guard: 'the applied mark: a Redis that has been told less than it was told is not believed',
    file: 'model-redis.ts',
    code: `if (was === undefined || was.batch < batch) return { result: 'bypass' };`,
    without: '',
  },
  {
    guard: 'nothing is told to a Redis that has gone back behind what was told before',
    file: 'model-redis.ts',
    code: `if (was === undefined || was.batch < before.batch) return 'rewound';`,
    without: '',
  },
  {
    guard: 'the timeline: what was read from a database that has been restored since is not believed',
    file: 'coherence.ts',
    code: '!news.isComplete || news.timeline !== timeline',
    without: '!news.isComplete',
  },
  {
    guard: 'hosts of another timeline have another epoch',
    file: 'invalidation.ts',
    code: 'redis.read(timeline)',
    without: "redis.read(timeline).then(async (found) => found ?? (await redis.read('1')))",
  },
  {
    guard: 'a host that joins tells of all changes since what was told last',
    file: 'invalidation.ts',
    code: 'redis.tell(timeline, epoch, found.told, told, news.changes)',
    without: 'redis.tell(timeline, epoch, found.told, told, [])',
  },
  {
    guard: 'the epoch: after a change of every key Redis has another one',
    file: 'invalidation.ts',
    code: 'if (batch.changes.some(({ key }) => key === everyKey)) {',
    without: 'if (batch.changes.length < 0) {',
  },
  {
    guard: 'an epoch that a change of every key has ended is not joined',
    file: 'invalidation.ts',
    code: 'news.changes.every(({ key }) => key !== everyKey);',
    without: 'news.changes.length >= 0;',
  },
  {
    guard: 'a worker does not use the epoch that a change of every key has ended',
    file: 'coherence.ts',
    code: 'if (key === everyKey) applied = undefined;',
    without: 'if (key === everyKey) hasOwnFindings ||= false;',
  },
];

const source = import.meta.dirname;
const model = 'coherence.model.test.ts';

interface Search {
  readonly troubles: Troubles;
  readonly runs: number;
  readonly seed?: number;
}

const searches = ({ luck }: Guard): Search[] => [
  ...(luck ? [{ runs: 1000, seed: luck.seed, troubles: luck.troubles ?? 'everything goes wrong' }] : []),
  { troubles: 'everything goes wrong', runs: 20_000 },
  { troubles: 'have to join', runs: 20_000 },
];

/** Resolves after how many histories the model finds what is wrong in a copy of this folder without the guard, if it does. */
async function historiesWithout(guard: Guard): Promise<number | undefined> {
  const { file, code, without } = guard;
  const folder = mkdtempSync(join(tmpdir(), 'frontshelf-guards-'));
  try {
    cpSync(source, join(folder, 'cache'), { recursive: true });
    symlinkSync(join(source, '../node_modules'), join(folder, 'node_modules'));
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    const path = join(folder, 'cache', file);
    const text = readFileSync(path, 'utf8');
    assert.equal(text.split(code).length, 2, `${file} has this once: ${code}`);
    writeFileSync(
      path,
      text.replace(code, () => without),
    );
    for (const search of searches(guard)) {
      const found = await runModel(join(folder, 'cache', model), search);
      if (found !== undefined) return found;
    }
    return undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runModel(path: string, { troubles, runs, seed }: Search): Promise<number | undefined> {
  // A test runner of its own, not a part of this one.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const child = spawn(process.execPath, ['--test-reporter=spec', `--test-name-pattern=${troubles}`, path], {
    env: {
      ...env,
      COHERENCE_RUNS: String(2 * runs),
      ...(seed !== undefined && { COHERENCE_SEED: String(seed) }),
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const status = new Promise((resolve) => child.once('close', resolve));
  const output = await text(child.stdout);
  if ((await status) === 0) return undefined;
  const [, after] = /Property failed after (\d+) tests/.exec(output) ?? assert.fail(output);
  // An answer that is too old, a Redis that is never used again, or hosts that never come to rest: not a mistake of the copy.
  assert.match(output, /misses \d+|miss \d+|used again|strictly equal|time goes on/, output);
  return Number(after);
}

suite('without one guard the model finds a history that breaks the promise', {
  concurrency: availableParallelism(),
}, () => {
  for (const guard of guards)
    test(guard.guard, async (t) => {
      const histories = await historiesWithout(guard);
      assert.ok(histories !== undefined, 'the model finds nothing wrong');
      t.diagnostic(`found after ${histories} histories`);
    });
});
