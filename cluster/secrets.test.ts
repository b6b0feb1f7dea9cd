/** Whatever goes wrong, no secret of the settings and nothing that a client wrote freely is shown anywhere. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { Redis as Client } from 'ioredis';
import pg from 'pg';
import { eventually } from '../cache/eventually.ts';
import { freePort } from '../local/ports.ts';
import { type Postgres, startPostgres } from '../local/postgres.ts';
import { findRedis, type Redis, startRedis } from '../local/redis.ts';
import { createTestDatabase, type TestDatabase } from '../sql/testing.ts';
import { get } from './keep-alive-clients.ts';
import { runServer, startServer } from './server-process.ts';

/** Each begins alike, so that a part of one is found too; they need escapes in URLs and in JSON. */
const databasePassword = 'xq7z-database"\\/@ %';
const redisPassword = 'xq7z-redis"\\/@ %';
const adminToken = 'xq7z-token-xq7z-token-xq7z-token-';
const ofClient = 'xq7z-client';

function assertNoSecret(text: string, what: string): void {
  const at = text.search(/xq7z/i);
  assert.ok(at < 0, `${what}: …${text.slice(Math.max(0, at - 200), at + 100)}…`);
}

const withLogin = (url: string, user: string, password: string): string =>
  Object.assign(new URL(url), { username: user, password: encodeURIComponent(password) }).href;

