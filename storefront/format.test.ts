import assert from 'node:assert/strict';
import { test } from 'node:test';
import { day, decimal, money, percentOf } from './format.ts';
import { prose } from './prose.ts';

test('an amount is written by the digits that its currency has', () => {
  assert.equal(money(3999, 'USD'), '$39.99');
  assert.equal(money(3399, 'GBP'), '£33.99');
  assert.equal(money(5980, 'JPY'), '¥5,980');
  assert.equal(money(1500, 'KWD').replaceAll(/\s/g, ' '), 'KWD 1.500');
});

test('a day is that of UTC, and a share of nothing is nothing', () => {
  assert.equal(day('2021-03-29'), 'Mar 29, 2021');
  assert.equal(day('2026-12-31T23:59:59Z'), 'Dec 31, 2026');
  assert.equal(percentOf(1, 3), 33);
  assert.equal(percentOf(1, 0), 0);
  assert.equal(decimal(4.96), '5');
  assert.equal(decimal(4.13), '4.1');
});

test('a description has its paragraphs, lists and strong words, and the rest as text', () => {
  const made = prose('One **two** <i>.\nThree.\n\n**Four**\n- five\n- **six**\n\n- seven\n\n2 ** 3 ** 4');
  assert.equal(
    made.map(({ html }) => html).join(''),
    '<p>One <strong>two</strong> &lt;i&gt;. Three.</p><p><strong>Four</strong></p><ul><li>five</li><li><strong>six</strong></li></ul><ul><li>seven</li></ul><p>2 <strong> 3 </strong> 4</p>',
  );
});
