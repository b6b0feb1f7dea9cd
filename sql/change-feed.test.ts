import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { startPostgres } from '../local/postgres.ts';
import { changeChannel, pruneChanges, readChanges } from './change-feed.ts';
import { createReaderPool } from './pool.ts';
import { stampCovers } from './stamp.ts';
import { createTestDatabase, readAllPages, type TestDatabase } from './testing.ts';

let database: TestDatabase;
let owner: pg.Client;
let reader: pg.Client;
before(async () => {
  database = await createTestDatabase();
  owner = await connect();
  reader = await connect(database.readerUrl);
  await owner.query(`INSERT INTO product
    SELECT i, 'p' || i, CASE WHEN i > 10 THEN 1 END, CASE WHEN i > 10 THEN 'edition' ELSE 'game' END, 'P', '', '', NULL, NULL, NULL, NULL, i
    FROM generate_series(1, 20) i;
    INSERT INTO market VALUES ('US', 'USD', 'ESRB');
    INSERT INTO price SELECT id, 'US', 0 FROM product;
    INSERT INTO company VALUES (1, 'C');
    INSERT INTO media (id, product_id, role, position, kind, url, alt, width, height)
    SELECT id, id, 'card', 1, 'image', 'https://x', '', 1, 1 FROM product;
    INSERT INTO media_variant SELECT id, 'avif', 1, 'https://x' FROM media`);
});
after(async () => {
  await owner.end();
  await reader.end();
  await database.drop();
});

async function connect(connectionString = database.ownerUrl): Promise<pg.Client> {
  const client = new pg.Client({ connectionString });
  client.on('error', () => {});
  await client.connect();
  return client;
}

/** Runs with connections of the owner's, and closes them. */
async function withWriters(count: number, act: (...writers: pg.Client[]) => Promise<void>): Promise<void> {
  const writers = await Promise.all(Array.from({ length: count }, () => connect()));
  try {
    await act(...writers);
  } finally {
    for (const writer of writers) await writer.end();
  }
}

/** A reader that goes on from where it was. */
async function startFeed(client = reader) {
  let seen = (await readChanges(client, undefined)).snapshot;
  return async () => {
    const reading = await readChanges(client, seen);
    assert.equal(reading.gap, undefined);
    seen = reading.snapshot;
    return reading.changes.map(({ key }) => key).sort();
  };
}

const rate = (id: number) => `UPDATE price SET list_minor = list_minor + 1 WHERE product_id = ${id}`;

/** Resolves when a promise is settled, or a session of this database waits for a lock. */
async function untilSettledOrBlocked(promise: Promise<unknown>): Promise<void> {
  let settled = false;
  promise.finally(() => {
    settled = true;
  });
  for (;;) {
    const { rows } = await owner.query(
      "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
    );
    if (settled || rows.length > 0) return;
  }
}

test('the first reading has no changes, and says where the next begins', async () => {
  await owner.query(rate(1));
  const first = await readChanges(reader, undefined);
  assert.deepEqual([first.changes, first.gap], [[], undefined]);
  await owner.query(rate(2));
  const second = await readChanges(reader, first.snapshot);
  assert.deepEqual(
    second.changes.map(({ key }) => key),
    ['p2'],
  );
  assert.equal(second.history, first.history);
  const [xid = ''] = second.changes.map((change) => change.xid);
  assert.deepEqual(
    [first, second].map(({ snapshot }) => stampCovers(snapshot, xid)),
    [false, true],
  );
  assert.deepEqual((await readChanges(reader, second.snapshot)).changes, []);
});

