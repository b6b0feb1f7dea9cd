import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { slugOf } from './slug.ts';

test('any title gives a slug that a request may ask for', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 1_000_000 }), (title, id) => {
      assert.match(slugOf(title, id), /^[a-z0-9-]{1,80}$/);
    }),
  );
});

test('two products never share a slug, whatever their titles', () => {
  const id = fc.integer({ min: 1, max: 1_000_000 });
  const title = fc.string({ unit: fc.constantFrom('a', 'b', '1', ' ', '日') });
  fc.assert(
    fc.property(title, id, title, id, (title1, id1, title2, id2) => {
      fc.pre(id1 !== id2);
      assert.notEqual(slugOf(title1, id1), slugOf(title2, id2));
    }),
  );
});

test('a slug keeps the words of its title', () => {
  assert.equal(slugOf('Café Lumière: Collector’s Edition™', 36), 'cafe-lumiere-collectors-edition-10');
  assert.equal(slugOf('東京', 36), '10');
  assert.equal(slugOf('x'.repeat(100), 36), `${'x'.repeat(77)}-10`);
});
