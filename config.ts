/**
 * Every setting, in one table. The settings' types, their validation, `.env.example` and the table in
 * README.md are derived from it or tested against it.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

interface Setting<T> {
  /** Shown in documents when the variable is unset; what `fallback` means, in words, where it is computed. */
  readonly default: string;
  readonly why: string;
  readonly fallback: T;
  /** It is or may hold a secret: no message repeats it, and NAME_FILE may name a file that has it. */
  readonly isSecret?: boolean;
  /** Returns the value, or throws an Error whose message says what would be right. */
  readonly parse: (text: string) => T;
}

const integer = (
  fallback: number,
  range: { min: number; max: number },
  why: string,
  shown = String(fallback),
): Setting<number> => ({
  default: shown,
  why,
  fallback,
  parse(text) {
    const value = Number(text);
    if (!/^-?\d+$/.test(text) || value < range.min || value > range.max)
      throw new Error(`must be a whole number from ${range.min} to ${range.max}`);
    return value;
  },
});

const share = (fallback: number, why: string): Setting<number> => ({
  default: String(fallback),
  why,
  fallback,
  parse(text) {
    if (!/^(?:0(?:\.\d+)?|1(?:\.0+)?)$/.test(text))
      throw new Error('must be a number from 0 to 1, such as 0.01');
    return Number(text);
  },
});

const text = (fallback: string, pattern: RegExp, expected: string, why: string): Setting<string> => ({
  default: fallback,
  why,
  fallback,
  parse(value) {
    if (!pattern.test(value)) throw new Error(`must be ${expected}`);
    return value;
  },
});

