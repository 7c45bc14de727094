import { hostname } from 'node:os';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chunksOf, contentOf, madeFile, mib } from '../../blocks/receiving/testing/made-file.ts';
import { postChunk, sendBlock } from '../support/chunks.ts';
import { eventually } from '../support/http.ts';
import { startCollector } from '../support/programs.ts';
import { lacksBrowser, launchBrowser, openPage } from './browser.ts';

describe.skipIf(lacksBrowser)('files that come in, on the page', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser.close());

  test('are not there while there are none, then move until they are stored', async () => {
    await using collector = await startCollector();
    await using opened = await openPage(browser, collector.url);
    const { page } = opened;
    const rows = page.locator('tr[data-transfer]');
    const row = rows.filter({ hasText: 'big.bin' });
    await page.getByRole('heading').first().waitFor();
    expect(await rows.count()).toBe(0);

    const file = madeFile({ path: 'logs/big.bin', content: contentOf(2 * mib) });
    expect(await page.locator('tr[data-machine]').count()).toBe(0);
    const [first] = chunksOf(file, 0);
    if (first === undefined) throw new Error('a chunk');
    await postChunk(collector.url, first);
    await eventually(async () => {
      expect(await row.getAttribute('data-state')).toBe('active');
      expect((await row.innerText()).split(/\s+/)).toEqual(
        expect.arrayContaining(['big.bin', 'desk-12', '0/2', '46.9%']),
      );
    });
    for (const block of [0, 1]) await sendBlock(collector.url, file, block);
    await eventually(async () => {
      expect((await row.innerText()).split(/\s+/)).toEqual(
        expect.arrayContaining(['2/2', '100.0%', 'done']),
      );
    });
    // What its sender told of itself, and this collector.
    const machine = (role: string) => page.locator(`tr[data-role="${role}"]`);
    let more = 0;
    await eventually(async () => {
      // What is so now is so for seconds: a slow page may show it too late.
      more += 1;
      const next = madeFile({ path: `more/${more}`, content: contentOf(mib, more) });
      await sendBlock(collector.url, next, 0);
      expect(await machine('sender').getAttribute('data-state')).toBe('active');
      expect((await machine('sender').innerText()).split(/\s+/)).toEqual(
        expect.arrayContaining(['desk-12', 'sends', 'kB/s', 'now', 'active', '–']),
      );
      expect((await machine('receiver').innerText()).split(/\s+/)).toEqual(
        expect.arrayContaining([hostname(), 'receives', 'kB/s', 'active', 'openssl']),
      );
    });
    // On a phone a table scrolls rather than the page, and names can be read.
    const phonePx = 390;
    await page.setViewportSize({ width: phonePx, height: 800 });
    await eventually(async () => {
      const pagePx = await page.evaluate<number>('document.documentElement.scrollWidth');
      expect(pagePx).toBeLessThanOrEqual(phonePx);
      for (const name of await page.locator('.transfers tbody th .text').all()) {
        expect((await name.boundingBox())?.width).toBeGreaterThanOrEqual(100);
      }
    });
    // What was before is there after a reload, too.
    await page.reload();
    await eventually(async () => expect(await row.getAttribute('data-state')).toBe('done'));
  });
});
