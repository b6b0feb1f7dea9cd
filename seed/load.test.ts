import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { popularPages } from '../sql/popular-pages.ts';
import { createTestDatabase, type TestDatabase } from '../sql/testing.ts';
import { type SeedOptions, seedDatabase } from './load.ts';

let database: TestDatabase;
let owner: pg.Client;
before(async () => {
  database = await createTestDatabase();
  owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
});
after(async () => {
  await owner.end();
  await database.drop();
});

const seed = (products: number, more: Partial<SeedOptions> = {}, url = database.ownerUrl) =>
  seedDatabase(url, { products, seed: 1, whenHeld: 'refuse', onProgress: () => {}, ...more });

async function ask(sql: string): Promise<unknown[]> {
  const { rows } = await owner.query<[unknown]>({ text: sql, rowMode: 'array' });
  return rows.map(([value]) => value);
}

const indexesAndConstraints = () =>
  ask(`SELECT pg_get_indexdef(indexrelid) AS definition FROM pg_index
      WHERE indrelid::regclass::text !~ '^pg_' AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
    UNION ALL SELECT concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint
    ORDER BY definition`);

const triggers = () =>
  ask(
    `SELECT concat_ws(' ', tgrelid::regclass, tgname, tgenabled) FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1`,
  );

const logged = () => ask(`SELECT coalesce(key, product_id::text) FROM catalogue_change ORDER BY 1`);

const counts = () =>
  ask(`SELECT count(*)::integer FROM product UNION ALL SELECT count(*)::integer FROM media
    UNION ALL SELECT count(*)::integer FROM review UNION ALL SELECT count(*)::integer FROM system_requirement`);

test('an empty database is seeded with as many products as asked for, and has the same indexes and triggers after it', async () => {
  const before = await indexesAndConstraints();
  const triggersBefore = await triggers();
  assert.equal(await seed(300), 'seeded');
  assert.deepEqual(await ask('SELECT count(*)::integer FROM product'), [300]);
  assert.deepEqual(await indexesAndConstraints(), before);
  assert.ok(before.length > 60);
  assert.deepEqual(await triggers(), triggersBefore);
  assert.ok(triggersBefore.length > 60);
});

test('the same catalogue again is already there, and its rows stay as they are', async () => {
  await owner.query("UPDATE product SET title = 'Edited' WHERE id = 1");
  assert.equal(await seed(300), 'present');
  assert.deepEqual(await ask('SELECT title FROM product WHERE id = 1'), ['Edited']);
});

test('another catalogue is refused, kept with --if-empty, and put in place of the first only with --replace', async () => {
  assert.equal(await seed(120, { whenHeld: 'keep' }), 'present');
  assert.deepEqual(await ask('SELECT count(*)::integer FROM product'), [300]);
  await assert.rejects(seed(300, { seed: 2 }), {
    message:
      'The database already holds 300 generated products of seed 1; --replace puts 300 generated products of seed 2 in its place.',
  });
  assert.equal(await seed(120, { whenHeld: 'replace' }), 'seeded');
  assert.deepEqual(await ask('SELECT count(*)::integer FROM product'), [120]);
});

test('a seeding puts every page into the change log, in one row', async () => {
  await owner.query('DELETE FROM catalogue_change');
  await seed(120, { whenHeld: 'replace' });
  assert.deepEqual(await logged(), ['*']);
});

test('a product can be added by hand after seeding', async () => {
  await owner.query(`INSERT INTO product (slug, offer_type, title, short_description, description, popularity_rank)
    VALUES ('by-hand', 'game', 'By hand', '', '', 1000000)`);
  assert.deepEqual(await ask("SELECT id::integer FROM product WHERE slug = 'by-hand'"), [121]);
});

test('a database with products that were not generated is refused', async () => {
  await owner.query('DELETE FROM catalogue_seed');
  await assert.rejects(seed(120), /already holds products that were not generated/);
});

test('a seeding that is killed leaves what was there before', async () => {
  await seed(200, { whenHeld: 'replace' });
  const before = await counts();
  const command = [fileURLToPath(new URL('main.ts', import.meta.url)), '--products', '50000', '--replace'];
  const seeder = spawn(process.execPath, command, {
    env: { ...process.env, DATABASE_OWNER_URL: database.ownerUrl },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  // Its first line comes with the first table.
  await once(seeder.stdout, 'data');
  seeder.kill('SIGKILL');
  await once(seeder, 'exit');
  assert.deepEqual(await counts(), before);
  assert.deepEqual(await ask('SELECT products FROM catalogue_seed'), [200]);
});

test('two seedings at once take turns: one seeds and the other finds its work done', async () => {
  await owner.query('TRUNCATE product CASCADE');
  const both = [seed(200), seed(200, { whenHeld: 'keep' })];
  assert.deepEqual((await Promise.all(both)).sort(), ['present', 'seeded']);
});

test('a database without the schema is told from one without products', async () => {
  const bare = await createTestDatabase({ migrated: false });
  try {
    await assert.rejects(seed(1, {}, bare.ownerUrl), {
      message: 'The database has no tables yet; run: npm run migrate',
    });
  } finally {
    await bare.drop();
  }
});

test('every module is filled on most pages and empty on some, and every page has all of them', async () => {
  await seed(1000, { whenHeld: 'replace' });
  const pool = new pg.Pool({ connectionString: database.readerUrl });
  try {
    const pages = (await Array.fromAsync(popularPages(pool, { limit: 1000 }))).map(
      ({ body }): Record<string, unknown> => JSON.parse(Buffer.from(body, 'latin1').toString()),
    );
    const modules = Object.keys(pages[0] ?? {});
    const always = ['id', 'slug', 'title', 'type', 'shortDescription', 'description'];
    // Only games have editions and add-ons.
    const games = pages.filter(({ type }) => type === 'game');
    for (const module of modules) {
      const among = module === 'editions' || module === 'addOns' ? games : pages;
      const filled = among.filter((page) => !isEmpty(page[module])).length / among.length;
      if (always.includes(module)) assert.equal(filled, 1, module);
      else
        assert.ok(filled > 0.55 && filled < 0.999, `${module} is filled on ${filled * 100} % of the pages`);
    }
    for (const page of pages) assert.deepEqual(Object.keys(page), modules);
  } finally {
    await pool.end();
  }
});

const isEmpty = (value: unknown) => value === null || (Array.isArray(value) && value.length === 0);