suite('secrets', { skip: findRedis() === undefined && 'there is no Redis on this machine' }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'frontshelf-secrets-'));
  const postgresOptions = { dataDir: join(folder, 'postgres'), password: 'test', settings: { fsync: 'off' } };
  let postgres: Postgres;
  let database: TestDatabase;
  let redis: Redis;
  let echo: Server;
  let databaseUrl: string;

  before(async () => {
    chmodSync(folder, 0o755);
    postgres = await startPostgres(postgresOptions);
    database = await createTestDatabase({ server: postgres.url, products: 20 });
    await setPassword(databasePassword);
    databaseUrl = withLogin(database.readerUrl, 'frontshelf_reader', databasePassword);
    redis = await startRedis();
    const admin = new Client(redis.url);
    await admin.acl('SETUSER', 'shop', 'on', `>${redisPassword}`, '~*', '&*', '+@all');
    admin.disconnect();
    // As a Redis answers that does not know the command: with its arguments.
    echo = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (bytes) => {
        const sent = bytes.toString('latin1').replaceAll(/\s+/g, ' ');
        socket.write(`-ERR unknown command, with args beginning with: ${sent}\r\n`, 'latin1');
      });
    }).listen(0, '127.0.0.1');
    await once(echo, 'listening');
  });
  after(async () => {
    echo?.close();
    await redis?.stop();
    await postgres?.stop('immediate');
    rmSync(folder, { recursive: true, force: true });
  });

  async function asSuperuser(sql: string): Promise<void> {
    const client = new pg.Client({ connectionString: database.superuserUrl });
    client.on('error', () => {});
    await client.connect();
    try {
      await client.query(sql);
    } finally {
      await client.end();
    }
  }

  const setPassword = (password: string) =>
    asSuperuser(`ALTER ROLE frontshelf_reader PASSWORD ${pg.escapeLiteral(password)}`);
  const endSessions = () =>
    asSuperuser("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'frontshelf_reader'");

  const echoUrl = () => {
    const address = echo.address();
    assert.ok(typeof address === 'object' && address !== null);
    return withLogin(`redis://127.0.0.1:${address.port}`, 'shop', redisPassword);
  };
  const redisUrl = (password: string) => withLogin(redis.url, 'shop', password);

  test('settings that are wrong are refused without being repeated', async () => {
    const dead = await freePort();
    const encoded = encodeURIComponent(databasePassword);
    const wrong: Record<string, string>[] = [
      { DATABASE_URL: withLogin(databaseUrl, 'frontshelf_reader', 'xq7z-wrong') },
      { DATABASE_URL: withLogin(databaseUrl, 'nobody', databasePassword) },
      { DATABASE_URL: `${databaseUrl}-absent` },
      { DATABASE_URL: `postgres://shop:${encoded}@127.0.0.1:${dead}/shop` },
      { DATABASE_URL: `postgres://shop:${encoded}@no-such-host.invalid/shop` },
      { DATABASE_URL: `postgres://shop:${encoded}@127.0.0.1:99999/shop` },
      { DATABASE_URL: `postgres://shop:xq7z%zz@127.0.0.1:${dead}/shop` },
      { DATABASE_URL: `postgres://shop:xq7z@/x@127.0.0.1/shop` },
      { DATABASE_URL: `postgres://127.0.0.1:${dead}/shop?user=shop&password=${encoded}` },
      { DATABASE_URL: `postgres://shop:${encoded}@127.0.0.1/shop?sslmode=no-verify` },
      { DATABASE_URL: `postgres://shop:${encoded}@127.0.0.1/shop?sslmode=verify-full&sslrootcert=/nowhere` },
      { DATABASE_URL: `mysql://shop:${encoded}@127.0.0.1/shop` },
      { DATABASE_URL: 'xq7z' },
      { DATABASE_OWNER_URL: `xq7z://xq7z` },
      { REDIS_URL: `http://:xq7z@127.0.0.1` },
      { ADMIN_TOKEN: 'xq7z' },
    ];
    for (const env of wrong) {
      const { code, stdout, stderr } = await runServer({ DATABASE_URL: databaseUrl, ...env });
      assert.equal(code, 1, JSON.stringify(env));
      assert.match(stderr, /^Frontshelf cannot start:\n- /, JSON.stringify(env));
      assertNoSecret(stdout + stderr, JSON.stringify(env));
    }
  });

  for (const [what, url] of [
    ['a Redis', () => redisUrl(redisPassword)],
    ['a Redis that has another password', () => redisUrl('xq7z-wrong')],
    ['a Redis that repeats what it is sent', echoUrl],
  ] as const)
    test(`with ${what}, whatever fails is logged, but no secret`, async () => {
      const server = await startServer({
        DATABASE_URL: databaseUrl,
        DATABASE_TIMEOUT_MS: '500',
        REDIS_URL: url(),
        ADMIN_TOKEN: adminToken,
        WORKERS: '1',
        LOG_LEVEL: 'trace',
        ACCESS_LOG_SAMPLE_RATE: '1',
      });
      const shown: string[] = [];
      const ask = async (path: string) => {
        const headers = { 'x-request-id': `${ofClient} not an id`, 'user-agent': ofClient, cookie: ofClient };
        const { status, headers: fields, body } = await get(server.url + path, { headers });
        shown.push(JSON.stringify([status, fields, body]));
        return status;
      };
      const look = async () => {
        for (const path of ['/status', '/metrics']) {
          const headers = { authorization: `Bearer ${adminToken}` };
          const { status, body } = await get(server.adminUrl + path, { headers });
          assert.equal(status, 200);
          shown.push(body, (await get(server.adminUrl + path)).body);
        }
      };
      let strangers = 0;
      const isRefused = async () => (await ask(`/v1/products/stranger-${strangers++}`)) === 503;
      const isServed = async () => (await ask(`/v1/products/stranger-${strangers++}`)) === 404;
      try {
        for (const path of [`/${ofClient}`, `/v1/products/${ofClient}_`, `/v1/products?cursor=${ofClient}`])
          await ask(path);
        await eventually('pages are read', 5000, isServed);

        await setPassword('another');
        await endSessions();
        await eventually('the password is wrong', 10_000, isRefused);
        await look();
        await setPassword(databasePassword);
        await eventually('pages are read again', 10_000, isServed);

        await postgres.stop('immediate');
        await eventually('Postgres is gone', 10_000, isRefused);
        await look();
        postgres = await startPostgres({ ...postgresOptions, port: postgres.port });
        await eventually('pages are read once more', 10_000, isServed);
      } finally {
        server.kill('SIGTERM');
        const { stdout, stderr } = await server.ended;
        shown.push(stderr, stdout);
      }
      for (const text of shown) assertNoSecret(text, what);
      const log = shown.at(-1) ?? '';
      for (const said of [
        'password authentication failed',
        'requests are refused',
        'the change log cannot be read',
        '"msg":"request"',
        ...(what === 'a Redis' ? [] : ['Redis does not answer', 'password|unknown command']),
      ])
        assert.match(log, new RegExp(said), `the log says: ${said}`);
    });

  /** A module that throws the URL of the database, in a message and beside it, a while after the start. */
  function throwingIn(who: 'primary' | 'worker'): Record<string, string> {
    const path = join(folder, `${who}.mjs`);
    writeFileSync(
      path,
      `import cluster from 'node:cluster';
       const url = process.env.DATABASE_URL;
       if (cluster.isPrimary === ${who === 'primary'})
         setTimeout(() => Promise.reject(Object.assign(new Error('no good: ' + url), { input: url })), 1500);`,
    );
    return { DATABASE_URL: databaseUrl, WORKERS: '1', NODE_OPTIONS: `--import=${path}` };
  }
  const lastLine = /"msg":"an error that nothing has caught ends the process"/;

  test('what nothing catches ends the primary with a line that holds no secret', async () => {
    const { code, stdout, stderr } = await runServer(throwingIn('primary'));
    assert.equal(code, 1);
    assert.match(stdout, lastLine);
    assertNoSecret(stdout + stderr, 'primary');
  });

  test('the same ends a worker, which is replaced', async () => {
    const server = await startServer(throwingIn('worker'));
    await eventually('it is replaced', 10_000, async () => {
      const { workers } = await server.status();
      return (workers[0]?.restarts ?? 0) > 0;
    });
    server.kill('SIGTERM');
    const { stdout, stderr } = await server.ended;
    assert.match(stdout, lastLine);
    assertNoSecret(stdout + stderr, 'worker');
  });
});
