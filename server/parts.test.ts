import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { membersOf, partOf } from './parts.ts';
import { createRepresentation, representationCodec, variantIn } from './representation.ts';

const latin1 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('latin1');
const pageOf = (value: unknown) => createRepresentation(latin1(value), 'no-cache');
const page = {
  slug: 'a',
  title: 'Pokémon™ "quoted" \\ {[,:]}\\"',
  media: [{ url: '/a,b', alt: ']}"' }],
  rating: null,
};
const none = () => {};

test('the members of any document are found without parsing it', () => {
  const name = fc.stringMatching(/^[a-zA-Z]{1,8}$/).filter((text) => text !== '__proto__');
  fc.assert(
    fc.property(fc.dictionary(name, fc.jsonValue()), (document) => {
      const json = latin1(document);
      const found = [...membersOf(json)].map(({ name, from, to }) => [name, json.slice(from, to)]);
      assert.deepEqual(
        found,
        Object.entries(document).map(([name, value]) => [name, latin1(value)]),
      );
    }),
    { numRuns: 1000 },
  );
});

test('a document that is cut off anywhere is an error, and never read for ever', () => {
  const json = latin1(page);
  for (let length = 2; length < json.length - 1; length++)
    try {
      for (const { to } of membersOf(json.slice(0, length))) assert.ok(to < length);
    } catch (error) {
      assert.match(String(error), /The page ends within/);
    }
});

test('a module is its value, and null when the page does not have it', () => {
  for (const module of ['slug', 'title', 'media', 'rating'] as const)
    assert.equal(partOf(pageOf(page), { module }, none).body, latin1(page[module]));
  assert.equal(partOf(pageOf(page), { module: 'polls' }, none).body, 'null');
});

test('fields come in the order of the page, however they are asked for', () => {
  const { slug, media } = page;
  const whole = pageOf(page);
  const part = partOf(whole, { fields: ['media', 'slug'] }, none);
  assert.equal(part.body, latin1({ slug, media }));
  assert.equal(partOf(whole, { fields: ['slug', 'media', 'slug'] }, none), part, 'it is one and the same');
  assert.equal(partOf(whole, { fields: ['polls', 'slug'] }, none).body, latin1({ slug, polls: null }));
  assert.equal(partOf(whole, { fields: ['slug'] }, none).body, latin1({ slug }));
});

test('the ETag of a part changes with the part alone', () => {
  const changed = pageOf({ ...page, title: 'another' });
  const etag = (whole: typeof changed, module: string) => partOf(whole, { module }, none).identity.etag;
  assert.equal(etag(pageOf(page), 'media'), etag(changed, 'media'));
  assert.notEqual(etag(pageOf(page), 'title'), etag(changed, 'title'));
});

test('a page keeps a bounded number of parts, and its size counts them', async () => {
  const codec = representationCodec('no-cache');
  const whole = pageOf({ ...page, text: 'x'.repeat(5000) });
  const before = codec.sizeBytes(whole);
  let made = 0;
  const text = partOf(whole, { module: 'text' }, () => made++);
  await variantIn(text, 'gzip');
  assert.ok(codec.sizeBytes(whole) > before + 5000);
  assert.equal(
    partOf(whole, { module: 'text' }, () => made++),
    text,
  );
  assert.equal(made, 1);
  for (let i = 0; i < 100; i++) partOf(whole, { fields: ['slug', `f${i}`] }, none);
  assert.equal(whole.parts?.size, 8);
  assert.notEqual(
    partOf(whole, { module: 'text' }, none),
    text,
    'what nobody has asked for lately is made again',
  );
});
