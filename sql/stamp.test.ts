import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import pg from 'pg';
import { isStamp, stampCovers, stampIncludes } from './stamp.ts';
import { createTestDatabase, type TestDatabase } from './testing.ts';

let database: TestDatabase;
let client: pg.Client;
before(async () => {
  database = await createTestDatabase({ migrated: false });
  client = new pg.Client({ connectionString: database.ownerUrl });
  await client.connect();
});
after(async () => {
  await client.end();
  await database.drop();
});

/** Snapshots near each other, some of them beyond what a number holds exactly. (No id ends in 32 zero bits.) */
const stamps = fc
  .record({
    base: fc.constantFrom(3n, 2n ** 32n + 3n, 2n ** 53n + 3n, 2n ** 62n + 3n),
    xmin: fc.bigInt(0n, 8n),
    length: fc.bigInt(0n, 8n),
    running: fc.uniqueArray(fc.bigInt(0n, 7n)),
  })
  .map(({ base, xmin, length, running }) => {
    const xip = running.filter((xid) => xid < length).sort((a, b) => Number(a - b));
    return `${base + xmin}:${base + xmin + length}:${xip.map((xid) => base + xmin + xid)}`;
  });

/** The transactions whose visibility can differ between stamps that begin where this one does, and those beside them. */
function xidsAround(stamp: string): bigint[] {
  const first = BigInt(stamp.split(':')[0] ?? 0) - 9n;
  return Array.from({ length: 34 }, (_, i) => first + BigInt(i)).filter((xid) => xid > 0n);
}

test('whether a stamp covers a transaction is what pg_visible_in_snapshot says', async () => {
  await fc.assert(
    fc.asyncProperty(stamps, async (stamp) => {
      const xids = xidsAround(stamp).map(String);
      const { rows } = await client.query<{ visible: boolean }>(
        `SELECT pg_visible_in_snapshot(xid, $2::pg_snapshot) AS visible
        FROM unnest($1::xid8[]) WITH ORDINALITY u (xid, i) ORDER BY i`,
        [xids, stamp],
      );
      assert.deepEqual(
        xids.map((xid) => stampCovers(stamp, xid)),
        rows.map(({ visible }) => visible),
      );
    }),
    { numRuns: 200 },
  );
});

test('a stamp that includes a snapshot covers whatever that covers', () => {
  fc.assert(
    fc.property(stamps, stamps, (stamp, snapshot) => {
      fc.pre(stampIncludes(stamp, snapshot));
      for (const xid of [...xidsAround(stamp), ...xidsAround(snapshot)])
        assert.ok(stampCovers(stamp, xid) || !stampCovers(snapshot, xid), `${xid}`);
    }),
    { numRuns: 2000 },
  );
});

test('a snapshot includes those taken before it, and of those taken later only what is no different', async () => {
  const writers = await Promise.all(
    [1, 2].map(async () => {
      const writer = new pg.Client({ connectionString: database.ownerUrl });
      await writer.connect();
      return writer;
    }),
  );
  const [early, late] = writers;
  assert.ok(early && late);
  const look = async () => (await client.query('SELECT pg_current_snapshot()::text AS s')).rows[0].s;
  const write = (writer: pg.Client) => writer.query('BEGIN; SELECT pg_current_xact_id()');
  try {
    await write(early);
    const first = await look();
    const again = await look();
    await write(late);
    await late.query('COMMIT');
    const second = await look();
    await early.query('COMMIT');
    const third = await look();
    const order = [first, second, third];
    for (const [i, stamp] of order.entries())
      for (const [j, snapshot] of order.entries())
        assert.equal(stampIncludes(stamp, snapshot), i >= j, `${stamp} includes ${snapshot}`);
    assert.ok(stampIncludes(first, again) && stampIncludes(again, first));
  } finally {
    for (const writer of writers) await writer.end();
  }
});

test('a text that is no stamp covers and includes nothing', () => {
  for (const text of ['', '5', '5:6', '5:6:x', '5:6:5,', '-1:6:', '5:6:5;5', '5:6:5\n']) {
    assert.ok(!isStamp(text), text);
    assert.ok(!stampCovers(text, 1n));
    assert.ok(!stampIncludes(text, '3:3:'));
    assert.ok(!stampIncludes('3:3:', text));
  }
  assert.ok(isStamp('5:7:5,6') && isStamp('5:5:'));
});
