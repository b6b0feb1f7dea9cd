import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A process of the bench that answers a line of JSON with a line of JSON. */
export interface Child {
  readonly pid: number;
  /** Rejects when the process ends without an answer. `Answer` is what the file's own type for it says. */
  ask<Answer>(question: unknown): Promise<Answer>;
  stop(): void;
}

/** Starts a TypeScript file on one core, or on any where `core` is undefined. */
export function startChild(file: URL, core: number | undefined): Child {
  const path = fileURLToPath(file);
  const node = [process.execPath, path];
  const [command = '', ...args] = core === undefined ? node : ['taskset', '-c', String(core), ...node];
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  if (child.pid === undefined) throw new Error(`cannot start ${command}`);
  // A child that ends early is reported by its missing answer.
  child.stdin.on('error', () => {});
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return {
    pid: child.pid,
    async ask(question) {
      child.stdin.write(`${JSON.stringify(question)}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error(`${path} ended without an answer`);
      return JSON.parse(value);
    },
    stop: () => child.stdin.end(),
  };
}
