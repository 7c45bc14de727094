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
    const row = page.locator('tr[data-transfer]');
    await page.getByRole('heading').first().waitFor();
    expect(await row.count()).toBe(0);

    const file = madeFile({ path: 'logs/big.bin', content: contentOf(2 * mib) });
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
    // What was before is there after a reload, too.
    await page.reload();
    await eventually(async () => expect(await row.getAttribute('data-state')).toBe('done'));
  });
});
