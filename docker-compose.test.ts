/** The rules of the compose files; what they do with them is for Docker to show. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { settings } from './config.ts';
import packageJson from './package.json' with { type: 'json' };

interface Service {
  readonly image: string;
  readonly build?: { readonly target?: string };
  readonly profiles?: readonly string[];
  readonly user?: string;
  readonly init?: boolean;
  readonly read_only?: boolean;
  readonly privileged?: boolean;
  readonly tmpfs?: readonly string[];
  readonly cap_add?: readonly string[];
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly network_mode?: string;
  readonly networks?: readonly string[];
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly environment?: Readonly<Record<string, string | number | null>>;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  readonly restart?: string;
  readonly healthcheck?: object;
  readonly stop_grace_period?: string;
}
type Services = Readonly<Record<string, Service>>;
interface Stack {
  readonly services: Services;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean } | null>>;
}

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');
// Compose checks the types of what it is given, as far as they matter here.
const stack = parse(read('docker-compose.yml'), { merge: true }) as Stack;
const dockerfile = read('Dockerfile');

const isOneShot = ({ restart }: Service) => restart === undefined;
const namedVolumes = ({ volumes = [] }: Service) => volumes.filter((volume) => !volume.startsWith('.'));

/** What a container may do to the machine and to the others, a line for each service that may do more. */
function hardening({ services }: Stack): string[] {
  return Object.entries(services).flatMap(([name, service]) => {
    const rules: Readonly<Record<string, boolean>> = {
      'has an init': service.init === true,
      'cannot write to its image': service.read_only === true && service.tmpfs?.includes('/tmp') === true,
      'has no capability': service.cap_drop?.join() === 'ALL' && service.cap_add === undefined,
      'gets no new privileges': service.security_opt?.includes('no-new-privileges:true') === true,
      'is not privileged': service.privileged === undefined,
      // Root without a capability owns its files and nothing else; it takes that to own new volumes.
      'has a user':
        name === 'secrets'
          ? service.network_mode === 'none'
          : !/^(root|0|undefined)\b/.test(`${service.user}`),
      'is the version that was tried': /^[\w./-]+:v?\d[\w.-]*$/.test(service.image),
      'is published on purpose': (service.ports ?? []).every(
        (port) =>
          name === 'app' || (['prometheus', 'grafana'].includes(name) && port.startsWith('127.0.0.1:')),
      ),
    };
    return Object.entries(rules).flatMap(([rule, held]) => (held ? [] : [`${name}: ${rule}`]));
  });
}

/** Who could read what belongs to another, or has a password where it can be read. */
function secrecy({ services }: Stack): string[] {
  const mounts = Object.entries(services).flatMap(([name, service]) =>
    namedVolumes(service).map((volume) => ({ name, volume })),
  );
  return [
    ...mounts.flatMap(({ name, volume }) => {
      if (!volume.startsWith('secrets-') || name === 'secrets') return [];
      return volume === `secrets-${name}:/run/secrets:ro` ? [] : [`${name} mounts ${volume}`];
    }),
    ...Object.entries(services).flatMap(([name, { environment = {} }]) =>
      Object.entries(environment)
        .filter(
          ([key, value]) =>
            (/PASS|SECRET|TOKEN/.test(key) && !key.endsWith('_FILE')) || /:\/\/[^/]*@/.test(`${value}`),
        )
        .map(([key]) => `${name} has ${key} in its environment`),
    ),
  ];
}

/** Who waits for another in a way that fails, or never ends. */
function order({ services }: Stack): string[] {
  return Object.entries(services).flatMap(([name, { depends_on = {}, profiles }]) =>
    Object.entries(depends_on).flatMap(([other, { condition }]) => {
      const awaited = services[other];
      if (awaited === undefined) return [`${name} waits for ${other}, which is not there`];
      const right = isOneShot(awaited) ? 'service_completed_successfully' : 'service_healthy';
      const started =
        awaited.profiles === undefined || profiles?.every((profile) => awaited.profiles?.includes(profile));
      return [
        ...(condition === right ? [] : [`${name} waits until ${other} is ${condition}`]),
        ...(started ? [] : [`${name} waits for ${other}, which its profile does not start`]),
      ];
    }),
  );
}

/** A service that Docker restarts has to tell how it is; the Dockerfile says it for our own. */
const silent = ({ services }: Stack): string[] =>
  Object.entries(services)
    .filter(([, service]) => !isOneShot(service) && !service.healthcheck)
    .filter(([, { build }]) => build?.target !== 'server' || !/^HEALTHCHECK /m.test(dockerfile))
    .map(([name]) => name);

const secretSettings = new Set(
  Object.entries<{ isSecret?: boolean }>(settings).flatMap(([name, { isSecret }]) =>
    isSecret ? `${name}_FILE` : [],
  ),
);

