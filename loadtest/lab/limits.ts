/** A share of the machine for the programs of a target, by the kernel's control groups (cgroups(7)), version 1 or 2. */
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Obstacle } from '../../local/obstacle.js';
import type { Size } from './result.ts';

const root = '/sys/fs/cgroup';
const periodMicros = 100_000;
const gibibyte = 2 ** 30;

/** As a generator needs a core or two beside the target: from so many cores on sizes are those of the first store. */
const coresForTrueSizes = 6;

/**
 * `base` and `scaled`, as 1 to 2: 2 and 4 cores with 2 and 8 GiB as the first store's machines had, or else half a
 * core and one core with 1 and 2 GiB. `whole` is no limit.
 */
export function sizeNamed(name: Size['name'], cores: number = availableParallelism()): Size {
  if (name === 'whole') return { name, cores: null, memoryBytes: null };
  const [share, gibibytes] =
    cores >= coresForTrueSizes
      ? ({ base: [2, 2], scaled: [4, 8] } as const)[name]
      : ({ base: [0.5, 1], scaled: [1, 2] } as const)[name];
  return { name, cores: share, memoryBytes: gibibytes * gibibyte };
}

export interface Limits {
  /** The command that starts the same program within the limits. */
  wrap(command: readonly string[]): string[];
  /** When all of its processes are gone. */
  remove(): void;
}

/** Throws Obstacle where this user may not make control groups. */
export function limitTo({ cores, memoryBytes }: Size): Limits {
  if (cores === null || memoryBytes === null) return { wrap: (command) => [...command], remove: () => {} };
  const name = `frontshelf-lab-${process.pid}-${Date.now()}`;
  const groups = existsSync(join(root, 'cgroup.controllers'))
    ? [
        {
          folder: join(root, name),
          settings: {
            'cpu.max': `${cores * periodMicros} ${periodMicros}`,
            'memory.max': memoryBytes,
            'memory.swap.max': 0,
          },
        },
      ]
    : [
        {
          folder: join(root, 'cpu', name),
          settings: { 'cpu.cfs_period_us': periodMicros, 'cpu.cfs_quota_us': cores * periodMicros },
        },
        { folder: join(root, 'memory', name), settings: { 'memory.limit_in_bytes': memoryBytes } },
      ];
  try {
    for (const { folder, settings } of groups) {
      mkdirSync(folder);
      for (const [file, value] of Object.entries(settings))
        if (value !== 0 || existsSync(join(folder, file))) writeFileSync(join(folder, file), String(value));
    }
  } catch (error) {
    throw new Obstacle(
      `This user cannot limit a program to ${cores} cores (${error instanceof Error ? error.message : error}): run as root with control groups of version 2, or take --size whole.`,
    );
  }
  return {
    wrap: (command) => [
      'sh',
      '-c',
      `for group in ${groups.map(({ folder }) => folder).join(' ')}; do echo $$ > $group/cgroup.procs; done; exec "$@"`,
      'sh',
      ...command,
    ],
    remove() {
      for (const { folder } of groups)
        try {
          rmdirSync(folder);
        } catch {
          // A process of it has not quite ended; the next run makes its own.
        }
    },
  };
}
