/** What is read on a hot standby, and after it has become the primary. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { type Postgres, startPostgres } from '../local/postgres.ts';
import { readChanges } from './change-feed.ts';
import { readProductPage } from './product-page.ts';
import { stampCovers } from './stamp.ts';
import { createTestDatabase } from './testing.ts';

const folder = mkdtempSync(join(tmpdir(), 'frontshelf-standby-'));
// For the user that Postgres runs as when the tests are root's.
chmodSync(folder, 0o755);
const dataDir = join(folder, 'primary');
const settings = { fsync: 'off', autovacuum: 'off' };
let primary: Postgres;
let standby: Postgres;
let writer: pg.Client;
let reader: pg.Client;
before(async () => {
  const original = await startPostgres({ dataDir, password: 'test', settings });
  const { ownerUrl } = await createTestDatabase({ server: original.url, products: 20 });
  await original.stop();
  execFileSync('cp', ['-a', dataDir, join(folder, 'standby')]);
  writeFileSync(join(folder, 'standby', 'standby.signal'), '');
  primary = await startPostgres({ dataDir, password: 'test', port: original.port, settings });
  standby = await startPostgres({
    dataDir: join(folder, 'standby'),
    password: 'test',
    settings: {
      ...settings,
      primary_conninfo: `host=127.0.0.1 port=${primary.port} user=postgres password=test`,
    },
  });
  const at = (port: number) => new pg.Client(Object.assign(new URL(ownerUrl), { port: String(port) }).href);
  writer = at(primary.port);
  reader = at(standby.port);
  for (const client of [writer, reader]) await client.connect();
});
after(async () => {
  for (const client of [writer, reader]) await client?.end();
  for (const server of [standby, primary]) await server?.stop('immediate');
  rmSync(folder, { recursive: true });
});

/** Resolves when the standby has all that the primary has written. */
async function caughtUp(): Promise<void> {
  const { rows } = await writer.query<{ lsn: string }>('SELECT pg_current_wal_flush_lsn() AS lsn');
  for (;;) {
    const { rows: replayed } = await reader.query('SELECT pg_last_wal_replay_lsn() >= $1 AS done', [
      rows[0]?.lsn,
    ]);
    if (replayed[0]?.done) return;
  }
}

const rename = (slug: string, id: number) => `UPDATE product SET slug = '${slug}' WHERE id = ${id}`;

test('a page that is read on a standby does not claim what is under way on the primary', async () => {
  const { snapshot: seen } = await readChanges(reader, undefined);
  const open = new pg.Client(Object.assign(new URL(primary.url), { pathname: writer.database }).href);
  await open.connect();
  try {
    await open.query(`BEGIN; ${rename('late', 1)}`);
    const { rows } = await open.query<{ xid: string }>('SELECT pg_current_xact_id()::text AS xid');
    const xid = rows[0]?.xid ?? '';
    await writer.query(rename('early', 2));
    await caughtUp();

    const { snapshot, changes } = await readChanges(reader, seen);
    assert.ok(changes.some(({ key }) => key === 'early'));
    const page = await readProductPage(reader, 'late');
    assert.equal(page.body, null);
    for (const stamp of [page.snapshot, snapshot]) assert.equal(stampCovers(stamp, xid), false, stamp);
    // What it guards against: the standby's own function claims it.
    const own = await reader.query('SELECT pg_current_snapshot()::text AS snapshot');
    assert.equal(stampCovers(own.rows[0].snapshot, xid), true);

    await open.query('COMMIT');
    await caughtUp();
    const reading = await readChanges(reader, snapshot);
    assert.ok(reading.changes.some((change) => change.key === 'late' && change.xid === xid));
    const later = await readProductPage(reader, 'late');
    assert.notEqual(later.body, null);
    assert.equal(stampCovers(later.snapshot, xid), true);
  } finally {
    await open.end();
  }
});

test('a standby has the history of its primary, until it is one itself', async () => {
  const { history } = await readChanges(writer, undefined);
  assert.equal((await readChanges(reader, undefined)).history, history);
  await reader.end();
  reader = new pg.Client(Object.assign(new URL(standby.url), { pathname: writer.database }).href);
  await reader.connect();
  await reader.query('SELECT pg_promote()');
  assert.notEqual((await readChanges(reader, undefined)).history, history);
});
