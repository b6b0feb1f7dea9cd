/**
 * `npm run bench:triggers`: what the change log and the rows of lists add to a write, and what a reader of the log that
 * finds nothing costs, in CPU time of the session's Postgres process.
 *
 * Each statement runs without triggers, with the log's and with the lists', in turns, as machines drift by more than the
 * difference. All of it is in transactions that are rolled back, so nothing is changed; the table is locked against
 * writers meanwhile.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { readConfig } from '../../config.ts';
import { readChanges } from '../change-feed.ts';
import { errorText } from '../errors.ts';

const help = `Usage: npm run bench:triggers -- [--rounds N]

CPU time that the change log adds to writes, that the rows of lists add to them, and that an idle reader of the log
costs. Takes a minute or two. Needs Linux and, on this machine, a
seeded database that nothing else writes to: DATABASE_OWNER_URL, the database as the role that owns it, or else
DATABASE_URL. Changes nothing in it.

  --rounds N  measurements of each statement without triggers and with each kind, of which the medians are shown (default 11)`;

interface Case {
  readonly name: string;
  readonly table: string;
  readonly operation: 'insert' | 'update';
  /** The products are 1 to 2,000, \`i\` one of them. */
  readonly statement: string;
  /** Runs of the statement in one measurement, each with another product. A single one is planned as well. */
  readonly runs: number;
}

const cases: readonly Case[] = [
  {
    name: 'UPDATE of one price',
    table: 'price',
    operation: 'update',
    statement: "UPDATE price SET list_minor = list_minor + 1 WHERE product_id = i AND market_code = 'US'",
    runs: 1000,
  },
  {
    name: 'UPDATE of one rating_summary',
    table: 'rating_summary',
    operation: 'update',
    statement: 'UPDATE rating_summary SET n5 = n5 + 1 WHERE product_id = i',
    runs: 1000,
  },
  {
    name: 'INSERT of one product_tag',
    table: 'product_tag',
    operation: 'insert',
    statement: `INSERT INTO product_tag (product_id, tag_id) SELECT i, id FROM tag
      WHERE NOT EXISTS (SELECT FROM product_tag t WHERE t.product_id = i AND t.tag_id = tag.id) LIMIT 1`,
    runs: 1000,
  },
  {
    name: 'UPDATE of one title',
    table: 'product',
    operation: 'update',
    statement: "UPDATE product SET title = title || '.' WHERE id = i",
    runs: 1000,
  },
  {
    name: 'UPDATE of 5,000 descriptions, each product named in the log',
    table: 'product',
    operation: 'update',
    statement: "UPDATE product SET description = description || '.' WHERE id <= 5000",
    runs: 1,
  },
  {
    name: 'UPDATE of 10,000 descriptions, logged as *',
    table: 'product',
    operation: 'update',
    statement: "UPDATE product SET description = description || '.' WHERE id <= 10000",
    runs: 1,
  },
];

/** CPU time that a process has had, in milliseconds. */
type CpuTime = () => number;

async function cpuTimeOf(client: pg.Client): Promise<CpuTime> {
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const path = `/proc/${rows[0]?.pid}`;
  try {
    if (!readFileSync(`${path}/cmdline`, 'latin1').startsWith('postgres')) throw new Error('another process');
  } catch (cause) {
    throw new Error('npm run bench:triggers needs Linux, and a Postgres on this machine.', { cause });
  }
  return () => Number(readFileSync(`${path}/schedstat`, 'latin1').split(' ')[0]) / 1e6;
}

const kinds = ['log', 'list'] as const;
type Kind = (typeof kinds)[number];

/** Milliseconds of CPU per statement, with triggers of this kind or none. */
async function measure(
  client: pg.Client,
  cpuTime: CpuTime,
  { table, operation, statement, runs }: Case,
  kind: Kind | undefined,
): Promise<number> {
  try {
    await client.query('BEGIN');
    for (const each of kinds)
      await client.query(
        `ALTER TABLE ${table} ${each === kind ? 'ENABLE ALWAYS' : 'DISABLE'} TRIGGER ${each}_${operation}`,
      );
    await client.query(`CREATE PROCEDURE pg_temp.run(first integer, last integer) LANGUAGE plpgsql AS
      $$ BEGIN FOR i IN first..last LOOP ${statement}; END LOOP; END $$`);
    // Parses and plans.
    if (runs > 1) await client.query('CALL pg_temp.run(2001, 2002)');
    const startMs = cpuTime();
    await client.query(`CALL pg_temp.run(1, ${runs})`);
    return (cpuTime() - startMs) / runs;
  } finally {
    await client.query('ROLLBACK');
    await client.query(`VACUUM ${table}, catalogue_change, listed_game, game_text`);
  }
}

const median = (values: readonly number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** Milliseconds of CPU per reading. */
async function measureReading(client: pg.Client, cpuTime: CpuTime, readings: number): Promise<number> {
  let { snapshot } = await readChanges(client, undefined);
  const startMs = cpuTime();
  for (let i = 0; i < readings; i++) ({ snapshot } = await readChanges(client, snapshot));
  return (cpuTime() - startMs) / readings;
}

async function bench(url: string, rounds: number): Promise<void> {
  const client = new pg.Client({ connectionString: url, application_name: 'frontshelf-bench' });
  await client.connect();
  try {
    const { rows } = await client.query<{ version: string; products: number }>(
      "SELECT current_setting('server_version') AS version, count(*)::integer AS products FROM product",
    );
    const cpuTime = await cpuTimeOf(client);
    console.log(
      `Postgres ${rows[0]?.version}, ${rows[0]?.products} products, ${rounds} rounds, milliseconds of CPU`,
    );
    for (const each of cases) {
      const without: number[] = [];
      const added: Record<Kind, number[]> = { log: [], list: [] };
      for (let round = 0; round < rounds; round++) {
        const bareMs = await measure(client, cpuTime, each, undefined);
        without.push(bareMs);
        for (const kind of kinds) added[kind].push((await measure(client, cpuTime, each, kind)) - bareMs);
      }
      console.log(
        `${each.name}: ${median(without).toFixed(3)}; the log adds ${median(added.log).toFixed(3)}, lists add ${median(added.list).toFixed(3)}`,
      );
    }
    console.log(`reading that finds nothing: ${(await measureReading(client, cpuTime, 1000)).toFixed(3)}`);
  } finally {
    await client.end();
  }
}

try {
  const { values } = parseArgs({
    options: { rounds: { type: 'string', default: '11' }, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help) {
    console.log(help);
  } else {
    if (!/^[1-9]\d*$/.test(values.rounds))
      throw new Error(`--rounds must be a whole number from 1 up; it is "${values.rounds}".`);
    const { config, problems } = readConfig(process.env);
    const [problem] = problems.filter((text) => text.startsWith('DATABASE_'));
    if (problem !== undefined) throw new Error(problem);
    const url = config.databaseOwnerUrl || config.databaseUrl;
    if (url === '')
      throw new Error('DATABASE_OWNER_URL is not set; it must be the URL of a seeded database.');
    await bench(url, Number(values.rounds));
  }
} catch (error) {
  console.error(errorText(error));
  process.exitCode = 1;
}
