import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { serve } from '../../collector/api/testing/served.ts';
import { Views } from '../../collector/api/views.ts';
import { settle, startCollector } from '../../collector/cluster/results/testing/rig.ts';
import { steady } from '../../collector/ingest/testing/records.ts';
import { Queries } from '../../collector/store/queries.ts';
import { createManualClock, noonMs } from '../../runtime/testing/manual-clock.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { METRICS } from '../../wire/metrics.ts';
import { WINDOW_RESULTS_TOPIC } from '../../wire/records/window-result.ts';
import { createMemoryLog } from '../../wire/transport/log/memory.ts';
import { eventually } from '../support/http.ts';
import { lacksBrowser, launchBrowser, legendValue, openPage } from './browser.ts';

describe.skipIf(lacksBrowser)('the page where collectors share a fleet (in Chromium)', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser.close());

  test('shows the windows of another collector’s server, and leads there for the rest', async () => {
    const { url, hub, views } = await servedBesideAnother();
    await using opened = await openPage(browser, url);
    const { page } = opened;
    const row = page.locator('tr[data-server="pc"]');
    expect(await row.locator('.col-state').innerText()).toMatch(/up/i);
    await row.locator('a').first().click();

    const note = page.getByRole('note');
    await eventually(async () =>
      expect(await note.innerText()).toBe(
        'Its windows are here; samples and processes are at http://one:7861.',
      ),
    );
    const link = note.getByRole('link');
    expect(await link.getAttribute('href')).toBe('http://one:7861/#/server/1');
    expect(await page.locator('[data-order="by_cpu"]').count()).toBe(0);
    expect(await page.getByRole('region', { name: 'Delivery' }).count()).toBe(0);

    // The window that ends at 50 s: the values 20 to 49.
    await eventually(async () => expect(await legendValue(page, 'CPU', 'total')).toBe('34.5%'));
    const [pc] = views.fleet().servers;
    const absent = METRICS.slice(1).map(() => Number.NaN);
    hub.sample(pc?.id ?? 0, noonMs + 60_000, [77, ...absent]);
    await eventually(async () => expect(await legendValue(page, 'CPU', 'total')).toBe('77.0%'));

    await page.getByRole('button', { name: '15 min' }).click();
    await eventually(async () =>
      expect(await link.getAttribute('href')).toBe('http://one:7861/#/server/1?range=15'),
    );
  });

  test('leads nowhere where the other collector’s address is this one’s from here', async () => {
    const { url, registry } = await servedBesideAnother();
    const source = registry.find('pc', '');
    const there = url.replace('127.0.0.1', 'localhost');
    source!.owner = { id: 'one', url: there, sourceNo: 1 };
    await using opened = await openPage(browser, url);
    const { page } = opened;
    await page.locator('tr[data-server="pc"] a').first().click();
    const note = page.getByRole('note');
    await eventually(async () =>
      expect(await note.innerText()).toBe(
        `Its windows are here; samples and processes are at ${there}, which leads elsewhere from here.`,
      ),
    );
    expect(await note.getByRole('link').count()).toBe(0);
  });
});

/** The page of a collector whose only server is taken in by another one. */
async function servedBesideAnother() {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const clock = createManualClock(noonMs + 60_000);
  const topicLog = createMemoryLog({ topics: { [WINDOW_RESULTS_TOPIC]: 1 }, clock });
  const [one, two] = (['one', 'two'] as const).map((id) => {
    const collector = startCollector({ dataDir: temporaryFolder(), id, topicLog, clock });
    onTestFinished(() => collector.db.close());
    return collector;
  });
  await one?.send(steady(noonMs, 60));
  await settle();
  vi.useRealTimers();
  const views = new Views(two!.registry, new Queries(two!.db), clock);
  const pageFolder = new URL('../../dist/dashboard', import.meta.url).pathname;
  return { ...(await serve({ views, pageFolder })), views, registry: two!.registry };
}
