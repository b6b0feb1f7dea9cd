/** The storefront in a real browser, from the server as its users run it. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import axe from 'axe-core';
import { type Browser, chromium, type Page } from 'playwright-core';
import { type ServerProcess, startServer } from '../cluster/server-process.ts';
import { createTestDatabase, type TestDatabase } from '../sql/testing.ts';
import { chromiumPath } from './chromium.ts';

const options = {
  skip: chromiumPath === undefined && 'there is no Chromium here; install it, or name it in CHROMIUM',
  timeout: 60_000,
};

let database: TestDatabase;
let server: ServerProcess;
let browser: Browser;
/** The product of the list that has the most modules, and the number of its list. */
let slug: string;

before(async () => {
  if (chromiumPath === undefined) return;
  database = await createTestDatabase({ products: 300 });
  server = await startServer({ DATABASE_URL: database.readerUrl, WORKERS: '1' });
  // As root it has no sandbox; and it sees nothing but what this server sends.
  browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox'] });
  const list = await fetch(`${server.url}/v1/products?limit=50`);
  const { items }: { items: { slug: string }[] } = JSON.parse(await list.text());
  const pages = await fetch(`${server.url}/v1/products?slugs=${items.map((item) => item.slug).join()}`);
  const { items: documents }: { items: Record<string, unknown>[] } = JSON.parse(await pages.text());
  const modulesOf = (document: Record<string, unknown>) =>
    Object.values(document).filter((value) => value !== null && String(value) !== '').length;
  const [fullest] = documents.sort((a, b) => modulesOf(b) - modulesOf(a));
  slug = String(fullest?.slug);
});
after(async () => {
  await browser?.close();
  await server?.destroy();
  await database?.drop();
});

interface Visit {
  readonly page: Page;
  readonly complaints: string[];
  readonly urls: string[];
}

