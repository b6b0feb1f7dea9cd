/** For tests: what goes wrong in production, made for real. Each fault lasts until the function it returns is called. */
import { connect, type Socket } from 'node:net';
import { constants, setPriority } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import pg from 'pg';
import { eventually } from '../../cache/eventually.ts';
import { startClients } from '../../cluster/keep-alive-clients.ts';
import type { ServerProcess } from '../../cluster/server-process.ts';
import { pipelinedMax } from '../../server/limits.ts';
import type { TestDatabase } from '../../sql/testing.ts';

export type Mend = () => Promise<unknown>;

/** Goes on until it is mended; a failure on the way comes out there. */
function during(act: (isOver: () => boolean) => Promise<unknown>): Mend {
  let isOver = false;
  const acting = act(() => isOver);
  acting.catch(() => {});
  return () => {
    isOver = true;
    return acting;
  };
}

/** Every read of a product waits for up to so long, because somebody locks the table over and over. */
export const slowPostgres = (database: TestDatabase, lockMs = 100): Mend =>
  during(async (isOver) => {
    const client = new pg.Client({ connectionString: database.ownerUrl });
    await client.connect();
    try {
      while (!isOver())
        await client.query(
          `BEGIN; LOCK TABLE product IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(${lockMs / 1000}); COMMIT`,
        );
    } finally {
      await client.end();
    }
  });

/** No fault: some product's description changes every 500 ms, as a catalogue's do. */
export const editor = (database: TestDatabase): Mend =>
  during(async (isOver) => {
    const client = new pg.Client({ connectionString: database.ownerUrl });
    await client.connect();
    try {
      while (!isOver()) {
        await client.query(
          "UPDATE product SET description = description || '.' WHERE id = (SELECT id FROM product ORDER BY random() LIMIT 1)",
        );
        await delay(500);
      }
    } finally {
      await client.end();
    }
  });

/** Pages that nobody has asked for, each once, so that every one is a read from Postgres. */
export async function crawler(url: string, clientCount: number): Promise<Mend> {
  const paths = Array.from({ length: 20_000 }, (_, i) => `/v1/products/crawled-${i}`);
  const perClient = Math.floor(paths.length / clientCount);
  const crawlers = await Promise.all(
    Array.from({ length: clientCount }, (_, i) =>
      // One for each, as they are started one after the other and Postgres may not answer.
      startClients(url, 1, paths.slice(i * perClient, (i + 1) * perClient), { pauseMs: 50 }),
    ),
  );
  return () => Promise.all(crawlers.map((clients) => clients.stop()));
}

/** A worker is killed three times, and the one after that hangs before it is ready. */
export async function restartLoop(server: ServerProcess): Promise<Mend> {
  const slotOf = async () => (await server.status()).workers.find(({ slot }) => slot === 0);
  for (let death = 0; death < 3; death++) {
    const pid = await eventually('the worker is ready', 10_000, async () => {
      const { state, pid } = (await slotOf()) ?? {};
      return state === 'ready' && pid != null && pid;
    });
    process.kill(pid, 'SIGKILL');
    await eventually('its death is known', 5000, async () => (await slotOf())?.pid !== pid);
  }
  const pid = await eventually('it is started again', 10_000, async () => (await slotOf())?.pid ?? undefined);
  process.kill(pid, 'SIGSTOP');
  return async () => process.kill(pid, 'SIGCONT');
}

/**
 * Clients send their next requests as soon as one is answered, all that may wait at once, which is more than a worker can
 * ever answer. The workers run at the least priority from then on, so that nobody else on the machine is starved.
 */
export async function flood(server: ServerProcess): Promise<Mend> {
  const { workers } = await server.status();
  for (const { pid } of workers) if (pid != null) setPriority(pid, constants.priority.PRIORITY_LOW);
  const { hostname: host, port } = new URL(server.url);
  const request = `GET /livez HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
  const answerEnd = '{"status":"ok"}';
  const sockets = Array.from({ length: 4 * workers.length }, () => {
    const socket = connect({ host, port: Number(port) });
    let rest = '';
    return socket
      .setEncoding('latin1')
      .on('connect', () => socket.write(request.repeat(pipelinedMax)))
      .on('data', (text: string) => {
        const pieces = (rest + text).split(answerEnd);
        rest = pieces.pop() ?? '';
        socket.write(request.repeat(pieces.length));
      })
      .on('error', () => {});
  });
  return async () => {
    for (const socket of sockets) socket.destroy();
  };
}

/** Clients hold as many connections as the server may have, without a word, and make new ones as they are closed. */
export function crowd(server: ServerProcess, maxConnections: number): Mend {
  const { hostname: host, port } = new URL(server.url);
  return during(async (isOver) => {
    const sockets = new Set<Socket>();
    while (!isOver()) {
      while (sockets.size < maxConnections) {
        const socket = connect({ host, port: Number(port) });
        sockets.add(
          socket
            .on('error', () => {})
            .on('close', () => sockets.delete(socket))
            .resume(),
        );
      }
      await delay(100);
    }
    for (const socket of sockets) socket.destroy();
  });
}

/**
 * Servers lose the session in which they listen, and their role may have no more sessions than it has: what they have
 * goes on, a new one is refused.
 */
export async function deafServers(database: TestDatabase, superuserUrl: string): Promise<Mend> {
  const role = new URL(database.readerUrl).username;
  const admin = (sql: string) => execute(superuserUrl, sql);
  await admin(`ALTER ROLE ${role} CONNECTION LIMIT 1`);
  await admin(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'frontshelf-listen' ",
  );
  return () => admin(`ALTER ROLE ${role} CONNECTION LIMIT -1`);
}

/** The change log is pruned further than any server has read it. */
export const prunedTooFar = (database: TestDatabase): Promise<unknown> =>
  execute(
    database.ownerUrl,
    "UPDATE catalogue_change_horizon SET pruned = format('%s:%1$s:', pg_current_xact_id()::text::bigint + 5)::pg_snapshot",
  );

/** A Redis that has lost what it held and has no room for anything new, as after a start with a wrong `maxmemory`. */
export async function fullRedis(url: string): Promise<Mend> {
  const redis = new Redis(url);
  await redis.config('SET', 'maxmemory-policy', 'noeviction');
  await redis.config('SET', 'maxmemory', '1');
  await redis.flushall();
  return async () => {
    await redis.config('SET', 'maxmemory', '256mb');
    redis.disconnect();
  };
}

async function execute(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
