import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeCatalogue, describeProducts, type Product } from './catalogue.ts';
import { dateText, referenceDate, referenceDay } from './reference-date.ts';
import { ageDescriptors, ageRatings } from './tables/age.ts';
import { ladders, memoryLadder } from './tables/requirements.ts';
import { markets } from './tables/shared.ts';
import { chunkText, tables } from './tables.ts';

const catalogue = describeCatalogue(1000, 1);
const products = describeProducts(catalogue, 0);
const productOf = (id: string | undefined): Product => {
  const product = products[Number(id) - 1];
  assert.ok(product?.id === Number(id), String(id));
  return product;
};

/** The rows that a table would be loaded with; NULL is undefined. */
function rowsOf(name: string): Record<string, string | undefined>[] {
  const table = tables.find((candidate) => candidate.name === name);
  assert.ok(table, name);
  const text = Buffer.concat([...chunkText(table, catalogue, 0)]).toString();
  return text
    .trimEnd()
    .split('\n')
    .map((line) => {
      const values = line.split('\t').map((value) => (value === '\\N' ? undefined : value));
      return Object.fromEntries(table.columns.map((column, index) => [column, values[index]]));
    });
}

test('there are as many products as asked for, from the smallest catalogue on, each with a rank of its own', () => {
  for (const size of [1, 7, 8, 9, 20, 27, 28, 999, 2001]) {
    const some = describeCatalogue(size, 3);
    const all = [0, 1, 2].flatMap((chunk) => describeProducts(some, chunk));
    assert.deepEqual(
      all.map(({ id }) => id),
      Array.from({ length: size }, (_, index) => index + 1),
    );
    const ranks = all.map(({ rank }) => rank).sort((a, b) => a - b);
    assert.deepEqual(
      ranks,
      [...ranks.keys()].map((index) => index + 1),
    );
  }
});

test('games are more popular than editions and add-ons, which belong to a game before them', () => {
  const games = products.filter(({ offerType }) => offerType === 'game').length;
  for (const { id, offerType, parent, rank } of products) {
    assert.equal(rank <= games, offerType === 'game');
    assert.equal(parent === undefined, offerType === 'game');
    assert.ok(parent === undefined || (parent.offerType === 'game' && parent.id < id));
  }
});

test('the number of ratings follows a Zipf law over the ranks', () => {
  const points = products
    .filter(({ ratings }) => ratings > 0)
    .map(({ rank, ratings }) => ({ x: Math.log(rank), y: Math.log(ratings) }));
  const meanX = points.reduce((sum, { x }) => sum + x, 0) / points.length;
  const meanY = points.reduce((sum, { y }) => sum + y, 0) / points.length;
  const slope =
    points.reduce((sum, { x, y }) => sum + (x - meanX) * (y - meanY), 0) /
    points.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0);
  const unexplained =
    points.reduce((sum, { x, y }) => sum + (y - meanY - slope * (x - meanX)) ** 2, 0) /
    points.reduce((sum, { y }) => sum + (y - meanY) ** 2, 0);
  assert.ok(Math.abs(slope + 0.8) < 0.02, String(slope));
  assert.ok(unexplained < 0.05, String(unexplained));
});

test('the stars of the summary add up to the ratings, and include every written review', () => {
  const written = new Map<string, number[]>();
  for (const { product_id: id = '', stars } of rowsOf('review')) {
    const counts = written.get(id) ?? [0, 0, 0, 0, 0];
    const index = Number(stars) - 1;
    counts[index] = (counts[index] ?? 0) + 1;
    written.set(id, counts);
  }
  const summaries = rowsOf('rating_summary');
  const rated = products.filter(({ ratings }) => ratings > 0).length;
  assert.equal(summaries.length, rated);
  for (const { product_id: id = '', n1, n2, n3, n4, n5 } of summaries) {
    const counts = [n1, n2, n3, n4, n5].map(Number);
    assert.equal(
      counts.reduce((sum, count) => sum + count),
      productOf(id).ratings,
    );
    for (const [index, count] of counts.entries()) assert.ok(count >= (written.get(id)?.[index] ?? 0));
    written.delete(id);
  }
  assert.equal(written.size, 0, 'a product has reviews and no ratings');
});