test('transactions that commit in the reverse order are each read once, and one that stays open delays none', () =>
  withWriters(3, async (first, second, third) => {
    const feed = await startFeed();
    await first.query(`BEGIN; ${rate(1)}`);
    await second.query(`BEGIN; ${rate(2)}; SAVEPOINT s; ${rate(3)}`);
    await third.query(`BEGIN; ${rate(4)}`);
    assert.deepEqual(await feed(), []);
    await third.query('COMMIT');
    assert.deepEqual(await feed(), ['p4']);
    await owner.query(rate(5));
    assert.deepEqual(await feed(), ['p5']);
    await second.query('COMMIT');
    assert.deepEqual(await feed(), ['p2', 'p3']);
    assert.deepEqual(await feed(), []);
    await first.query('COMMIT');
    assert.deepEqual(await feed(), ['p1']);
    assert.deepEqual(await feed(), []);
  }));

test('a transaction that is rolled back is never read', () =>
  withWriters(1, async (writer) => {
    const feed = await startFeed();
    await writer.query(`BEGIN; ${rate(1)}`);
    assert.deepEqual(await feed(), []);
    await writer.query('ROLLBACK');
    await writer.query(`BEGIN; SAVEPOINT s; ${rate(2)}; ROLLBACK TO s; ${rate(3)}; COMMIT`);
    assert.deepEqual(await feed(), ['p3']);
  }));

test('a commit wakes who listens, once, with nothing to say, unless the writer would rather not', () =>
  withWriters(1, async (writer) => {
    const heard: string[] = [];
    reader.on('notification', ({ channel, payload }) => heard.push(`${channel} ${payload}`));
    await reader.query(`LISTEN ${changeChannel}`);
    await writer.query(`BEGIN; ${rate(1)}; ${rate(2)}; COMMIT`);
    await writer.query('UPDATE price SET list_minor = list_minor');
    await writer.query(`SET frontshelf.notify = off; ${rate(3)}`);
    await reader.query('UNLISTEN *');
    assert.deepEqual(heard, [`${changeChannel} `]);
  }));

// What the second transaction changes belongs to another page once the first has committed. The first commits while the
// second is under way: by then the second may have looked already, or have its snapshot from before.
for (const [name, first, second, key] of [
  ['a renamed parent', "UPDATE product SET slug = 'renamed' WHERE id = 1", rate(11), 'renamed'],
  ['a new parent', 'UPDATE product SET parent_id = 2 WHERE id = 12', rate(12), 'p2'],
  ['a renamed product', "UPDATE product SET slug = 'renamed-3' WHERE id = 3", rate(3), 'renamed-3'],
  [
    'a new reference to a company',
    "INSERT INTO product_company VALUES (5, 'developer', 1, 1)",
    "UPDATE company SET url = coalesce(url, 'https://x') || 'x' WHERE id = 1",
    'p5',
  ],
  [
    'a medium that moves',
    'UPDATE media SET product_id = 6, position = 2 WHERE id = 7',
    "UPDATE media_variant SET url = url || 'x' WHERE media_id = 7",
    'p6',
  ],
] as const)
  for (const isolation of ['READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE'])
    test(`a change that meets ${name} under ${isolation} is read for the page that shows it, or refused`, () =>
      withWriters(2, async (one, two) => {
        await owner.query(
          'DELETE FROM product_company; UPDATE media SET product_id = 7, position = 1 WHERE id = 7; UPDATE product SET parent_id = 1 WHERE id = 12',
        );
        const feed = await startFeed();
        await one.query(`BEGIN; ${first}`);
        await two.query(`BEGIN ISOLATION LEVEL ${isolation}; SELECT FROM product`);
        const written = two.query(second).then(
          () => true,
          (error: unknown) => {
            assert.ok(error instanceof pg.DatabaseError && error.code === '40001', String(error));
            return false;
          },
        );
        await untilSettledOrBlocked(written);
        await one.query('COMMIT');
        await feed();
        if (!(await written)) return;
        const before = await readAllPages(owner);
        await two.query('COMMIT');
        const after = await readAllPages(owner);
        const keys = await feed();
        const slug = [...after.keys()].find((candidate) => candidate === key) ?? '';
        assert.notEqual(before.get(slug), after.get(slug), 'the case is none');
        assert.ok(keys.includes(slug) || keys.includes('*'), `${slug} is not among ${keys}`);
        await owner.query("UPDATE product SET slug = 'p' || id");
      }));

