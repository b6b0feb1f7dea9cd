import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { test } from 'node:test';
import { limitTo, sizeNamed } from './limits.ts';

const mayLimit = ['/sys/fs/cgroup', '/sys/fs/cgroup/cpu', '/sys/fs/cgroup/memory']
  .filter((folder) => existsSync(folder))
  .every((folder) => {
    try {
      accessSync(folder, constants.W_OK);
      return process.getuid?.() === 0;
    } catch {
      return false;
    }
  });

test('sizes are those of the first store where there are cores enough, else as 1 to 2 as well', () => {
  const gibibyte = 2 ** 30;
  assert.deepEqual(sizeNamed('base', 8), { name: 'base', cores: 2, memoryBytes: 2 * gibibyte });
  assert.deepEqual(sizeNamed('scaled', 8), { name: 'scaled', cores: 4, memoryBytes: 8 * gibibyte });
  assert.deepEqual(sizeNamed('base', 2), { name: 'base', cores: 0.5, memoryBytes: gibibyte });
  assert.deepEqual(sizeNamed('scaled', 2), { name: 'scaled', cores: 1, memoryBytes: 2 * gibibyte });
  assert.deepEqual(sizeNamed('whole', 2), { name: 'whole', cores: null, memoryBytes: null });
});

test('a program and what it starts run within the limits, which are gone afterwards', {
  skip: mayLimit && existsSync('/sys/fs/cgroup') ? false : 'this user cannot make control groups',
}, () => {
  const limits = limitTo({ name: 'base', cores: 0.5, memoryBytes: 2 ** 28 });
  const show = `cat /proc/self/cgroup
    for folder in $(cut -d: -f3 /proc/self/cgroup | grep frontshelf-lab | sort -u); do
      cat /sys/fs/cgroup$folder/cpu.max /sys/fs/cgroup$folder/memory.max \\
        /sys/fs/cgroup/cpu$folder/cpu.cfs_quota_us /sys/fs/cgroup/memory$folder/memory.limit_in_bytes 2>/dev/null
    done; true`;
  const [command = '', ...args] = limits.wrap(['sh', '-c', `sh -c '${show}'`]);
  const shown = execFileSync(command, args, { encoding: 'utf8' });
  const group = /frontshelf-lab-\S+/.exec(shown)?.[0];
  assert.match(shown, /^50000( 100000)?$/m);
  assert.match(shown, /^268435456$/m);
  limits.remove();
  for (const folder of ['', 'cpu/', 'memory/']) assert.ok(!existsSync(`/sys/fs/cgroup/${folder}${group}`));
});

test('without a limit a command stays as it is', () => {
  const limits = limitTo(sizeNamed('whole'));
  assert.deepEqual(limits.wrap(['node', 'main.ts']), ['node', 'main.ts']);
  limits.remove();
});