test('nobody speaks of a product before it is out, or after the day on which the catalogue takes place', () => {
  for (const { product_id: id, created_at: createdAt = '', updated_at: updatedAt = '' } of rowsOf('review')) {
    const { releaseDay } = productOf(id);
    assert.ok(releaseDay !== undefined && createdAt >= dateText(releaseDay) && createdAt <= updatedAt);
    assert.ok(updatedAt.slice(0, 10) <= referenceDate.toISOString().slice(0, 10), updatedAt);
  }
  for (const { product_id: id, published_on: publishedOn = '' } of rowsOf('critic_review')) {
    const { releaseDay } = productOf(id);
    assert.ok(releaseDay !== undefined && publishedOn >= dateText(releaseDay));
    assert.ok(publishedOn <= dateText(referenceDay));
  }
  const voices = ['review', 'critic_review', 'poll_result', 'rating_summary'].flatMap(rowsOf);
  for (const { product_id: id } of voices) assert.ok((productOf(id).releaseDay ?? Infinity) <= referenceDay);
});

test('nothing comes out before its game, and no edition is cheaper', () => {
  for (const { offerType, parent, releaseDay = Infinity, usdMinor = Infinity } of products) {
    if (parent === undefined) continue;
    assert.ok(releaseDay >= (parent.releaseDay ?? Infinity));
    if (offerType === 'edition') assert.ok(usdMinor > (parent.usdMinor ?? 0));
  }
});

test('a sale costs at most the list price, and only a sale ends', () => {
  const prices = rowsOf('price');
  for (const { list_minor: list, sale_minor: sale, sale_ends_at: ends } of prices) {
    assert.ok(sale === undefined ? ends === undefined : Number(sale) <= Number(list) && Number(sale) >= 0);
  }
  assert.ok(prices.some(({ sale_minor: sale }) => sale !== undefined));
  assert.equal(prices.length % markets.length, 0);
});

test('recommended hardware is never below the minimum', () => {
  const ladderOf = (os: string, component: string): readonly string[] | undefined => {
    if (component === 'memory') return memoryLadder;
    const own: Record<string, Record<string, readonly string[]>> = ladders;
    return own[os]?.[component];
  };
  const rows = rowsOf('system_requirement');
  const key = (row: Record<string, string | undefined>) => `${row.product_id} ${row.os} ${row.component}`;
  const minimum = new Map(rows.filter(({ tier }) => tier === 'minimum').map((row) => [key(row), row.value]));
  let compared = 0;
  let stronger = 0;
  for (const row of rows.filter(({ tier }) => tier === 'recommended')) {
    const ladder = ladderOf(row.os ?? '', row.component ?? '');
    if (!ladder) continue;
    const [low, high] = [minimum.get(key(row)), row.value].map((value) => ladder.indexOf(value ?? ''));
    assert.ok(low !== undefined && high !== undefined && low >= 0 && high >= low, key(row));
    compared++;
    if (high > low) stronger++;
  }
  assert.ok(stronger > compared / 2);
});

test('content descriptors fit the age rating of the same system', () => {
  const rated = new Map<string, number>();
  for (const { product_id: id, age_rating_id: rating } of rowsOf('product_age_rating')) {
    const found = ageRatings[Number(rating) - 1];
    assert.ok(found);
    rated.set(`${id} ${found.system}`, found.step);
  }
  for (const { product_id: id, age_descriptor_id: descriptor } of rowsOf('product_age_descriptor')) {
    const found = ageDescriptors[Number(descriptor) - 1];
    assert.ok(found);
    const step = rated.get(`${id} ${found.system}`);
    assert.ok(step !== undefined && found.from <= step && step <= found.to, `${id} ${found.name}`);
  }
});

test('critics recommend what they score high, and agree roughly with the players', () => {
  const byProduct = Map.groupBy(
    rowsOf('critic_review').filter(({ score }) => score !== undefined),
    ({ product_id: id }) => id,
  );
  const pairs: { critics: number; quality: number }[] = [];
  for (const [id, reviews] of byProduct) {
    const percents = reviews.map(({ score, score_max: max }) => (Number(score) / Number(max)) * 100);
    pairs.push({
      critics: percents.reduce((sum, percent) => sum + percent) / percents.length,
      quality: productOf(id).quality,
    });
    // Scores are rounded to halves of the outlet's scale.
    for (const [index, { recommended }] of reviews.entries()) {
      const percent = percents[index] ?? 0;
      if (Math.abs(percent - 70) > 10) assert.equal(recommended === 'true', percent > 70);
    }
  }
  const liked = pairs.filter(({ quality }) => quality > 0.7);
  const disliked = pairs.filter(({ quality }) => quality < 0.4);
  const mean = (some: typeof pairs) => some.reduce((sum, { critics }) => sum + critics, 0) / some.length;
  assert.ok(mean(liked) > mean(disliked) + 15);
});
