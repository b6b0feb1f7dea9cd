import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shownByAbsence, shownByPage } from './page.ts';

const card = { slug: 'a-gold', title: 'A Gold', shortDescription: 'More.', price: null };
const page = {
  id: 17,
  slug: 'a',
  title: 'A',
  shortDescription: 'Short.',
  price: { listMinor: 1999 },
  legalText: '©',
  genres: [{ slug: 'rpg', name: 'RPG' }],
  developers: [{ url: 'https://x.example.com', name: 'X' }],
  publishers: [],
  editions: [card],
  addOns: [{ ...card, slug: 'probe-a', title: 'Probe 1' }],
  reviews: null,
  socialLinks: [{ network: 'probe', url: 'https://probe.example.com/1' }],
};

test('a page shows its cells, its cards those of other products, and what is absent is shown as that', () => {
  assert.deepEqual(Object.fromEntries(shownByPage('a', JSON.stringify(page))), {
    'slug a': '17',
    'title of a': 'A',
    'short description of a': 'Short.',
    'list price of a': '1999',
    'title of a-gold': 'A Gold',
    'short description of a-gold': 'More.',
    'list price of a-gold': 'none',
    'title of probe-a': 'Probe 1',
    'short description of probe-a': 'More.',
    'list price of probe-a': 'none',
    'newest review of a': 'none',
    "probe's link of a": 'https://probe.example.com/1',
    "probe's add-on of a": 'Probe 1',
    'name of the company at https://x.example.com': 'X',
    'name of the genre rpg': 'RPG',
    'legal text of all products': '©',
  });
  assert.deepEqual(shownByAbsence('b'), [['slug b', 'none']]);
});

test('the page of another product is none', () => {
  assert.throws(() => shownByPage('b', JSON.stringify(page)), /page for b is that of a/);
});
