import assert from 'node:assert/strict';
import { test } from 'node:test';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import fc from 'fast-check';
import { createRepresentation, representationCodec, variantIn, withCacheStatus } from './representation.ts';

const latin1 = (text: string) => Buffer.from(text, 'utf8').toString('latin1');
const codec = representationCodec('no-cache');
const unpack = { br: promisify(zlib.brotliDecompress), gzip: promisify(zlib.gunzip) };
const document = latin1(JSON.stringify({ title: 'Pokémon™ 日本 🎮', text: 'x'.repeat(5000) }));

const field = (headers: readonly string[], name: string) => {
  const index = headers.findIndex((text, i) => i % 2 === 0 && text === name);
  return index < 0 ? undefined : headers[index + 1];
};

test('any document leaves in every coding as the bytes it came in', async () => {
  const json = fc.record({ text: fc.string({ unit: 'binary' }) }).map((value) => JSON.stringify(value));
  await fc.assert(
    fc.asyncProperty(json, async (text) => {
      const bytes = Buffer.from(text, 'utf8');
      const representation = createRepresentation(latin1(text), 'no-cache');
      const { identity } = representation;
      assert.deepEqual(Buffer.from(identity.body, 'latin1'), bytes);
      assert.equal(field(identity.headers, 'Content-Length'), String(bytes.length));
      assert.equal(field(identity.headers, 'Content-Encoding'), undefined);
      for (const coding of ['br', 'gzip'] as const) {
        const { body, headers } = await variantIn(representation, coding);
        assert.deepEqual(await unpack[coding](Buffer.from(body, 'latin1')), bytes);
        assert.equal(field(headers, 'Content-Length'), String(body.length));
        assert.equal(field(headers, 'Content-Encoding'), coding);
      }
      assert.equal(codec.decode(codec.encode(representation))?.body, representation.body);
    }),
    { numRuns: 50 },
  );
});

test('etags are strong, differ by coding and content, and are equal for equal bytes in every process', async () => {
  const etags = async (body: string) => {
    const representation = createRepresentation(body, 'no-cache');
    const variants = [
      representation.identity,
      await variantIn(representation, 'br'),
      await variantIn(representation, 'gzip'),
    ];
    for (const { etag, headers, notModifiedHeaders } of variants) {
      assert.match(etag, /^"[\x21\x23-\x7e]+"$/);
      assert.equal(field(headers, 'ETag'), etag);
      assert.equal(field(notModifiedHeaders, 'ETag'), etag);
    }
    return variants.map(({ etag }) => etag);
  };
  const first = await etags('{"a":1}');
  assert.deepEqual(await etags('{"a":1}'), first);
  assert.equal(new Set([...first, ...(await etags('{"a":2}'))]).size, 6);
  assert.equal(first[0], '"AVq9f1zFei3ZS3WQ8ErYCE"');
});

test('a variant is made once, however many ask meanwhile', async () => {
  for (const coding of ['br', 'gzip'] as const) {
    const representation = createRepresentation(document, 'no-cache');
    const asked = Array.from({ length: 100 }, () => variantIn(representation, coding));
    assert.equal(new Set(asked).size, 1);
    const made = await asked[0];
    assert.equal(variantIn(representation, coding), made, 'afterwards it is there at once');
  }
});

test('a compression that fails is an error once and is tried again', async () => {
  for (const coding of ['br', 'gzip'] as const) {
    let failures = 1;
    const representation = {
      ...createRepresentation(document, 'no-cache'),
      get body() {
        if (failures-- > 0) throw new Error('out of memory');
        return document;
      },
    };
    await assert.rejects(async () => variantIn(representation, coding), /out of memory/);
    const { body } = await variantIn(representation, coding);
    assert.ok(body.length < document.length);
  }
});

test('the size counts what has been made by now', async () => {
  const representation = createRepresentation(document, 'no-cache');
  const before = codec.sizeBytes(representation);
  assert.ok(before > document.length);
  const making = variantIn(representation, 'gzip');
  assert.equal(codec.sizeBytes(representation), before);
  const { body } = await making;
  assert.ok(codec.sizeBytes(representation) > before + body.length);
});

test('bytes that are not a JSON object are not a representation', () => {
  for (const bytes of ['', '[]', 'null', ' {}', 'garbage']) assert.equal(codec.decode(bytes), undefined);
});

test('304 bears the fields that 200 would, without those of the body', () => {
  const { headers, notModifiedHeaders } = createRepresentation(document, 'no-cache').identity;
  for (const name of ['ETag', 'Cache-Control', 'Vary', 'Cache-Status', 'Access-Control-Allow-Origin'])
    assert.equal(field(notModifiedHeaders, name), field(headers, name) ?? assert.fail(name));
  for (const name of ['Content-Type', 'Content-Length', 'Content-Encoding'])
    assert.equal(field(notModifiedHeaders, name), undefined);
});

test('another Cache-Status leaves the shared headers as they are', () => {
  const { headers } = createRepresentation(document, 'no-cache').identity;
  const before = [...headers];
  assert.equal(field(withCacheStatus(headers, 'x; hit'), 'Cache-Status'), 'x; hit');
  assert.deepEqual(headers, before);
});
