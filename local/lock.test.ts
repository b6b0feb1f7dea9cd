import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { lockHolder, takeLock } from './lock.js';
import { identify } from './processes.js';

const folder = mkdtempSync(join(tmpdir(), 'frontshelf-lock-'));
after(() => rmSync(folder, { recursive: true }));

const contender = `
  import { takeLock } from ${JSON.stringify(new URL('lock.js', import.meta.url))};
  process.stdin.on('data', () => console.log(takeLock(process.argv[1])?.pid ?? 'mine'));
  console.log('here');
`;

interface Contender {
  readonly child: ChildProcess;
  /** Resolves the holder's process id, or 'mine'. */
  take(): Promise<string>;
}

async function startContender(path: string): Promise<Contender> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', contender, path], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => String((await lines.next()).value);
  assert.equal(await next(), 'here');
  return {
    child,
    take() {
      child.stdin.write('\n');
      return next();
    },
  };
}

async function kill({ child }: Contender): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

test('of many that find the lock of a dead process, one gets it, and the others hear which', async () => {
  const path = join(folder, 'contended');
  const contenders = await Promise.all(Array.from({ length: 12 }, () => startContender(path)));
  try {
    // Each round the winner dies, so the next finds what it left.
    while (contenders.length > 1) {
      const answers = await Promise.all(contenders.map((each) => each.take()));
      const [winner] = contenders.splice(answers.indexOf('mine'), 1);
      assert.ok(winner);
      await kill(winner);
      const losers = answers.filter((answer) => answer !== 'mine');
      assert.deepEqual(losers, Array(contenders.length).fill(String(winner.child.pid)));
    }
    assert.equal(readdirSync(folder).filter((name) => name.startsWith('contended')).length, 1);
    assert.equal(lockHolder(path), undefined);
  } finally {
    await Promise.all(contenders.map(kill));
  }
});

test('a process that has the id of a dead holder is not the holder', () => {
  const path = join(folder, 'reused');
  symlinkSync(`${process.ppid}@another moment`, `${path}.1`);
  assert.equal(takeLock(path), undefined);
  assert.deepEqual(lockHolder(path), identify(process.pid));
});

test('a lock in a folder that is not there has no holder', () => {
  assert.equal(lockHolder(join(folder, 'missing', 'lock')), undefined);
});