test('a prepared transaction is read when it is committed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'frontshelf-prepared-'));
  const postgres = await startPostgres({
    dataDir: join(folder, 'data'),
    password: 'test',
    settings: { max_prepared_transactions: 1, fsync: 'off' },
  });
  try {
    const own = await createTestDatabase({ server: postgres.url, products: 20 });
    const writer = await connect(own.ownerUrl);
    const feed = await startFeed(writer);
    const change = "UPDATE product SET slug = 'prepared' WHERE id = 1";
    await assert.rejects(writer.query(`BEGIN; ${change}; PREPARE TRANSACTION 'a'`), { code: '0A000' });
    await writer.query(`SET frontshelf.notify = off; BEGIN; ${change}`);
    await writer.query("PREPARE TRANSACTION 'a'");
    assert.deepEqual(await feed(), []);
    await writer.query("COMMIT PREPARED 'a'");
    assert.ok((await feed()).includes('prepared'));
    await writer.end();
  } finally {
    await postgres.stop();
    rmSync(folder, { recursive: true });
  }
});

test('nothing is lost or read twice while writers commit and roll back as they like', () =>
  withWriters(4, async (...writers) => {
    const feed = await startFeed(reader);
    const seen: string[] = [];
    let seenSnapshot = (await readChanges(reader, undefined)).snapshot;
    const read = async () => {
      const { changes, snapshot } = await readChanges(reader, seenSnapshot);
      seenSnapshot = snapshot;
      seen.push(...changes.map(({ key, xid }) => `${key} ${xid}`));
    };
    const deadlineMs = performance.now() + 2000;
    const committed: string[] = [];
    const write = async (writer: pg.Client, w: number) => {
      for (let n = 0; performance.now() < deadlineMs; n++) {
        // Each its own products, so that none waits for another.
        const id = 2 + w + 4 * (n % 2);
        await writer.query(`BEGIN; ${rate(id)}`);
        const { rows } = await writer.query<{ xid: string }>('SELECT pg_current_xact_id()::text AS xid');
        if (n % 3 === 0) await writer.query('SELECT pg_sleep(random() * 0.01)');
        const keep = n % 5 !== 0;
        await writer.query(keep ? 'COMMIT' : 'ROLLBACK');
        if (keep) committed.push(`p${id} ${rows[0]?.xid}`);
      }
    };
    const writing = Promise.all(writers.map(write));
    let done = false;
    writing.finally(() => {
      done = true;
    });
    while (!done) await read();
    await writing;
    await read();
    assert.ok(committed.length > 100);
    assert.deepEqual(seen.sort(), committed.sort());
    assert.ok((await feed()).length > 0);
  }));

test('more changes than the limit are a gap', async () => {
  const { snapshot } = await readChanges(reader, undefined);
  await owner.query("UPDATE product SET description = description || 'x' WHERE id BETWEEN 2 AND 6");
  assert.equal((await readChanges(reader, snapshot, 5)).changes.length, 5);
  const { gap, changes } = await readChanges(reader, snapshot, 4);
  assert.deepEqual([gap, changes], ['overflow', []]);
});

test('a snapshot that the database has not reached is a gap', async () => {
  assert.equal((await readChanges(reader, '99999999:99999999:')).gap, 'rewound');
});

test('what is no snapshot is refused', async () => {
  await assert.rejects(readChanges(reader, '1:2'), RangeError);
});

