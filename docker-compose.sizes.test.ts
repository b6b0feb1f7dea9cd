/** The sizes: what they add up to, and that the databases' settings fit into them. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { settings } from './config.ts';

interface Service {
  readonly environment?: Readonly<Record<string, string | number | null>>;
  readonly command?: readonly string[];
  readonly cpus?: number;
  readonly mem_limit?: string;
}

function servicesOf(file: string): Readonly<Record<string, Service>> {
  const text = readFileSync(new URL(file, import.meta.url), 'utf8');
  // Compose checks the types of what it is given, as far as they matter here.
  return parse(text, { merge: true }).services as Readonly<Record<string, Service>>;
}

const megabytes = (text = '') => Number(/^(\d+)mb?$/i.exec(text)?.[1]);
const argument = ({ command = [] }: Service, pattern: RegExp) =>
  command.flatMap((text) => pattern.exec(text)?.[1] ?? [])[0];

const sizes = [
  { file: 'docker-compose.base.yml', cpus: 2, memoryMb: 2048 },
  { file: 'docker-compose.scaled.yml', cpus: 4, memoryMb: 8192 },
];
for (const { file, cpus, memoryMb } of sizes)
  test(`${file} divides a machine of ${cpus} CPUs and ${memoryMb} MB`, () => {
    const services = servicesOf(file);
    assert.deepEqual(Object.keys(services), ['app', 'postgres', 'redis']);
    const all = Object.values(services);
    assert.equal(
      all.reduce((sum, service) => sum + (service.cpus ?? Number.NaN), 0),
      cpus,
    );
    assert.equal(
      all.reduce((sum, service) => sum + megabytes(service.mem_limit), 0),
      memoryMb,
    );
    // Docker refuses a container more CPUs than the machine has, and two are what the smallest has.
    assert.ok(all.every((service) => (service.cpus ?? 0) <= 2));
    assert.equal(services.app?.environment?.WORKERS, services.app?.cpus);
  });

for (const file of ['docker-compose.yml', ...sizes.map(({ file }) => file)])
  test(`${file} gives Postgres the connections that all workers may want, and memory that is there`, () => {
    const { app, postgres, redis } = servicesOf(file);
    assert.ok(app && postgres && redis);
    const workers = Number(/\d+/.exec(String(app.environment?.WORKERS))?.[0]);
    const connections = Number(argument(postgres, /^max_connections=(\d+)$/));
    // Some are the superuser's, the exporter's and the seeder's.
    assert.ok(connections >= 2 * workers * settings.DATABASE_POOL_MAX.fallback + 10, `${connections}`);
    const buffersMb = megabytes(argument(postgres, /^shared_buffers=(.+)$/));
    const cacheMb = megabytes(redis.command?.[redis.command.indexOf('--maxmemory') + 1]);
    assert.ok(buffersMb > 0 && cacheMb > 0);
    if (postgres.mem_limit) assert.ok(buffersMb <= megabytes(postgres.mem_limit) / 4);
    // Its buffers and what it has not yet given back come on top.
    if (redis.mem_limit) assert.ok(cacheMb <= megabytes(redis.mem_limit) * 0.75);
  });
