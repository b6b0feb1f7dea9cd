/**
 * What one would assemble today out of well-kept parts: Fastify, pg, and bentocache with a tier in memory, one in Redis and
 * a bus between processes.
 */
import cluster from 'node:cluster';
import { createServer } from './server.ts';

const { PORT, WORKERS = '1', DATABASE_URL = '', REDIS_URL = '', TTL_MS = '60000' } = process.env;

if (cluster.isPrimary && Number(WORKERS) > 1) forkWorkers(Number(WORKERS));
else await serve();

function forkWorkers(count: number): void {
  let stopping = false;
  for (let i = 0; i < count; i++) cluster.fork();
  cluster.on('exit', () => {
    // Not at once, as it may be the database that is not there.
    if (!stopping) setTimeout(() => stopping || cluster.fork(), 1000);
  });
  process.once('SIGTERM', () => {
    stopping = true;
    for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill('SIGTERM');
  });
}

async function serve(): Promise<void> {
  const app = createServer({ databaseUrl: DATABASE_URL, redisUrl: REDIS_URL, ttlMs: Number(TTL_MS) });
  process.once('SIGTERM', async () => {
    await app.close();
    // bentocache would wait for a Redis that is down before it let go of its connections.
    process.exit();
  });
  await app.listen({ host: '127.0.0.1', port: Number(PORT) });
}