const url = (
  fallback: string,
  protocols: readonly string[],
  why: string,
  checked: (url: string) => string = (url) => url,
): Setting<string> => ({
  default: fallback,
  why,
  fallback,
  isSecret: true,
  parse(value) {
    if (value === '') return value;
    // To the letter, as a driver does not see REDISS:// as rediss://, and would go without TLS.
    if (!protocols.some((protocol) => value.startsWith(`${protocol}//`)) || !URL.canParse(value))
      throw new Error(`must be a URL that starts with ${protocols.map((p) => `${p}//`).join(' or ')}`);
    return checked(value);
  },
});

const verifiedModes = ['require', 'verify-ca', 'verify-full'];

/**
 * A URL of Postgres in which TLS, if it is asked for, means that certificate and host name are verified. So pg takes `require` and
 * `verify-ca` today, with a warning that it will not always; what would leave the server unverified is refused.
 */
function verifiedTls(value: string): string {
  const parsed = new URL(value);
  const modes = parsed.searchParams.getAll('sslmode');
  const isVerified =
    modes.every((mode) => mode === 'disable' || verifiedModes.includes(mode)) &&
    parsed.searchParams.getAll('ssl').every((ssl) => ssl === 'true') &&
    !parsed.searchParams.has('uselibpqcompat');
  if (!isVerified)
    throw new Error(
      'must have sslmode=verify-full, with sslrootcert=FILE for a CA of your own, or sslmode=disable',
    );
  if (!modes.some((mode) => verifiedModes.includes(mode))) return value;
  parsed.searchParams.set('sslmode', 'verify-full');
  return parsed.href;
}

const choice = <const T extends string>(
  fallback: NoInfer<T>,
  choices: readonly T[],
  why: string,
): Setting<T> => ({
  default: fallback,
  why,
  fallback,
  parse(value) {
    const chosen = choices.find((candidate) => candidate === value);
    if (chosen === undefined) throw new Error(`must be one of ${choices.join(', ')}`);
    return chosen;
  },
});

const mebibyte = 1024 * 1024;
const day = 24 * 60 * 60 * 1000;
const host = /^[A-Za-z0-9.:_-]+$/;

export const settings = {
  HOST: text('127.0.0.1', host, 'a host name or address', 'Address that serves pages.'),
  PORT: integer(3000, { min: 0, max: 65_535 }, 'Port that serves pages; 0 takes a free one.'),
  ADMIN_HOST: text(
    '127.0.0.1',
    host,
    'a host name or address',
    'Address of the admin server; one that other machines can reach needs ADMIN_TOKEN.',
  ),
  ADMIN_PORT: integer(3001, { min: 0, max: 65_535 }, 'Port of the admin server; 0 takes a free one.'),
  ADMIN_TOKEN: {
    ...text(
      '',
      /^[\w.~+/=-]{32,256}$/,
      '32 to 256 letters, digits or -._~+/=, as `openssl rand -hex 32` makes them',
      'Bearer token that /metrics and /status ask for; empty: they ask for none.',
    ),
    isSecret: true,
  },
  WORKERS: integer(
    availableParallelism(),
    { min: 1, max: 512 },
    'Worker processes; one per core is right unless something else shares the machine.',
    'available cores',
  ),
  REUSE_PORT: choice(
    'off',
    ['off', 'on'],
    'With on, each worker listens by itself and the kernel spreads connections: two servers may share a port, but a worker that stops loses what it has not taken yet.',
  ),
  WORKER_MEMORY_MAX_BYTES: integer(
    0,
    { min: 0, max: 1024 * 1024 * mebibyte },
    'Resident memory from which a worker is replaced in order; 0: twice MEMORY_TIER_BYTES and 1 GiB.',
  ),
  DATABASE_URL: url(
    '',
    ['postgres:', 'postgresql:'],
    'Postgres that holds the catalogue. The server only ever reads, as role frontshelf_reader. With sslmode=verify-full by TLS.',
    verifiedTls,
  ),
  DATABASE_OWNER_URL: url(
    '',
    ['postgres:', 'postgresql:'],
    'The same database for migrations and seeding, as the role that owns it; empty: DATABASE_URL.',
    verifiedTls,
  ),
  DATABASE_POOL_MAX: integer(10, { min: 1, max: 1000 }, 'Connections to Postgres per worker.'),
  DATABASE_TIMEOUT_MS: integer(
    2000,
    // Less than a connection may be without a byte.
    { min: 50, max: 30_000 },
    'A request that needs Postgres is answered within this time, with the page or with 503.',
  ),
  REDIS_URL: url(
    '',
    ['redis:', 'rediss:'],
    'Redis shared by all workers and hosts, with rediss:// by TLS; empty: no Redis tier.',
  ),
  REDIS_CA_FILE: text(
    '',
    /./,
    'the path of a file',
    'Certificates (PEM) of the CAs that Redis may have its own from; empty: those that Node knows.',
  ),
  REDIS_TIMEOUT_MS: integer(
    50,
    { min: 1, max: 10_000 },
    'A Redis that has not answered by then counts as a miss.',
  ),
  MEMORY_TIER_BYTES: integer(
    64 * mebibyte,
    { min: 0, max: 64 * 1024 * mebibyte },
    'Pages kept in memory, per worker, in bytes; 0: no memory tier.',
  ),
  MEMORY_TTL_MS: integer(
    60_000,
    { min: 1, max: day },
    'Time a page in memory counts as fresh, less up to a tenth of jitter.',
  ),
  REDIS_TTL_MS: integer(600_000, { min: 1, max: 30 * day }, 'The same for a page in Redis.'),
  NEGATIVE_TTL_MS: integer(
    5000,
    { min: 0, max: day },
    'Time a worker remembers that a slug does not exist; 0: not at all.',
  ),
  LIST_TTL_MS: integer(
    5000,
    { min: 0, max: day },
    'Time a page of a list counts as fresh in memory; lists are not kept in Redis.',
  ),
  STALENESS_MS: integer(
    250,
    { min: 50, max: 60_000 },
    'Age of a committed change from which on every request sees it, or is told that its page is stale.',
  ),
  POLL_MS: integer(
    100,
    { min: 10, max: 10_000 },
    'Time between two looks into the change log where nothing wakes the server before; well below STALENESS_MS.',
  ),
  LEASE_MS: integer(
    500,
    { min: 10, max: 60_000 },
    'Time for which one worker of all has the right to read a page that is not in Redis.',
  ),
  CHANGE_RETENTION_MS: integer(
    3_600_000,
    { min: 60_000, max: 30 * day },
    'Time for which the change log is kept; a server that was away for longer begins with empty shelves.',
  ),
  STALE_WHILE_REVALIDATE_MS: integer(
    30_000,
    { min: 0, max: day },
    'Time past its TTL in which a page that no change has outdated still answers while it is read anew.',
  ),
  STALE_IF_ERROR_MS: integer(
    day,
    { min: 0, max: 30 * day },
    'Time past its freshness in which a page in memory still answers while Postgres does not.',
  ),
  CACHE_CONTROL: text(
    'public, max-age=5, stale-while-revalidate=30, stale-if-error=86400',
    /^[\x20-\x7e]+$/,
    'the value of a Cache-Control header',
    'What clients and CDNs may do with a page.',
  ),
  MAX_CONNECTIONS: integer(
    10_000,
    { min: 1, max: 1_000_000 },
    'Open client connections per worker; one more is closed at once.',
  ),
  SHUTDOWN_DEADLINE_MS: integer(
    30_000,
    { min: 100, max: 600_000 },
    'Time a stopping worker has to finish the requests it has.',
  ),
  WARMUP_PRODUCTS: integer(
    1000,
    { min: 0, max: 1_000_000 },
    'Most popular pages that a worker reads into memory before it reports ready.',
  ),
  LOG_LEVEL: choice(
    'info',
    ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
    'Least severe log lines that are written.',
  ),
  ACCESS_LOG_SAMPLE_RATE: share(
    0,
    'Share of requests, chosen at random, that are logged with their answer, at level info; 0: none, 1: all.',
  ),
};

type CamelCase<S extends string> = S extends `${infer Head}_${infer Tail}`
  ? `${Lowercase<Head>}${Capitalize<CamelCase<Tail>>}`
  : Lowercase<S>;
type Settings = typeof settings;

/** The settings by their names in code: `DATABASE_TIMEOUT_MS` is `databaseTimeoutMs`. */
export type Config = { readonly [Name in keyof Settings as CamelCase<Name>]: Settings[Name]['fallback'] };

const camelCase = (name: string) => name.toLowerCase().replace(/_(.)/g, (_, letter) => letter.toUpperCase());

/**
 * Reads the settings from environment variables. An unset or empty variable takes its default; a bad one
 * takes its default too and adds one sentence to `problems`. Variables that are not settings are ignored.
 * A secret, or a URL, which may hold one, may also stand alone in the file that NAME_FILE names.
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>): {
  config: Config;
  problems: string[];
} {
  const problems: string[] = [];
  const values = Object.entries<Setting<unknown>>(settings).map(([name, setting]) => {
    const { isSecret } = setting;
    const path = isSecret ? env[`${name}_FILE`] : undefined;
    let given = env[name];
    try {
      if (!given && path) given = contents(path);
      if (!given) return [camelCase(name), setting.fallback];
      return [camelCase(name), setting.parse(given)];
    } catch (error) {
      const expected = error instanceof Error ? error.message : String(error);
      problems.push(isSecret ? `${name} ${expected}.` : `${name} ${expected}; it is "${given}".`);
      return [camelCase(name), setting.fallback];
    }
  });
  // The keys are computed from the table, which is more than the compiler can follow.
  return { config: Object.fromEntries(values) as Config, problems };
}

const secretNames: ReadonlySet<string> = new Set(
  Object.entries<Setting<unknown>>(settings).flatMap(([name, { isSecret }]) =>
    isSecret ? camelCase(name) : [],
  ),
);

/** The settings as anybody may see them: of a URL no user, password or parameter, of another secret nothing. */
export const shownSettings = (config: Config): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(config).map(([name, value]) => [
      name,
      secretNames.has(name) ? withoutSecret(value) : value,
    ]),
  );

/** What must be shown nowhere: tokens, and passwords of URLs. */
export const secretsIn = (config: Config): string[] =>
  Object.entries(config).flatMap(([name, value]) => {
    if (!secretNames.has(name) || typeof value !== 'string' || value === '') return [];
    if (!URL.canParse(value)) return [value];
    const { password, searchParams } = new URL(value);
    return [password, decoded(password), searchParams.get('password') ?? ''].filter(
      (secret) => secret !== '',
    );
  });

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function withoutSecret(value: unknown): string {
  if (value === '') return '';
  if (typeof value !== 'string' || !URL.canParse(value)) return '(secret)';
  const { protocol, host, pathname } = new URL(value);
  return `${protocol}//${host}${pathname}`;
}

/** An empty file would be taken for an unset variable, and the server would do without what it names. */
function contents(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw new Error(`must be readable in ${path} (${error instanceof Error ? error.message : error})`);
  }
  if (text === '') throw new Error(`must be in ${path}, which is empty`);
  return text;
}
