import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createLedger, type Ledger } from './ledger.ts';

const boundMs = 250;

/** A title that was `old`, and is `new` by a COMMIT sent at 1000 that returned at 1010. */
function titleChanged(): Ledger {
  const ledger = createLedger();
  ledger.begin('title', 'old');
  const write = ledger.open();
  write.set('title', 'new');
  write.sent(1000);
  write.returned(1010);
  return ledger;
}

const lies = (ledger: Ledger, title: string, beganAtMs: number, isLabelledStale = false) =>
  ledger
    .judge({ shown: [['title', title]], beganAtMs, endedAtMs: beganAtMs + 1, isLabelledStale }, boundMs)
    .map(({ kind }) => kind);

suite('the ledger', () => {
  test('an old version is a lie from the bound after its successor was committed, and not a moment before', () => {
    const ledger = titleChanged();
    assert.deepEqual(lies(ledger, 'old', 1259.9), []);
    assert.deepEqual(lies(ledger, 'old', 1260), ['stale']);
    assert.deepEqual(lies(ledger, 'new', 1260), []);
  });

  test('a lie tells what was shown, what should have been, and for how long that had been so', () => {
    const [lie] = titleChanged().judge(
      { shown: [['title', 'old']], beganAtMs: 1500, endedAtMs: 1501, isLabelledStale: false },
      boundMs,
    );
    assert.deepEqual(lie, {
      kind: 'stale',
      cell: 'title',
      shown: 'old',
      version: { value: 'old', sentAtMs: Number.NEGATIVE_INFINITY, returnedAtMs: Number.NEGATIVE_INFINITY },
      newer: { value: 'new', sentAtMs: 1000, returnedAtMs: 1010 },
      newerAgeMs: 490,
    });
  });

  test('who says that he may be stale may be old, but may not make things up', () => {
    const ledger = titleChanged();
    assert.deepEqual(lies(ledger, 'old', 9000, true), []);
    assert.deepEqual(lies(ledger, 'never', 9000, true), ['unknown value']);
  });

  test('a newer version may be seen from when its COMMIT was sent, and not while the transaction is open', () => {
    const ledger = createLedger();
    ledger.begin('title', 'old');
    const write = ledger.open();
    write.set('title', 'new');
    assert.deepEqual(lies(ledger, 'new', 100), ['not committed']);
    write.sent(200);
    assert.deepEqual(lies(ledger, 'new', 199.5), []);
    assert.deepEqual(lies(ledger, 'old', 100_000), [], 'nobody knows yet whether it was committed');
    write.returned(210);
    assert.deepEqual(lies(ledger, 'new', 190), ['unknown value'], 'it had been answered before');
  });

  test('what was rolled back must never show', () => {
    const ledger = titleChanged();
    const write = ledger.open();
    write.set('title', 'undone');
    write.undone();
    assert.deepEqual(lies(ledger, 'undone', 2000), ['rolled back']);
    assert.deepEqual(lies(ledger, 'new', 2000), []);
  });

  test('a COMMIT whose connection was lost may have happened or not', () => {
    const ledger = titleChanged();
    const write = ledger.open();
    write.set('title', 'perhaps');
    write.sent(2000);
    assert.deepEqual(lies(ledger, 'perhaps', 9000), []);
    assert.deepEqual(lies(ledger, 'new', 9000), []);
    assert.deepEqual(lies(ledger, 'old', 9000), ['stale']);
  });

  test('a value that came back counts as its newest version', () => {
    const ledger = titleChanged();
    const back = ledger.open();
    back.set('title', 'old');
    back.sent(2000);
    back.returned(2010);
    assert.deepEqual(lies(ledger, 'old', 9000), []);
    assert.deepEqual(lies(ledger, 'new', 9000), ['stale']);
    assert.deepEqual(lies(ledger, 'old', 1900), ['stale'], 'the first one, as the second was yet to come');
  });

  test('cells that it does not know are not judged', () => {
    const reading = { beganAtMs: 0, endedAtMs: 1, isLabelledStale: false };
    assert.deepEqual(createLedger().judge({ shown: [['title', 'x']], ...reading }, boundMs), []);
  });

  test('a value is as new as a write when it is of that or a later one', () => {
    const ledger = titleChanged();
    assert.equal(ledger.isAsNew('title', 'old', 'new'), false);
    assert.equal(ledger.isAsNew('title', 'new', 'new'), true);
    assert.equal(ledger.isAsNew('title', 'new', 'old'), true);
    assert.equal(ledger.current('title'), 'new');
  });
});