/** Environment variables of our own programs that no setting answers to. */
const unknownSettings = ({ services }: Stack): string[] =>
  ['app', 'catalogue'].flatMap((name) =>
    Object.keys(services[name]?.environment ?? {}).filter(
      (key) => !(key in settings) && !secretSettings.has(key),
    ),
  );

test('no container can do more than its work', () => {
  assert.deepEqual(hardening(stack), []);
});

test('no service has another’s secrets, and no password is in an environment', () => {
  assert.deepEqual(secrecy(stack), []);
});

test('services wait for what they need, until it is healthy or has succeeded', () => {
  assert.deepEqual(order(stack), []);
  assert.deepEqual(silent(stack), []);
});

test('every rule is broken by a stack that breaks it', () => {
  const { app, prometheus, catalogue, postgres, loadtest } = stack.services;
  assert.ok(app && prometheus && catalogue && postgres && loadtest);
  const broken = (name: string, service: Service): Stack => ({
    ...stack,
    services: { ...stack.services, [name]: service },
  });
  const { init, ...withoutInit } = app;
  assert.equal(init, true);
  for (const [service, rule] of [
    [withoutInit, 'has an init'],
    [{ ...app, read_only: false }, 'cannot write to its image'],
    [{ ...app, tmpfs: [] }, 'cannot write to its image'],
    [{ ...app, cap_drop: [] }, 'has no capability'],
    [{ ...app, cap_add: ['NET_ADMIN'] }, 'has no capability'],
    [{ ...app, security_opt: [] }, 'gets no new privileges'],
    [{ ...app, privileged: true }, 'is not privileged'],
    [{ ...app, user: 'root' }, 'has a user'],
    [{ ...app, user: '0:0' }, 'has a user'],
    [{ ...app, image: 'frontshelf' }, 'is the version that was tried'],
    [{ ...app, image: 'frontshelf:latest' }, 'is the version that was tried'],
  ] as const)
    assert.deepEqual(hardening(broken('app', service)), [`app: ${rule}`]);
  for (const port of ['9090:9090', '0.0.0.0:9090:9090'])
    assert.deepEqual(hardening(broken('prometheus', { ...prometheus, ports: [port] })), [
      'prometheus: is published on purpose',
    ]);
  assert.deepEqual(hardening(broken('postgres', { ...postgres, ports: ['127.0.0.1:5432:5432'] })), [
    'postgres: is published on purpose',
  ]);

  assert.deepEqual(secrecy(broken('app', { ...app, volumes: ['secrets-catalogue:/run/secrets:ro'] })), [
    'app mounts secrets-catalogue:/run/secrets:ro',
  ]);
  assert.deepEqual(secrecy(broken('app', { ...app, volumes: ['secrets-app:/run/secrets'] })).length, 1);
  for (const [key, value] of [
    ['POSTGRES_PASSWORD', 'x'],
    ['DATABASE_URL', 'postgres://a:b@postgres/c'],
  ] as const)
    assert.deepEqual(secrecy(broken('app', { ...app, environment: { [key]: value } })), [
      `app has ${key} in its environment`,
    ]);

  const after = (name: string, condition: string) => ({ ...app, depends_on: { [name]: { condition } } });
  assert.deepEqual(order(broken('app', after('catalogue', 'service_started'))), [
    'app waits until catalogue is service_started',
  ]);
  assert.deepEqual(order(broken('app', after('redis', 'service_completed_successfully'))).length, 1);
  assert.deepEqual(order(broken('app', after('prometheus', 'service_healthy'))), [
    'app waits for prometheus, which its profile does not start',
  ]);
  const { healthcheck, ...withoutHealthcheck } = postgres;
  assert.ok(healthcheck);
  assert.deepEqual(silent(broken('postgres', withoutHealthcheck)), ['postgres']);
  assert.deepEqual(
    unknownSettings(
      broken('app', { ...app, environment: { WORKER: 1, PORT_FILE: '/x', REDIS_URL_FILE: '/y' } }),
    ),
    ['WORKER', 'PORT_FILE'],
  );
});

test('each service belongs to its profile', () => {
  const profiles = Object.entries(stack.services).map(([name, service]) => [
    name,
    service.profiles?.join() ?? '',
  ]);
  assert.deepEqual(Object.fromEntries(profiles), {
    app: '',
    secrets: '',
    catalogue: '',
    postgres: '',
    redis: '',
    // Where k6 sends its figures.
    prometheus: 'observability,loadtest',
    grafana: 'observability',
    'postgres-exporter': 'observability',
    'redis-exporter': 'observability',
    loadtest: 'loadtest',
  });
});

test('the databases are reached by those who need them, and have no way out', () => {
  const members = Object.entries(stack.services).filter(([, { networks }]) => networks?.includes('data'));
  assert.deepEqual(members.map(([name]) => name).sort(), [
    'app',
    'catalogue',
    'postgres',
    'postgres-exporter',
    'redis',
    'redis-exporter',
  ]);
  assert.equal(stack.networks.data?.internal, true);
  for (const name of ['postgres', 'redis']) assert.deepEqual(stack.services[name]?.networks, ['data']);
});