test('pruning deletes what everybody could see for a retention, and a reader that was away for longer has a gap', () =>
  withWriters(1, async (writer) => {
    const logged = async () =>
      (await owner.query<{ n: number }>('SELECT count(*)::integer AS n FROM catalogue_change')).rows[0]?.n;
    /** Lets the time pass that the horizon waits for. */
    const aMinuteLater = () =>
      owner.query("UPDATE catalogue_change_horizon SET next_at = next_at - interval '1 minute'");
    const retentionMs = 60_000;
    await owner.query(`DELETE FROM catalogue_change;
      UPDATE catalogue_change_horizon SET pruned = NULL, next = DEFAULT, next_at = DEFAULT`);
    await owner.query(rate(1));
    await writer.query(`BEGIN; ${rate(2)}`);
    const old = (await readChanges(reader, undefined)).snapshot;
    await owner.query(rate(3));

    assert.equal(await pruneChanges(reader, retentionMs), 0, 'nothing is a minute old');
    await aMinuteLater();
    assert.equal(
      await pruneChanges(reader, retentionMs),
      0,
      'what is a minute old was followed by all of these',
    );
    const current = (await readChanges(reader, undefined)).snapshot;
    await writer.query('COMMIT');
    await owner.query(rate(4));
    await aMinuteLater();
    assert.equal(await pruneChanges(reader, retentionMs), 2, 'what is open or later stays');
    assert.equal(await logged(), 2);

    assert.equal((await readChanges(reader, old)).gap, 'pruned');
    const { gap, changes } = await readChanges(reader, current);
    assert.equal(gap, undefined);
    assert.deepEqual(changes.map(({ key }) => key).sort(), ['p2', 'p4']);
    // A horizon of another history came with a dump, and is begun anew.
    await owner.query("UPDATE catalogue_change_horizon SET history = 'other', pruned = '99999999:99999999:'");
    assert.equal((await readChanges(reader, old)).gap, undefined);
    assert.equal(await pruneChanges(reader, retentionMs), 0);
    assert.equal((await owner.query('SELECT pruned FROM catalogue_change_horizon')).rows[0].pruned, null);
  }));

test('a retention below a minute is refused, and so is none', async () => {
  for (const retentionMs of [59_999, -1, 0])
    await assert.rejects(pruneChanges(reader, retentionMs), /must be a minute or more; it is/);
  await assert.rejects(reader.query('SELECT prune_catalogue_change(NULL)'), /it is null/);
  assert.equal(await pruneChanges(reader, 60_000), 0);
});

test('another database, or tables restored in place, are another history', async () => {
  const other = await createTestDatabase();
  try {
    const client = await connect(other.readerUrl);
    const { history } = await readChanges(client, undefined);
    await client.end();
    assert.notEqual(history, (await readChanges(reader, undefined)).history);
    assert.match(history, /^\d+\.[0-9A-F]{8}\.\d+\.\d+$/);
  } finally {
    await other.drop();
  }
  await owner.query('BEGIN');
  const { history } = await readChanges(owner, undefined);
  await owner.query(`CREATE TABLE copy (LIKE catalogue_change); DROP TABLE catalogue_change CASCADE;
    ALTER TABLE copy RENAME TO catalogue_change`);
  assert.notEqual((await owner.query('SELECT catalogue_history() AS history')).rows[0].history, history);
  await owner.query('ROLLBACK');
});

test('the log is read through its index, however little is known of its size', async () => {
  const pool = createReaderPool({
    connectionString: database.readerUrl,
    max: 1,
    timeoutMs: 5000,
    applicationName: 'test',
    onError: () => {},
  });
  try {
    const { snapshot } = await readChanges(pool, undefined);
    const plan = async () => {
      const { rows } = await pool.query(`EXPLAIN (COSTS OFF) EXECUTE changes ('${snapshot}', 10)`);
      return rows.map((row) => row['QUERY PLAN']).join('\n');
    };
    await owner.query(
      `INSERT INTO catalogue_change (xid, product_id) SELECT '3', i FROM generate_series(1, 100000) i`,
    );
    assert.match(await plan(), /Index (Only )?Scan using \w+ on catalogue_change/);
    await owner.query('ANALYZE catalogue_change');
    assert.match(await plan(), /Index (Only )?Scan using \w+ on catalogue_change/);
  } finally {
    await owner.query("DELETE FROM catalogue_change WHERE xid = '3'");
    await pool.end();
  }
});
