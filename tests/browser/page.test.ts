import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../support/http.ts';
import { startAgent, startCollector, tempDir } from '../support/programs.ts';
import { clientOf, sendSamples, steadySamples } from '../support/send.ts';
import { lacksBrowser, launchBrowser, legendValue, newestTs, openPage } from './browser.ts';

/** From the start of the programs to numbers on screen. */
const shownMsMax = 10_000;
/** From the moment a sample was taken to its numbers on screen. */
const freshMsMax = 1_500;

describe.skipIf(lacksBrowser)('the page (in Chromium)', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser.close());

  test('shows this machine within 10 s of start, and its numbers move', async () => {
    const started = Date.now();
    await using programs = new AsyncDisposableStack();
    const { url } = programs.use(await startCollector());
    programs.use(await startAgent({ to: url }));
    await using opened = await openPage(browser, url);
    const { page } = opened;
    await page.locator('tr[data-server] a').click();

    await eventually(async () => {
      expect(await legendValue(page, 'CPU', 'total')).toMatch(/^\d+\.\d%$/);
      expect(await legendValue(page, 'Memory', 'memory')).toMatch(/^\d+\.\d%$/);
      expect(await legendValue(page, 'Network', 'in')).toMatch(/^[\d.]+ .?B\/s$/);
      expect(await legendValue(page, 'Disk', 'write')).toMatch(/^[\d.]+ .?B\/s$/);
      expect(await page.locator('[data-order="by_cpu"] tbody tr').count()).toBeGreaterThan(0);
    });
    expect(Date.now() - started).toBeLessThan(shownMsMax);

    const before = await legendValue(page, 'CPU', 'total');
    await eventually(async () => {
      expect(await legendValue(page, 'CPU', 'total')).not.toBe(before);
    });
  });

  test('a sample is on screen at most 1.5 s after it was taken', async () => {
    await using programs = new AsyncDisposableStack();
    const { url } = programs.use(await startCollector());
    programs.use(await startAgent({ to: url }));
    await using opened = await openPage(browser, url);
    const { page } = opened;
    await page.locator('tr[data-server]').waitFor();
    for (const view of ['the fleet', 'one server']) {
      if (view === 'one server') await page.locator('tr[data-server] a').click();
      // The first one on screen came with the history.
      await nextSample(page);
      for (let sample = 0; sample < 5; sample += 1) {
        expect(Date.now() - (await nextSample(page)), view).toBeLessThan(freshMsMax);
      }
    }
  });

  test('what was measured before the page was opened is in its averages and charts', async () => {
    await using collector = await startCollector();
    await send(collector.url, ['pc']);
    await using opened = await openPage(browser, collector.url);
    const { page } = opened;
    const row = page.locator('tr[data-server="pc"]');
    await eventually(async () => {
      // Of steadySamples: 0, 7, … 98, 5, … 33.
      expect(await row.locator('.col-cpu_avg').innerText()).toBe('41.5%');
      expect(await row.locator('.col-cpu_max').innerText()).toBe('98.0%');
    });
    await page.getByRole('button', { name: '60 min' }).click();
    await eventually(async () => {
      expect(await row.locator('.col-cpu_max').innerText()).toBe('98.0%');
    });
  });

  test('a reload keeps the view: server, range, order and filter are in the address', async () => {
    await using collector = await startCollector();
    await using opened = await openPage(browser, collector.url);
    const { page } = opened;
    await send(collector.url, ['node-10', 'node-2', 'other']);

    await page.getByRole('button', { name: '15 min' }).click();
    await page.getByRole('searchbox').fill('node');
    await page.getByRole('button', { name: 'Server name' }).click();
    await page.reload();
    expect(await pressed(page)).toBe('15 min');
    const names = page.locator('tr[data-server] a');
    await eventually(async () =>
      expect(await names.allInnerTexts()).toEqual(['node-10', 'node-2']),
    );

    await names.first().click();
    await page.getByLabel('Show server').selectOption({ label: 'other' });
    await page.getByRole('button', { name: '60 min' }).click();
    await page.reload();
    expect(await pressed(page)).toBe('60 min');
    await eventually(async () => expect(await page.title()).toBe('other · windrow'));
    await page.goBack();
    await page.goBack();
    await eventually(async () => expect(await page.title()).toBe('node-10 · windrow'));
  });

  test('a restarted collector is found again without a reload', async () => {
    using data = tempDir();
    await using programs = new AsyncDisposableStack();
    const first = programs.use(await startCollector({ dataDir: data.path }));
    programs.use(await startAgent({ to: first.url }));
    // The browser tells of each attempt while nobody listens.
    await using opened = await openPage(browser, first.url, { expected: /ERR_|Failed to load/ });
    const { page } = opened;
    await page.locator('tr[data-server]').waitFor();
    await page.evaluate('globalThis.sameDocument = true');
    await first.stop();
    const live = page.locator('#live');
    await eventually(async () => expect(await live.innerText()).toMatch(/^reconnecting… since/));
    const before = await newestTs(page);

    const port = Number(new URL(first.url).port);
    programs.use(await startCollector({ dataDir: data.path, port }));
    await eventually(async () => expect(await live.innerText()).toBe('live'), 30_000);
    await eventually(async () => expect(await newestTs(page)).toBeGreaterThan(before));
    expect(await page.evaluate('globalThis.sameDocument')).toBe(true);
  });

  test('a hostile name is text', async () => {
    const name = '<img src=x onerror=alert(1)>';
    await using collector = await startCollector();
    await using opened = await openPage(browser, collector.url);
    const { page } = opened;
    await send(collector.url, [name]);
    const link = page.locator('tr[data-server] a');
    await eventually(async () => expect(await link.innerText()).toBe(name));
    await link.click();
    await eventually(async () => expect(await page.title()).toBe(`${name} · windrow`));
    expect(await page.locator('img').count()).toBe(0);
  });

  test('everything is reached by keyboard', async () => {
    await using collector = await startCollector();
    await using opened = await openPage(browser, collector.url);
    const { page } = opened;
    await send(collector.url, ['pc']);
    await page.locator('tr[data-server]').waitFor();
    const reached = new Set<string>();
    for (let press = 0; press < 30; press += 1) {
      await page.keyboard.press('Tab');
      const focus = page.locator(':focus');
      if ((await focus.count()) > 0) reached.add(await focus.evaluate(nameOf));
    }
    for (const name of ['15 min', 'Filter servers by name', 'CPU now', 'pc', '/metrics']) {
      expect(reached).toContain(name);
    }
    await page.locator('tr[data-server] a').focus();
    await page.keyboard.press('Enter');
    await page.getByLabel('Show server').waitFor();
  });
});

/** Waits for the next sample on screen. @returns the time at which it was taken */
async function nextSample(page: Page): Promise<number> {
  const before = await newestTs(page);
  for (;;) {
    const ts = await newestTs(page);
    if (ts > before) return ts;
    await page.waitForTimeout(10);
  }
}

async function send(url: string, names: readonly string[]): Promise<void> {
  const client = clientOf(url);
  for (const name of names) {
    await sendSamples(client, steadySamples(name, Date.now() - 20_000, 20));
  }
}

function pressed(page: Page): Promise<string> {
  return page.locator('[aria-pressed="true"]').innerText();
}

/** Runs in the page, hence no more of it than this. */
function nameOf(element: {
  getAttribute(name: string): string | null;
  textContent: string | null;
}): string {
  return element.getAttribute('aria-label') ?? element.textContent ?? '';
}
