import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseEnv } from 'node:util';
import { readConfig, settings, shownSettings } from './config.ts';
import { envExample, envExampleFile, readmeFile, withSettingsTable } from './docs.ts';

const names = Object.keys(settings);
const defaults = readConfig({});

test('without any variable every setting has its default', () => {
  assert.deepEqual(defaults.problems, []);
  assert.equal(Object.keys(defaults.config).length, names.length);
  assert.equal(defaults.config.port, 3000);
  assert.equal(defaults.config.memoryTierBytes, 64 * 1024 * 1024);
  assert.equal(defaults.config.redisUrl, '');
  assert.ok(defaults.config.workers >= 1);
});

test('an empty variable is an unset one', () => {
  const empty = Object.fromEntries(names.map((name) => [name, '']));
  assert.deepEqual(readConfig(empty), defaults);
});

test('every setting accepts its own default', () => {
  const { config, problems } = readConfig(
    Object.fromEntries(Object.entries(settings).map(([name, { fallback }]) => [name, String(fallback)])),
  );
  assert.deepEqual(problems, []);
  assert.deepEqual(config, defaults.config);
});

test('a given value is taken, and other variables are not read', () => {
  const { config, problems } = readConfig({
    PORT: '0',
    WORKERS: '3',
    DATABASE_URL: 'postgresql://a:b@db.example:5432/shop?sslmode=require',
    REDIS_URL: 'rediss://cache.example',
    LOG_LEVEL: 'silent',
    PATH: '/bin',
    port: 'abc',
  });
  assert.deepEqual(problems, []);
  assert.deepEqual(config, {
    ...defaults.config,
    port: 0,
    workers: 3,
    databaseUrl: 'postgresql://a:b@db.example:5432/shop?sslmode=verify-full',
    redisUrl: 'rediss://cache.example',
    logLevel: 'silent',
  });
});

test('all that is wrong is said at once, each with its variable, what would be right and what it is', () => {
  const { config, problems } = readConfig({
    PORT: 'abc',
    ADMIN_PORT: '65536',
    MEMORY_TIER_BYTES: '-1',
    WORKERS: '0',
    HOST: 'a b',
    LOG_LEVEL: 'loud',
    REDIS_TIMEOUT_MS: '50',
  });
  assert.deepEqual(problems, [
    'HOST must be a host name or address; it is "a b".',
    'PORT must be a whole number from 0 to 65535; it is "abc".',
    'ADMIN_PORT must be a whole number from 0 to 65535; it is "65536".',
    'WORKERS must be a whole number from 1 to 512; it is "0".',
    'MEMORY_TIER_BYTES must be a whole number from 0 to 68719476736; it is "-1".',
    'LOG_LEVEL must be one of trace, debug, info, warn, error, fatal, silent; it is "loud".',
  ]);
  assert.deepEqual(config, defaults.config, 'what is wrong counts as unset');
});

test('a number is digits and nothing else', () => {
  for (const value of ['1e3', '0x10', '10.5', ' 10', '10 ', '10ms', '1_000', '+10', 'NaN', 'Infinity', '१०'])
    assert.equal(readConfig({ DATABASE_POOL_MAX: value }).problems.length, 1, value);
});

test('what would end a header or a host early is refused', () => {
  assert.equal(readConfig({ CACHE_CONTROL: 'no-store\r\nSet-Cookie: a=b' }).problems.length, 1);
  assert.equal(readConfig({ HOST: '127.0.0.1/x' }).problems.length, 1);
});

test('a URL that is wrong is not repeated, as it may hold a password', () => {
  const env = {
    DATABASE_URL: 'mysql://user:hunter2@db.example/shop',
    DATABASE_OWNER_URL: 'hunter2',
    REDIS_URL: 'http://:hunter2@cache.example',
  };
  assert.deepEqual(readConfig(env).problems, [
    'DATABASE_URL must be a URL that starts with postgres:// or postgresql://.',
    'DATABASE_OWNER_URL must be a URL that starts with postgres:// or postgresql://.',
    'REDIS_URL must be a URL that starts with redis:// or rediss://.',
  ]);
});

test('a URL of Postgres asks for TLS that verifies, or for none', () => {
  const read = (query: string) => readConfig({ DATABASE_URL: `postgres://a:b@db.example/shop${query}` });
  for (const [query, taken] of [
    ['', ''],
    ['?sslmode=disable', '?sslmode=disable'],
    ['?sslmode=verify-full&sslrootcert=/ca.pem', '?sslmode=verify-full&sslrootcert=%2Fca.pem'],
    ['?sslmode=verify-ca', '?sslmode=verify-full'],
    ['?sslmode=require&application_name=x', '?sslmode=verify-full&application_name=x'],
    ['?ssl=true', '?ssl=true'],
  ] as const) {
    const { config, problems } = read(query);
    assert.deepEqual(problems, [], query);
    assert.equal(config.databaseUrl, `postgres://a:b@db.example/shop${taken}`);
  }
  for (const query of [
    'sslmode=no-verify',
    'sslmode=prefer',
    'sslmode=allow',
    'sslmode=',
    'sslmode=verify-full&sslmode=no-verify',
    'ssl=no-verify',
    'ssl=false',
    'sslmode=require&uselibpqcompat=true',
  ])
    assert.deepEqual(
      read(`?${query}`).problems,
      [
        'DATABASE_URL must have sslmode=verify-full, with sslrootcert=FILE for a CA of your own, or sslmode=disable.',
      ],
      query,
    );
});

