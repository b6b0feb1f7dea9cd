import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import { drawPicture, hueCount, hueOf, isPictureRole, pictureSizes } from './art.ts';

const slugs = Array.from({ length: 60 }, (_, i) => `game-${i}`);
const roles = Object.keys(pictureSizes).filter(isPictureRole);

test('a name always gives the same bytes, and another name others', () => {
  const drawn = slugs.map((slug) => drawPicture(slug, 'card', 1));
  assert.deepEqual(
    slugs.map((slug) => drawPicture(slug, 'card', 1)),
    drawn,
  );
  assert.equal(new Set(drawn).size, slugs.length);
  // Otherwise it is another picture to those who keep the old one.
  assert.equal(hash('sha256', drawn.join('')).slice(0, 16), '11f2d7bd882f5713');
});

test('every picture is well-formed, of its role’s size, without a number that is none, and small', () => {
  for (const slug of slugs)
    for (const role of roles) {
      const picture = drawPicture(slug, role, 2);
      const { width, height } = pictureSizes[role];
      assert.ok(
        picture.startsWith(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}"`),
      );
      assert.doesNotMatch(picture, /NaN|undefined|Infinity/, `${slug} ${role}`);
      assert.ok(picture.length < 24_000, `${slug} ${role} has ${picture.length} bytes`);
      const open: string[] = [];
      for (const [, closing, name, own] of picture.matchAll(/<(\/?)(\w+)[^>]*?(\/?)>/g)) {
        if (closing) assert.equal(open.pop(), name);
        else if (!own) open.push(name ?? '');
      }
      assert.deepEqual(open, [], `${slug} ${role}`);
      // Nothing in it that would have to be fetched, or that could run.
      assert.doesNotMatch(picture, /href|script|style|url\((?!#)/);
    }
});

test('products have all of the hues', () => {
  const hues = new Set(Array.from({ length: 500 }, (_, i) => hueOf(`product-${i}`)));
  assert.equal(hues.size, hueCount);
});
