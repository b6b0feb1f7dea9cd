import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseProduct } from './document.ts';
import { productPage } from './product-page.ts';
import { bareProduct, fullProduct } from './testing.ts';

const render = (product: object) => productPage(parseProduct(JSON.stringify(product)));
/** What a reader reads, with single spaces. */
const readable = (page: string) =>
  page
    .replace(/<head>.*<\/head>/s, '')
    .replaceAll(/<[^>]+>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/ (?=[,.])/g, '');
const full = render(fullProduct);
const bare = render(bareProduct);

test('every module of the document is on the page', () => {
  const text = readable(full);
  const modules: Readonly<Record<string, readonly string[]>> = {
    title: ['The &lt;Deep&gt; &amp; “Dark”'],
    type: ['Game'],
    shortDescription: ['A dive into what is below.'],
    description: ['It is cold down there.', 'Pressure', 'Silence &lt;b&gt;and&lt;/b&gt; more'],
    rating: ['4.1 of 5', '1K ratings', '1,000 ratings', '5 stars: ★ 50%', '1 stars: ★ 1%'],
    trailer: ['Watch the trailer'],
    genres: ['Horror'],
    features: ['VR'],
    platforms: ['Linux, Windows'],
    developers: ['Developer Cold Water'],
    publishers: ['Publisher Warm Water'],
    releaseDate: ['Release Mar 29, 2021'],
    ageRating: ['E10+ ESRB', 'Everyone 10+', 'Fantasy Violence'],
    price: [
      'Discount: −25%',
      'Regular price: $39.99',
      'Price now: $29.99',
      'Sale ends Dec 1, 2026, 15:00 UTC',
    ],
    refundType: ['Refunds Refundable'],
    editions: ['The Deep Gold Edition', 'With a torch.', '$49.99'],
    addOns: ['A map', 'Of the deep.', 'To be announced'],
    achievements: ['of 12.', 'Diver hidden', 'Dive.', '1.1% of players', '250 XP platinum'],
    critics: [
      '90 of 100',
      'Outstanding',
      '97% of critics',
      'The Herald 8.5 / 10',
      'Down we go',
      'Deep.',
      'A. Critic',
    ],
    polls: ['🌑 This game is dark 207.2K'],
    reviews: ['1 of 12', 'Wet &lt;script&gt;alert(1)&lt;/script&gt;', 'Very wet.', 'Diver99', 'Oct 31, 2026'],
    systemRequirements: ['Windows', 'Memory 8 GB RAM 16 GB RAM'],
    languages: ['Deutsch – No Yes', 'English Yes Yes'],
    socialLinks: ['Website', 'Twitch', 'Official website'],
    legalText: ['© 2021 Warm Water.'],
  };
  for (const [name, phrases] of Object.entries(modules))
    for (const phrase of phrases) assert.ok(text.includes(phrase), `${name}: ${phrase} is not in: ${text}`);
  const notText = ['id', 'slug', 'media'];
  assert.deepEqual(Object.keys(modules).concat(notText).sort(), Object.keys(fullProduct).sort());
});

test('every medium is a picture of this server, with the words that are its alternative', () => {
  const pictures = [...full.matchAll(/<img src="([^"]+)" alt="([^"]*)"/g)].map(
    ([, src, alt]) => `${src} ${alt}`,
  );
  assert.deepEqual(pictures, [
    '/assets/art/the-deep-7/hero-1.svg Key art of The Deep',
    '/assets/art/the-deep-7/logo-1.svg Logo of The Deep',
    '/assets/art/the-deep-7/card-1.svg Cover of The Deep',
    '/assets/art/the-deep-7/description-1.svg Overview of The Deep',
    '/assets/art/the-deep-7/trailer-1.svg Trailer of The Deep',
    '/assets/art/the-deep-7/gallery-1.svg Scene from The Deep, 1 of 3',
    '/assets/art/the-deep-7/gallery-2.svg Scene from The Deep, 2 of 3',
    '/assets/art/the-deep-7/storyboard-1.svg Storyboard of The Deep, 3 of 3',
    '/assets/art/the-deep-gold-8/card-1.svg Cover of the Gold Edition',
    '/assets/art/the-deep-map-9/card-1.svg ',
  ]);
});

test('a product that has next to nothing has a page without empty parts', () => {
  const sections = [...bare.matchAll(/<section id="([\w-]+)"/g)].map(([, id]) => id);
  assert.deepEqual(sections, ['about']);
  assert.doesNotMatch(bare, /<(ul|ol|dl|p|dd|tbody)( [^>]*)?>\s*<\/\1>/);
  assert.doesNotMatch(bare, /undefined|null|NaN|\[object/);
  assert.match(readable(bare), /To be announced/);
});

test('the navigation names the sections in their order, and every id is there once', () => {
  for (const page of [full, bare]) {
    const named = [
      ...(/<nav class="sections".*?<\/nav>/s.exec(page)?.[0] ?? '').matchAll(/href="#([\w-]+)"/g),
    ];
    const sections = [...page.matchAll(/<section id="([\w-]+)"/g)];
    assert.deepEqual(
      named.map(([, id]) => id),
      sections.map(([, id]) => id),
    );
    const ids = [...page.matchAll(/\bid="([^"]+)"/g)].map(([, id]) => id);
    assert.equal(new Set(ids).size, ids.length);
    for (const [, id = ''] of page.matchAll(/(?:href="#|aria-labelledby="|\bfor=")([\w-]+)"/g))
      assert.ok(
        ids.some((known) => known === id),
        id,
      );
  }
});

test('a page loads nothing but files of this server, and has no script and no style in itself', () => {
  for (const page of [full, bare]) {
    for (const [, url = ''] of page.matchAll(/(?:\bsrc|<link [^>]*href)="([^"]+)"/g))
      assert.match(url, /^\/assets\//);
    assert.deepEqual(page.match(/<script[^>]*>/g), ['<script src="/assets/storefront.js" defer>']);
    assert.doesNotMatch(page, /\sstyle=|<style|\son\w+=/);
  }
});

test('an address that is no web address is no link', () => {
  const page = render({ ...fullProduct, socialLinks: [{ network: 'x', url: 'javascript:alert(1)' }] });
  assert.doesNotMatch(page, /javascript:/);
});