test('a scheme that a driver would not know for TLS is refused', () => {
  for (const REDIS_URL of ['REDISS://cache.example', ' rediss://cache.example', 're\tdiss://cache.example'])
    assert.equal(readConfig({ REDIS_URL }).problems.length, 1, REDIS_URL);
});

test('a token that is short or could not stand in a header is refused, and is not repeated', () => {
  const good = 'a'.repeat(32);
  assert.equal(readConfig({ ADMIN_TOKEN: good }).config.adminToken, good);
  for (const bad of ['hunter2', `${good} `, `${good}é`, `${good}\n`, 'a'.repeat(257)])
    assert.deepEqual(readConfig({ ADMIN_TOKEN: bad }).problems, [
      'ADMIN_TOKEN must be 32 to 256 letters, digits or -._~+/=, as `openssl rand -hex 32` makes them.',
    ]);
});

test('of a secret only that there is one is shown, and of a URL where it leads', () => {
  const { config } = readConfig({
    ADMIN_TOKEN: 'hunter2-hunter2-hunter2-hunter2-',
    DATABASE_URL: 'postgres://user:hunter2@db.example:5432/shop?password=hunter2',
    REDIS_URL: 'rediss://:hunter2@cache.example',
  });
  const shown = shownSettings(config);
  assert.doesNotMatch(JSON.stringify(shown), /hunter2|user/);
  assert.deepEqual(shown, {
    ...config,
    adminToken: '(secret)',
    databaseUrl: 'postgres://db.example:5432/shop',
    redisUrl: 'rediss://cache.example',
  });
});

test('a secret may stand in a file, which the variable itself outdoes; no other setting is read from one', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'frontshelf-config-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const DATABASE_URL_FILE = file('database', 'postgres://user:hunter2@db.example/shop\n');
  const PORT_FILE = file('port', '80');
  assert.deepEqual(readConfig({ DATABASE_URL_FILE, PORT_FILE }), {
    config: { ...defaults.config, databaseUrl: 'postgres://user:hunter2@db.example/shop' },
    problems: [],
  });
  const DATABASE_URL = 'postgres://db.example/other';
  assert.equal(readConfig({ DATABASE_URL, DATABASE_URL_FILE }).config.databaseUrl, DATABASE_URL);

  const wrong = {
    DATABASE_URL_FILE: file('wrong', 'mysql://user:hunter2@db.example'),
    DATABASE_OWNER_URL_FILE: file('empty', '\n'),
    REDIS_URL_FILE: join(folder, 'absent'),
  };
  const { config, problems } = readConfig(wrong);
  assert.deepEqual(config, defaults.config);
  assert.equal(problems[0], 'DATABASE_URL must be a URL that starts with postgres:// or postgresql://.');
  assert.equal(problems[1], `DATABASE_OWNER_URL must be in ${join(folder, 'empty')}, which is empty.`);
  assert.match(problems[2] ?? '', /^REDIS_URL must be readable in .*absent \(ENOENT: .*\)\.$/);
});

test('every setting says in a sentence what it is', () => {
  for (const [name, { why }] of Object.entries(settings)) assert.match(why, /^[A-Z].*\.$/, name);
});

const mend = 'run `node_modules/.bin/node docs.ts`';

test('.env.example is what config.ts says', () => {
  assert.equal(readFileSync(envExampleFile, 'utf8'), envExample(), mend);
});

test('.env.example changes nothing, and each of its lines is its default when uncommented', () => {
  const text = envExample();
  assert.deepEqual(Object.keys(parseEnv(text)), []);
  const uncommented = parseEnv(text.replaceAll(/^#(?! )/gm, ''));
  assert.deepEqual(Object.keys(uncommented).toSorted(), names.toSorted());
  assert.deepEqual(readConfig({ ...uncommented }), defaults);
});

test("README.md's table of settings is what config.ts says", () => {
  const readme = readFileSync(readmeFile, 'utf8');
  assert.match(readme, /<!-- settings -->\n.*<!-- \/settings -->/s);
  assert.equal(readme, withSettingsTable(readme), mend);
});

test('the table of settings goes between its markers, in place of an older one, and nowhere else', () => {
  const readme = 'a\n<!-- settings -->\nolder\n<!-- /settings -->\nb\n';
  const written = withSettingsTable(readme);
  assert.match(written, /^a\n<!-- settings -->\n\n\| variable .*<!-- \/settings -->\nb\n$/s);
  assert.doesNotMatch(written, /older/);
  assert.equal(withSettingsTable(written), written);
  for (const name of names) assert.ok(written.includes(`| \`${name}\` |`), name);
  assert.equal(withSettingsTable('no markers'), 'no markers');
});