test('every variable that the app gets is a setting, and every setting can be set', () => {
  assert.deepEqual(unknownSettings(stack), []);
  const given = new Set(
    Object.keys(stack.services.app?.environment ?? {}).map((key) => key.replace(/_FILE$/, '')),
  );
  // Addresses inside the container, whose Redis is without TLS; PORT says where its port is published.
  const fixed = ['HOST', 'PORT', 'ADMIN_PORT', 'DATABASE_OWNER_URL', 'REDIS_CA_FILE'];
  assert.deepEqual(
    Object.keys(settings).filter((name) => !given.has(name)),
    fixed,
  );
  assert.match(dockerfile, /^ENV HOST=0\.0\.0\.0$/m);
  assert.deepEqual(stack.services.app?.ports, [
    `\${PORT:-${settings.PORT.fallback}}:${settings.PORT.fallback}`,
  ]);
});

test('Docker waits longer than the server takes to stop', () => {
  const { stop_grace_period = '', environment = {} } = stack.services.app ?? {};
  assert.equal(environment.SHUTDOWN_DEADLINE_MS, settings.SHUTDOWN_DEADLINE_MS.fallback);
  const graceMs = Number(/^(\d+)s$/.exec(stop_grace_period)?.[1]) * 1000;
  // A second in which workers are ended by force, and one to spare.
  assert.ok(graceMs >= settings.SHUTDOWN_DEADLINE_MS.fallback + 2000, `${graceMs} ms`);
});

test('our images carry the version of package.json', () => {
  for (const [name, { image, build }] of Object.entries(stack.services))
    if (build) assert.equal(image.split(':')[1], packageJson.version, name);
});

test('Redis evicts what is used least, and writes nothing to disk', () => {
  const lines = read('deploy/compose/redis.conf').split('\n');
  for (const line of ['maxmemory-policy allkeys-lru', 'save ""', 'appendonly no'])
    assert.ok(lines.includes(line), line);
});

test('Prometheus reaches every target by its name, keeps 30 days, and takes what k6 sends', () => {
  const { prometheus } = stack.services;
  assert.ok(prometheus);
  const config = parse(read('metrics/prometheus/prometheus.yml')) as {
    readonly scrape_configs: readonly {
      readonly authorization?: { readonly credentials_file: string };
      readonly static_configs: readonly { readonly targets: readonly string[] }[];
    }[];
  };
  const targets = config.scrape_configs.flatMap((job) =>
    job.static_configs.flatMap((group) => group.targets),
  );
  const hosts = targets.map((target) => target.split(':')[0] ?? '').filter((host) => host !== 'localhost');
  assert.equal(hosts.length, 3);
  for (const host of [...hosts, 'loadtest', 'grafana'])
    assert.ok(
      stack.services[host]?.networks?.includes('metrics') && prometheus.networks?.includes('metrics'),
      host,
    );
  assert.ok(targets.includes(`app:${settings.ADMIN_PORT.fallback}`));
  assert.equal(stack.services.app?.environment?.ADMIN_HOST, '0.0.0.0');
  // Each reads the token in a volume of its own.
  assert.deepEqual(
    config.scrape_configs.flatMap(({ authorization }) => authorization?.credentials_file ?? []),
    [stack.services.app?.environment?.ADMIN_TOKEN_FILE],
  );
  assert.ok(prometheus.command?.includes('--web.enable-remote-write-receiver'));
  assert.ok(prometheus.command?.includes('--storage.tsdb.retention.time=31d'));
  assert.ok(prometheus.volumes?.includes('./metrics/prometheus:/etc/prometheus:ro'));
});

test('Grafana finds the dashboards and Prometheus where its provisioning says', () => {
  const { volumes = [] } = stack.services.grafana ?? {};
  const folder = 'metrics/grafana/provisioning';
  assert.ok(volumes.includes(`./${folder}:/etc/grafana/provisioning:ro`));
  const { providers } = parse(read(`${folder}/dashboards/frontshelf.yml`)) as {
    readonly providers: readonly { readonly options: { readonly path: string } }[];
  };
  for (const { options } of providers)
    assert.ok(volumes.includes(`./metrics/grafana/dashboards:${options.path}:ro`));
  const { datasources } = parse(read(`${folder}/datasources/prometheus.yml`)) as {
    readonly datasources: readonly { readonly url: string }[];
  };
  assert.deepEqual(
    datasources.map(({ url }) => url),
    ['http://prometheus:9090'],
  );
});

test('the load test views pages of the app, and tells Prometheus', () => {
  const { entrypoint, command } = stack.services.loadtest ?? {};
  assert.deepEqual(entrypoint?.slice(2), [
    '--url',
    'http://app:3000',
    '--prometheus',
    'http://prometheus:9090',
  ]);
  assert.deepEqual(command?.slice(0, 2), ['--scenario', 'page-view']);
});