/** A new window that remembers what its pages asked for and complained about. */
async function visit(
  scheme: 'light' | 'dark' = 'light',
  width = 1280,
  javaScriptEnabled = true,
): Promise<Visit> {
  const context = await browser.newContext({
    baseURL: server.url,
    colorScheme: scheme,
    viewport: { width, height: 800 },
    javaScriptEnabled,
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  const urls: string[] = [];
  page.on('console', (message) => {
    if (message.type() !== 'log') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('requestfailed', (request) => {
    // Given up by the page itself, as a picture is when one goes on before it is there.
    const { errorText = '' } = request.failure() ?? {};
    if (errorText !== 'net::ERR_ABORTED') complaints.push(`${request.url()}: ${errorText}`);
  });
  page.on('request', (request) => urls.push(request.url()));
  return { page, complaints, urls };
}

async function leave({ page, complaints, urls }: Visit): Promise<void> {
  await page.context().close();
  assert.deepEqual(complaints, []);
  assert.ok(urls.length > 0);
  assert.deepEqual(
    urls.filter((url) => new URL(url).origin !== server.url),
    [],
  );
}

test('from the front page by a mistyped search and a filter to a product, and back', options, async () => {
  const seen = await visit();
  const { page } = seen;
  await page.goto('/');
  const cards = page.locator('.card');
  assert.equal(await cards.count(), 24);
  const title = (await cards.nth(3).locator('h2').textContent()) ?? '';

  // The longest word without a letter of its middle.
  const [word = ''] = title.split(/[^\p{L}]+/u).sort((a, b) => b.length - a.length);
  await page.fill('#q', word.slice(0, 3) + word.slice(4));
  await page.press('#q', 'Enter');
  await page.waitForURL(/\?q=/);
  assert.match(await page.locator('h1').innerText(), /^Results for “/);
  await page.getByRole('link', { name: title, exact: true }).first().waitFor();

  await page.goto('/');
  const genre = await page.locator('#f-genre option').nth(1).getAttribute('value');
  await page.selectOption('#f-genre', genre ?? '');
  await page.selectOption('#f-maxPriceMinor', '4000');
  await page.getByRole('button', { name: 'Show games' }).click();
  await page.waitForURL(/genre=/);
  assert.equal(new URL(page.url()).search, `?genre=${genre}&maxPriceMinor=4000`, 'what is empty is not sent');
  const filtered = page.url();
  const first = await cards.first().locator('h2').innerText();
  await cards.first().locator('h2 a').click();
  await page.waitForURL(/\/products\//);
  assert.equal(await page.locator('h1').innerText(), first);

  await page.goBack();
  assert.equal(page.url(), filtered);
  assert.equal(await page.locator('#f-genre').inputValue(), genre);
  assert.equal(await cards.first().locator('h2').innerText(), first);
  await leave(seen);
});

test('the forms and the pages of a list need no script', options, async () => {
  const seen = await visit('light', 1280, false);
  const { page } = seen;
  await page.goto('/');
  await page.locator('summary').click();
  await page.selectOption('#f-sort', 'title');
  await page.getByRole('button', { name: 'Show games' }).click();
  const titles = () => page.locator('.card h2').allInnerTexts();
  const firstPage = await titles();
  assert.equal(firstPage.length, 24);
  await page.getByRole('link', { name: 'Next page' }).click();
  const secondPage = await titles();
  assert.ok(secondPage.length > 0 && !secondPage.some((title) => firstPage.slice(0, 12).includes(title)));
  await leave(seen);
});

test(
  'a product shows every module at once, its pictures in full size, and where it came from',
  options,
  async () => {
    const seen = await visit();
    const { page } = seen;
    await page.goto(`/products/${slug}`);
    const sections = await page.locator('section[id]').evaluateAll((found) => found.map(({ id }) => id));
    for (const id of [
      'about',
      'media',
      'achievements',
      'critics',
      'players',
      'requirements',
      'languages',
      'links',
    ])
      assert.ok(sections.includes(id), `${id} of ${slug}`);
    for (const id of sections) {
      await page.locator(`.sections a[href="#${id}"]`).click();
      assert.ok(await page.locator(`#${id} h2`).isVisible(), id);
    }
    for (const picture of await page.locator('main img[src]').all()) {
      await picture.scrollIntoViewIfNeeded();
      await picture.evaluate((img) => 'decode' in img && typeof img.decode === 'function' && img.decode());
    }

    await page.locator('a.zoom').first().click();
    const viewer = page.getByRole('dialog');
    const caption = () => viewer.locator('p').innerText();
    const before = await caption();
    await page.keyboard.press('ArrowRight');
    assert.notEqual(await caption(), before);
    await page.keyboard.press('Escape');
    assert.equal(await viewer.isVisible(), false);

    await page.reload();
    assert.match(await page.locator('#served').innerText(), /^Served by Frontshelf from memory in [\d,]+ µs/);
    await leave(seen);
  },
);

test('what one types brings up titles, which the arrow keys choose from', options, async () => {
  const seen = await visit();
  const { page } = seen;
  await page.goto(`/products/${slug}`);
  await page.locator('#q').pressSequentially('the');
  const choices = page.getByRole('option');
  await choices.first().waitFor();
  const title = await choices.first().innerText();
  await page.keyboard.press('ArrowDown');
  assert.equal(await choices.first().getAttribute('aria-selected'), 'true');
  await page.keyboard.press('Enter');
  await page.waitForURL((url) => !url.pathname.endsWith(slug));
  assert.equal(await page.locator('h1').innerText(), title);
  await leave(seen);
});

test('the keyboard comes to the content first, and to every part of the page', options, async () => {
  const seen = await visit();
  const { page } = seen;
  await page.goto(`/products/${slug}`);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate('document.activeElement.id'), 'main');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate('document.activeElement.textContent'), 'Catalogue');
  await leave(seen);
});

for (const scheme of ['light', 'dark'] as const)
  test(
    `no page has a serious fault of accessibility, nor is wider than its window (${scheme})`,
    options,
    async () => {
      for (const [path, width] of [
        ['/', 1280],
        ['/', 360],
        ['/?q=nothing-of-the-kind', 360],
        [`/products/${slug}`, 1280],
        [`/products/${slug}`, 360],
        ['/products/nobody', 360],
      ] as const) {
        const { page } = await visit(scheme, width);
        await page.goto(path);
        await page.evaluate(axe.source);
        const found: { violations: { id: string; impact: string; nodes: { html: string }[] }[] } =
          await page.evaluate('axe.run({ preload: false })');
        const serious = found.violations.filter(
          ({ impact }) => impact === 'serious' || impact === 'critical',
        );
        assert.deepEqual(
          serious.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`),
          [],
          `${path} at ${width} px`,
        );
        assert.equal(
          await page.evaluate('document.documentElement.scrollWidth'),
          width,
          `${path} at ${width} px`,
        );
        await page.context().close();
      }
    },
  );
