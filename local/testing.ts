/**
 * One Postgres and one Redis for all tests, on free ports, which vanish with the run. Given to
 * `node --test --test-global-setup`; test files find them in TEST_POSTGRES_URL (superuser, database `postgres`)
 * and TEST_REDIS_URL (unset where no Redis can be had). A test that breaks a service starts its own, with
 * startPostgres and startRedis.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres } from './postgres.ts';
import { isRunning, type ProcessIdentity } from './processes.js';
import { findOrInstallRedis, startRedis } from './redis.ts';

const folder = mkdtempSync(join(tmpdir(), 'frontshelf-test-'));
const started: ProcessIdentity[] = [];
const stops: (() => Promise<void>)[] = [];

export async function globalSetup(): Promise<void> {
  process.once('exit', removeAll);
  // The test runner ends itself on the other signals; this one, of a closed terminal, it does not know.
  process.once('SIGHUP', () => process.exit(129));
  try {
    await startAll();
  } catch (error) {
    // Thrown from here, it would end the process without its `exit` handlers.
    console.error(error);
    process.exit(1);
  }
}

async function startAll(): Promise<void> {
  const onSpawn = (identity: ProcessIdentity) => started.push(identity);
  // For the user that Postgres runs as when the tests are root's.
  chmodSync(folder, 0o755);
  const program = await findOrInstallRedis(console.log);
  const [postgres, redis] = await Promise.all([
    startPostgres({
      dataDir: join(folder, 'postgres'),
      password: 'test',
      settings: { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: 300 },
      onSpawn,
    }),
    program === undefined ? undefined : startRedis({ program, onSpawn }),
  ]);
  stops.push(() => postgres.stop());
  process.env.TEST_POSTGRES_URL = postgres.url;
  if (redis) {
    stops.push(() => redis.stop());
    process.env.TEST_REDIS_URL = redis.url;
  }
}

export async function globalTeardown(): Promise<void> {
  await Promise.all(stops.map((stop) => stop()));
}

/** The last resort when the run ends early, as on a closed terminal: an `exit` handler cannot await. */
function removeAll(): void {
  const running = started.filter(isRunning);
  for (const { pid } of running)
    try {
      process.kill(pid, 'SIGQUIT');
    } catch {
      // It has just ended.
    }
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (let waits = 0; running.some(isRunning) && waits < 100; waits++) Atomics.wait(pause, 0, 0, 20);
  rmSync(folder, { recursive: true, force: true });
}
