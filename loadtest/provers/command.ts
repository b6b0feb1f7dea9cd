/** What the commands have in common that start a server of their own, do harm to it, and say what came of it. */
import { existsSync, writeFileSync } from 'node:fs';
import { report, untilStopped } from '../../local/conduct.ts';
import { Obstacle } from '../../local/obstacle.js';
import { type Belongings, gatherBelongings } from '../services/belongings.ts';

export interface Prover<Options extends { readonly json: string | undefined }> {
  /** As in `npm run NAME`. */
  readonly name: string;
  readonly help: string;
  /** Undefined: the help is wanted. Throws one sentence about the first option that is wrong. */
  readOptions(args: string[]): Options | undefined;
  prove(
    options: Options,
    belongings: Belongings,
    say: (line: string) => void,
  ): Promise<{
    /** What is written as JSON. */
    readonly result: unknown;
    readonly text: string;
    /** False: the command exits with 1. */
    readonly isKept: boolean;
  }>;
}

/** Runs it with the arguments of this process, which ends when it has; nothing that it has started outlives it. */
export async function runProver<Options extends { readonly json: string | undefined }>({
  name,
  help,
  readOptions,
  prove,
}: Prover<Options>): Promise<void> {
  let options: Options | undefined;
  try {
    options = readOptions(process.argv.slice(2));
  } catch (error) {
    process.exitCode = report(new Obstacle(error instanceof Error ? error.message : String(error)));
    return;
  }
  if (options === undefined) return console.log(help);
  const chosen = options;
  const belongings = gatherBelongings(name.replace(/^.*:/, ''));
  // Also when this process fails by a mistake of its own.
  process.once('exit', belongings.destroy);
  await untilStopped(
    async () => {
      if (!existsSync('/proc/net/tcp'))
        throw new Obstacle(`npm run ${name} needs Linux: /proc tells it which worker answers.`);
      const { result, text, isKept } = await prove(chosen, belongings, console.log);
      console.log(text);
      if (chosen.json) writeFileSync(chosen.json, `${JSON.stringify(result, null, 2)}\n`);
      return isKept ? 0 : 1;
    },
    async () => {},
  );
}
