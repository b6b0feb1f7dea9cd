import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCatalogue, parseProduct } from './document.ts';
import { bareProduct, catalogue, fullProduct } from './testing.ts';

test('a product’s document is taken as it is, with every module and with none', () => {
  for (const product of [fullProduct, bareProduct])
    assert.deepEqual(parseProduct(JSON.stringify(product)), product);
});

test('a document without a module, or with one of another form, is none', () => {
  for (const name of Object.keys(fullProduct)) {
    if (name === 'id') continue;
    for (const value of [undefined, 7, [7], {}])
      assert.throws(
        () => parseProduct(JSON.stringify({ ...fullProduct, [name]: value })),
        /not that of a product page/,
        `${name}: ${JSON.stringify(value)}`,
      );
  }
  for (const text of ['null', '[]', '"x"', '{}']) {
    assert.throws(() => parseProduct(text), TypeError);
    assert.throws(() => parseCatalogue(text), TypeError);
  }
});

test('a list is taken as it is, with its last page', () => {
  for (const list of [catalogue(7), catalogue(0, null)])
    assert.deepEqual(parseCatalogue(JSON.stringify(list)), list);
  assert.throws(() => parseCatalogue(JSON.stringify({ ...catalogue(1), nextCursor: 7 })), TypeError);
});
