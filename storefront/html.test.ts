import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { html, link } from './html.ts';

test('what is put in is text, as content and as an attribute', () => {
  const text = `<b class="x">&'`;
  assert.equal(
    html`<p title="${text}">${text}</p>`.html,
    '<p title="&lt;b class=&quot;x&quot;&gt;&amp;&#39;">&lt;b class=&quot;x&quot;&gt;&amp;&#39;</p>',
  );
});

test('no text can open or close a tag, an attribute or a character reference', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const { html: made } = html`${text}`;
      assert.doesNotMatch(made, /[<>"']/);
      assert.doesNotMatch(made, /&(?!(?:amp|lt|gt|quot|#39);)/);
    }),
  );
});

test('HTML goes in as it is, a list part by part, and nothing comes of what is not there', () => {
  const items = ['a', '<'].map((item) => html`<li>${item}</li>`);
  assert.equal(
    html`<ul>${items}</ul>${undefined}${null}${false}${0}`.html,
    '<ul><li>a</li><li>&lt;</li></ul>0',
  );
});

test('a link leads to the web and nowhere else', () => {
  assert.equal(link('https://a.example/?b=1#c'), 'https://a.example/?b=1#c');
  assert.equal(link('HTTP://a.example/'), 'HTTP://a.example/');
  for (const url of [
    'javascript:alert(1)',
    ' javascript:alert(1)',
    'data:text/html,x',
    '//a.example/',
    '/x',
    '',
  ])
    assert.equal(link(url), '#', url);
});
