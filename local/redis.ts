import { aptInstall, canApt } from './apt.js';
import { Obstacle } from './obstacle.js';
import { onPath } from './on-path.ts';
import { freePort } from './ports.ts';
import { end, type ProcessIdentity } from './processes.js';
import { type Service, startService } from './service.ts';
import { runAs, serviceAccount } from './unprivileged.ts';

export interface Redis extends Service {
  readonly port: number;
  readonly url: string;
  /** Resolves when it is gone; it keeps nothing. */
  stop(): Promise<void>;
}

/** The path of redis-server or valkey-server; undefined when neither is on the PATH. */
export const findRedis = () => onPath('redis-server', 'valkey-server');

/** The same, after installing it where apt can be used. `say` hears of that, since it takes a while. */
export async function findOrInstallRedis(say: (sentence: string) => void): Promise<string | undefined> {
  const found = findRedis();
  if (found !== undefined || !canApt()) return found;
  say('Installing redis-server with apt.');
  await aptInstall('redis-server', { service: 'redis-server' });
  return findRedis();
}

interface RedisOptions {
  /** Path of the program; the one on the PATH unless given. */
  readonly program?: string;
  /** A free one unless given. */
  readonly port?: number;
  /** More arguments; they win over those below. */
  readonly args?: readonly string[];
  readonly onSpawn?: (process: ProcessIdentity) => void;
}

/** A Redis that others on this machine can reach, and that forgets everything when it stops. */
export async function startRedis({
  program = findRedis(),
  port,
  args = [],
  onSpawn,
}: RedisOptions = {}): Promise<Redis> {
  if (program === undefined) throw new Obstacle('Neither redis-server nor valkey-server is on the PATH.');
  const chosen = port ?? (await freePort());
  const own = ['--port', String(chosen), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  own.push('--maxmemory', '256mb', '--maxmemory-policy', 'allkeys-lru');
  const invocation = runAs(serviceAccount(), program, [...own, ...args]);
  const service = await startService(invocation, 'Ready to accept connections', onSpawn);
  return {
    ...service,
    port: chosen,
    url: `redis://127.0.0.1:${chosen}`,
    async stop() {
      await end(service.process, [
        { signal: 'SIGTERM', waitMs: 1000 },
        { signal: 'SIGKILL', waitMs: 1000 },
      ]);
    },
  };
}
