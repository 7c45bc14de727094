/** What keeps records out, as a person sees it. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Deafness, IntakeView } from '../../collector/api/contract.ts';
import { serve } from '../../collector/api/testing/served.ts';
import { Views } from '../../collector/api/views.ts';
import { steady } from '../../collector/ingest/testing/records.ts';
import { startRig } from '../../collector/ingest/testing/rig.ts';
import { Queries } from '../../collector/store/queries.ts';
import { createManualClock, noonMs } from '../../runtime/testing/manual-clock.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { eventually } from '../support/http.ts';
import { startCollector } from '../support/programs.ts';
import { lacksBrowser, launchBrowser, openPage } from './browser.ts';

const minuteMs = 60_000;

describe.skipIf(lacksBrowser)('what keeps records out (in Chromium)', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser.close());

  test('records put aside are on the page by themselves, with where they came from and why', async () => {
    await using collector = await startCollector();
    await using opened = await openPage(browser, collector.url);
    const { page } = opened;
    await page.getByText('No machine has reported yet.').waitFor();
    const panel = page.getByRole('region', { name: 'Quarantine' });
    expect(await panel.count()).toBe(0);
    const hostile = '<img src=x onerror=alert(1)>';
    const lines = ['{"v":1,"sent_at":1}', hostile, '{"v":9,"server_id":"pc"}'];
    const response = await fetch(`${collector.url}/v1/batches`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: lines.join('\n'),
    });
    expect([response.status, await response.json()]).toMatchObject([200, { quarantined: 2 }]);
    await eventually(async () => {
      const rows = await panel.locator('tbody tr').allInnerTexts();
      expect(rows.map((row) => row.split('\t', 2).map((cell) => cell.trim()))).toEqual([
        [expect.stringContaining('v'), '127.0.0.1'],
        ['not JSON', '127.0.0.1'],
      ]);
    });
    expect(await panel.locator('tbody tr').last().locator('.text').getAttribute('title')).toBe(
      hostile,
    );
    expect(await page.getByText('2 records put aside').count()).toBe(1);
  });

  test('while nothing can be taken in the page says so and calls nobody silent; then it is over', async () => {
    const { url, hub, tell } = await servedWithout('the brokers cannot be reached');
    await using opened = await openPage(browser, url);
    const { page } = opened;
    const state = page.locator('tr[data-server="pc"] .col-state .state');
    const banner = page.locator('.banner');
    await eventually(async () => expect(await state.innerText()).toMatch(/^unknown$/i));
    expect(await banner.innerText()).toMatch(
      /^Nothing has been taken in since [\d -]*\d\d:\d\d:\d\d: the brokers cannot be reached\. Which servers are up is not known\.$/,
    );
    expect(await page.locator('[data-card="up"]').innerText()).toContain('1 not known');
    hub.intake(tell({ why: null, through_ms: noonMs + 5 * minuteMs }));
    await eventually(async () => expect(await banner.count()).toBe(0));
    expect(await state.innerText()).toMatch(/^unknown$/i);
    // As much time has passed since as makes it silent.
    hub.intake(tell({ why: null, through_ms: noonMs + 3 * minuteMs }));
    await eventually(async () => expect(await state.innerText()).toMatch(/^silent$/i));
  });
});

/** The page of a collector that heard a server at noon, and nobody from the next minute on. */
async function servedWithout(why: string) {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const clock = createManualClock();
  const rig = startRig(temporaryFolder(), clock);
  onTestFinished(() => rig.db.close());
  await rig.send(steady(noonMs, 5, { server_id: 'pc' }));
  vi.useRealTimers();
  clock.advance(5 * minuteMs + 1);
  const views = new Views(rig.registry, new Queries(rig.db), clock);
  const pageFolder = new URL('../../dist/dashboard', import.meta.url).pathname;
  let now = clock.wallMs();
  const tell = (over: Partial<Deafness> = {}): IntakeView => {
    const deaf = { since_ms: noonMs + minuteMs, through_ms: null, why, ...over };
    return { now: now++, deaf: [deaf], quarantine: { kept: 0, newest: [] } };
  };
  return { ...(await serve({ views, intake: { view: () => tell() }, pageFolder })), tell };
}
