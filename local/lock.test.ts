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
  process.stdin.once('data', () => console.log(takeLock(process.argv[1])?.pid ?? 'mine'));
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
  const dead = await startContender(path);
  assert.equal(await dead.take(), 'mine');
  await kill(dead);

  const contenders = await Promise.all(Array.from({ length: 6 }, () => startContender(path)));
  const answers = await Promise.all(contenders.map((each) => each.take()));
  const winner = contenders[answers.indexOf('mine')]?.child.pid;
  assert.deepEqual(answers.toSorted(), [...Array(5).fill(String(winner)), 'mine'].toSorted());
  assert.equal(readdirSync(folder).filter((name) => name.startsWith('contended')).length, 1);
  await Promise.all(contenders.map(kill));
  assert.equal(lockHolder(path), undefined);
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
