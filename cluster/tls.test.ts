/** Postgres and Redis by TLS, with certificates of a CA of one's own: what is verified, and by which connections. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Redis as Client } from 'ioredis';
import pg from 'pg';
import { eventually } from '../cache/eventually.ts';
import { freePort } from '../local/ports.ts';
import { type Postgres, startPostgres } from '../local/postgres.ts';
import { findRedis, type Redis, startRedis } from '../local/redis.ts';
import { type Certificates, createCertificates, noOpenssl } from '../local/test-certificates.ts';
import { createTestDatabase, type TestDatabase } from '../sql/testing.ts';
import { get } from './keep-alive-clients.ts';
import { runServer, startServer } from './server-process.ts';

const skip = noOpenssl || (findRedis() ? false : 'there is no Redis on this machine');

suite('with TLS', { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'frontshelf-tls-'));
  let own: Certificates;
  let foreign: Certificates;
  let postgres: Postgres;
  let database: TestDatabase;
  let redis: Redis & { readonly tlsPort: number };

  before(async () => {
    chmodSync(folder, 0o755);
    own = createCertificates();
    foreign = createCertificates();
    postgres = await startPostgres({
      dataDir: join(folder, 'postgres'),
      password: 'test',
      settings: { fsync: 'off', ssl: 'on', ssl_cert_file: own.certificate, ssl_key_file: own.key },
    });
    database = await createTestDatabase({ products: 20, server: postgres.url });
    redis = await startTlsRedis(own);
  });
  after(async () => {
    await postgres?.stop();
    await redis?.stop();
    own?.remove();
    foreign?.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  /** By plain TCP too, so that a connection that is not by TLS does not fail for that alone. */
  async function startTlsRedis({ ca, certificate, key }: Certificates) {
    const tlsPort = await freePort();
    const files = ['--tls-ca-cert-file', ca, '--tls-cert-file', certificate, '--tls-key-file', key];
    const args = ['--tls-port', String(tlsPort), ...files, '--tls-auth-clients', 'no'];
    return { ...(await startRedis({ args })), tlsPort };
  }

  const databaseUrl = (parameters: Record<string, string>, url = database.readerUrl): string => {
    const parsed = new URL(url);
    for (const [name, value] of Object.entries(parameters)) parsed.searchParams.set(name, value);
    return parsed.href;
  };
  const redisUrl = (host = '127.0.0.1') => `rediss://${host}:${redis.tlsPort}`;

  /** The connections of the server to Postgres, by name, and whether each is by TLS. */
  async function sessions(): Promise<Record<string, boolean>> {
    const client = new pg.Client({ connectionString: database.superuserUrl });
    await client.connect();
    try {
      const { rows } = await client.query<{ name: string; ssl: boolean }>(
        `SELECT application_name AS name, bool_and(ssl) AS ssl FROM pg_stat_activity JOIN pg_stat_ssl USING (pid)
         WHERE application_name LIKE 'frontshelf%' GROUP BY 1`,
      );
      return Object.fromEntries(rows.map(({ name, ssl }) => [name, ssl]));
    } finally {
      await client.end();
    }
  }

  test('from the right CA, every connection to Postgres and to Redis is by TLS, and pages are served', async () => {
    for (const sslmode of ['verify-full', 'require']) {
      const server = await startServer({
        DATABASE_URL: databaseUrl({ sslmode, sslrootcert: own.ca }),
        REDIS_URL: redisUrl(),
        REDIS_CA_FILE: own.ca,
        WORKERS: '1',
      });
      try {
        const { body } = await get(`${server.url}/v1/products?limit=1`);
        const { slug } = JSON.parse(body).items[0];
        assert.equal((await get(`${server.url}/v1/products/${slug}`)).status, 200);
        await eventually('all are connected', 5000, async () => Object.keys(await sessions()).length === 3);
        assert.deepEqual(await sessions(), {
          frontshelf: true,
          'frontshelf-feed': true,
          'frontshelf-listen': true,
        });
        const admin = new Client(redis.url);
        const clients = String(await admin.client('LIST')).split('\n');
        admin.disconnect();
        const ofServer = clients.filter((line) => / name=frontshelf/.test(line));
        assert.equal(ofServer.length, 2, clients.join('\n'));
        for (const line of ofServer) assert.match(line, new RegExp(` laddr=127.0.0.1:${redis.tlsPort} `));
        await eventually('the page is in Redis', 5000, async () => {
          const client = new Client(redis.url);
          const keys = await client.keys(`*:${slug}`);
          client.disconnect();
          return keys.length === 1;
        });
      } finally {
        server.kill('SIGTERM');
        const { stderr } = await server.ended;
        assert.equal(stderr, '', 'no warning either');
      }
    }
  });

  /** What the server says instead of starting. */
  async function refusal(DATABASE_URL: string): Promise<string> {
    const { code, stdout, stderr } = await runServer({ DATABASE_URL });
    assert.deepEqual([code, stdout], [1, '']);
    const [head, problem = '', ...more] = stderr.trim().split('\n');
    assert.deepEqual([head, more], ['Frontshelf cannot start:', []], stderr);
    return problem;
  }

  test('a Postgres whose certificate is from another CA, or for another name, is refused in a sentence', async () => {
    const sentence =
      /^- DATABASE_URL must name a Postgres whose certificate can be verified, by sslrootcert=FILE if its CA is your own; that of \S+ cannot: /;
    for (const parameters of [
      { sslmode: 'verify-full', sslrootcert: foreign.ca },
      { sslmode: 'require', sslrootcert: foreign.ca },
      { sslmode: 'verify-ca', sslrootcert: foreign.ca },
      { sslmode: 'verify-full' },
      { sslmode: 'require' },
      { ssl: 'true' },
    ])
      assert.match(await refusal(databaseUrl(parameters)), sentence, JSON.stringify(parameters));

    const elsewhere = createCertificates('IP:10.0.0.1,DNS:elsewhere.example');
    const impostor = await startPostgres({
      dataDir: join(folder, 'impostor'),
      password: 'test',
      settings: {
        fsync: 'off',
        ssl: 'on',
        ssl_cert_file: elsewhere.certificate,
        ssl_key_file: elsewhere.key,
      },
    });
    try {
      for (const sslmode of ['verify-full', 'verify-ca', 'require']) {
        const url = databaseUrl({ sslmode, sslrootcert: elsewhere.ca }, impostor.url);
        assert.match(await refusal(url), sentence, sslmode);
      }
    } finally {
      await impostor.stop();
      elsewhere.remove();
    }
  });

  test('a CA that is not to be read, and a Postgres without TLS, are a sentence', async () => {
    const problem = await refusal(databaseUrl({ sslmode: 'verify-full', sslrootcert: '/nowhere.pem' }));
    assert.match(problem, /^- DATABASE_URL .*ENOENT: no such file or directory, open '\/nowhere\.pem'\.$/);
    const plain = await createTestDatabase();
    try {
      const url = databaseUrl({ sslmode: 'verify-full' }, plain.readerUrl);
      assert.match(await refusal(url), /^- DATABASE_URL .*The server does not support SSL connections\.$/);
    } finally {
      await plain.drop();
    }
  });

  test('migrations verify the same', async () => {
    const main = fileURLToPath(new URL('../sql/main.ts', import.meta.url));
    const migrate = async (sslrootcert: string) => {
      const DATABASE_OWNER_URL = databaseUrl({ sslmode: 'verify-full', sslrootcert }, database.ownerUrl);
      return promisify(execFile)(process.execPath, [main], { env: { DATABASE_OWNER_URL } });
    };
    assert.match((await migrate(own.ca)).stdout, /up to date/);
    await assert.rejects(migrate(foreign.ca), {
      code: 1,
      stderr: /^The database cannot be reached: unable to verify the first certificate[^\n]*\n$/,
    });
  });

  test('a Redis whose certificate is from another CA, or for another name, is done without, and the log says why', async () => {
    const elsewhere = createCertificates('DNS:elsewhere.example');
    const impostor = await startTlsRedis(elsewhere);
    try {
      for (const env of [
        { REDIS_URL: redisUrl(), REDIS_CA_FILE: foreign.ca },
        { REDIS_URL: redisUrl('localhost') },
        { REDIS_URL: `rediss://127.0.0.1:${impostor.tlsPort}`, REDIS_CA_FILE: elsewhere.ca },
      ]) {
        const server = await startServer({ DATABASE_URL: database.readerUrl, WORKERS: '1', ...env });
        const { status } = await get(`${server.url}/v1/products?limit=1`);
        server.kill('SIGTERM');
        const { stdout } = await server.ended;
        assert.equal(status, 200);
        const said = stdout
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line))
          .filter(({ msg }) => /Redis/.test(msg));
        assert.ok(said.length >= 2, stdout);
        for (const { msg } of said)
          assert.equal(
            msg,
            'the certificate of Redis is not one to be trusted (REDIS_CA_FILE names its CA); pages come from memory and Postgres',
          );
      }
    } finally {
      await impostor.stop();
      elsewhere.remove();
    }
  });

  test('a REDIS_CA_FILE that is none, or of no use, is a problem', async () => {
    const problemOf = async (env: Record<string, string>) =>
      (await runServer({ DATABASE_URL: database.readerUrl, ...env }, { args: ['--check'] })).stderr;
    assert.match(
      await problemOf({ REDIS_URL: redisUrl(), REDIS_CA_FILE: '/nowhere.pem' }),
      /\n- REDIS_CA_FILE must name a file of certificates \(PEM\); \/nowhere\.pem is none: ENOENT: .*\.\n$/,
    );
    assert.match(
      await problemOf({ REDIS_URL: redisUrl(), REDIS_CA_FILE: own.key }),
      /\n- REDIS_CA_FILE must name a file of certificates \(PEM\); .*\.\n$/,
    );
    assert.match(
      await problemOf({ REDIS_URL: redis.url, REDIS_CA_FILE: own.ca }),
      /\n- REDIS_CA_FILE is of no use without TLS; REDIS_URL must start with rediss:\/\/\.\n$/,
    );
  });
});
