import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { type Catalogue, describeCatalogue } from './catalogue.ts';
import type { Table } from './tables/table.ts';
import { chunksOf, chunkText, tables } from './tables.ts';

function digest(pieces: Iterable<Buffer>): string {
  const hash = createHash('sha256');
  for (const piece of pieces) hash.update(piece);
  return hash.digest('hex');
}

function* inOrder(table: Table, catalogue: Catalogue) {
  for (let chunk = 0; chunk < chunksOf(table, catalogue); chunk++) yield* chunkText(table, catalogue, chunk);
}

/** The same text from producers that take turns piece by piece, the last chunk first. */
function byProducers(count: number, table: Table, catalogue: Catalogue): Buffer[] {
  const waiting = [...Array(chunksOf(table, catalogue)).keys()];
  const made: Buffer[][] = waiting.map(() => []);
  const producers = Array.from({ length: count }, function* () {
    for (let chunk = waiting.pop(); chunk !== undefined; chunk = waiting.pop())
      for (const piece of chunkText(table, catalogue, chunk)) {
        made[chunk]?.push(piece);
        yield;
      }
  });
  while (producers.some((producer) => !producer.next().done)) {
    for (const producer of producers) producer.next();
  }
  return made.flat();
}

// Whoever changes these changes what a seed means: raise formatVersion with them.
const digests = {
  refund_type: 'cb7950383a36b0c5ba8b2282847040cb3f57a11352e0d91ecf5ff34163febc35',
  company: '4a4f67e3fead7ef01785ee9f2b6516616ee387616d9fffff6d74638dc676e8e5',
  tag: 'e77748e6a09322558639644300c2f289a0bb17cf5559db76c5d93d7716e02525',
  market: '5f8466e9ac69bde2a71ae52d146ee1928503672e5654098279c4a64060efcda2',
  language: '7a99512ac9c0e1b8a10d8285e83c00503bdf21b47660c536124eae9d648ce4f3',
  outlet: '68010d4e4169307c39529cf34d2574a65aea6f62506f8c5193b7bb04772b1835',
  poll: '2faa7ddb44033e7aee027d1e2f946e23d53a9c4d92e1c1e834e178ff7ca3263d',
  product: '8956065f227835ad7d7d1be15e4ae4c857e686631d6b141f508891a33846a640',
  product_company: '33cc949362231b75f931794355ade0548c972d386fc6414a0544c3ec7761315e',
  product_tag: '1c274987960a2479c6c512f4ac67184f4b11f984cd4cb67a7cab3b4010b216b5',
  price: 'b492f333834c83c92b1ed47186df0fde766167ea3287e9a7ec5a61c439da6c36',
  product_language: '49777a7b12968e244b55375e3bd1422836db1122021e05a4197933c5f50a147c',
  social_link: '58a964604379108424bd6caf2ae492f33b69ca92f08d2fcbcbcbb4cd298a7300',
  media: '421536d549f3a52c6df4e08d3cbec07b8c36a820b5ce993b075eee213c64e1c0',
  media_variant: '273aa18019366f0cee8974fa4ff83cb1158665d820be03dfca3331cf3159299e',
  age_rating: '31a1421c52eeefdaedcfbf9a10b100c0f2f2500e09d45e9cc99be24698a19a23',
  age_descriptor: '2fb748d059d6baa877d71d273d3a9b5ffe0b30ccb8084c831f884f6f1a5b5347',
  product_age_rating: '9a829cc60adf706a77e23bde86955fd31b9b1daa4a284208a905ebc235341292',
  product_age_descriptor: '6b3cf62e5d72e710c6908b4d743a3ab14f6b0b8fdf1dd081660b1a289e84325a',
  system_requirement: '5488ed4f00d65f9f60ee3c03305c20ea6503910b48793524147bd913c02500ed',
  achievement: 'fc7f5872389bf244abc3ff6da6309ebc670068e1abe4b29aac95b258d5fbbbfc',
  critic_review: 'caf37e0f0efcd5af9adbadfefeca78f5ca74a1b92e4c3efe0e4f30776a5fe21b',
  poll_result: 'b637c22fb55298deb1631debb39a9f2b370e95f22e29ab6a2835972cdb782a12',
  review: '645eb6dff4bcd20a4d45b4e528c461a0c383f8aee04bd3e8556f90109efa37a3',
  rating_summary: '1659bff98247376ce68b5ab96690fdf792554b46f8802499bf4837c806de6ece',
};

test('a thousand products of seed 1 are these bytes, on any machine', () => {
  const catalogue = describeCatalogue(1000, 1);
  const found = Object.fromEntries(tables.map((table) => [table.name, digest(inOrder(table, catalogue))]));
  assert.deepEqual(found, digests);
});

test('four producers make the same bytes as one', () => {
  const catalogue = describeCatalogue(5500, 1);
  // Each has a catalogue of its own, as in a process of its own.
  for (const table of tables)
    assert.equal(
      digest(byProducers(4, table, describeCatalogue(5500, 1))),
      digest(inOrder(table, catalogue)),
      table.name,
    );
});

test('another seed gives another catalogue', () => {
  const [one, two] = [describeCatalogue(100, 1), describeCatalogue(100, 2)];
  for (const table of tables.filter(({ shared }) => !shared))
    assert.notEqual(digest(inOrder(table, one)), digest(inOrder(table, two)), table.name);
});

test('text leaves in pieces of at most 256 KiB', () => {
  const catalogue = describeCatalogue(1000, 1);
  for (const table of tables)
    for (const piece of inOrder(table, catalogue)) assert.ok(piece.length <= 256 * 1024);
});
