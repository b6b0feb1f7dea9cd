/** Which cores the generator has, and which the rest, so that neither takes the other's. */
import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

/** Of the machine; once this process keeps to some of them, it could no longer tell. */
export const machineCores = availableParallelism();

/** Whether the generator and the rest can have cores of their own. */
export const isPlaced = machineCores > 1 && process.platform === 'linux';

const generatorCore = String(machineCores - 1);

/** All that this process starts from now on leaves the last core to the generator, as does its own main thread. */
export function leaveGeneratorCore(): void {
  if (isPlaced)
    execFileSync('taskset', ['-p', '-c', `0-${machineCores - 2}`, String(process.pid)], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
}

/** The command that starts the same program on the generator's core. */
export const onGeneratorCore = (command: readonly string[]): string[] =>
  isPlaced ? ['taskset', '-c', generatorCore, ...command] : [...command];

/** How many the generator may use. */
export const generatorCores = isPlaced ? 1 : machineCores;

/** How many the target and what it stands on may use. */
export const serverCores = isPlaced ? machineCores - 1 : machineCores;
