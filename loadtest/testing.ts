/** For tests: a real server over a small catalogue of its own, and the lab's commands as a person runs them. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createTestDatabase } from '../sql/testing.ts';

/** Why no server can be started, for a test's `skip`; false when one can. */
export const noDatabase = process.env.TEST_POSTGRES_URL
  ? false
  : 'TEST_POSTGRES_URL is not set; use npm test';

export interface TestServer {
  readonly url: string;
  readonly adminUrl: string;
  stop(): Promise<void>;
}

const path = (file: string) => fileURLToPath(new URL(file, import.meta.url));

/** Starts it with one worker, on free ports, and resolves when it is ready. */
export async function startTestServer(products: number): Promise<TestServer> {
  const database = await createTestDatabase({ products });
  const server = spawn(process.execPath, [path('../cluster/main.ts')], {
    env: {
      ...process.env,
      DATABASE_URL: database.readerUrl,
      REDIS_URL: '',
      WORKERS: '1',
      PORT: '0',
      ADMIN_PORT: '0',
      LOG_LEVEL: 'warn',
    },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const exited = once(server, 'exit');
  const stop = async () => {
    server.kill('SIGTERM');
    await exited;
    await database.drop();
  };
  const [message] = await Promise.race([once(server, 'message'), exited]);
  if (typeof message?.url === 'string' && typeof message.adminUrl === 'string')
    return { url: message.url, adminUrl: message.adminUrl, stop };
  await stop();
  throw new Error('the server ended before it was ready');
}

/** Runs a command of the lab to its end. */
export function runCommand(
  file: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<{ exitCode: unknown; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [path(file), ...args], { env }, (error, stdout, stderr) =>
      resolve({ exitCode: error ? error.code : 0, stdout, stderr }),
    );
  });
}
