import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../support/http.ts';
import { inTimeOnce, Stopwatch } from '../support/in-time.ts';
import { startAgent, startCollector, tempDir } from '../support/programs.ts';
import { clientOf, sendSamples, steadySamples } from '../support/send.ts';
import { lacksBrowser, launchBrowser, legendValue, newestTs, openPage } from './browser.ts';

/** From the start of the programs to numbers on screen. */
const shownMsMax = 10_000;
/** From the moment a sample was taken to its numbers on screen. */
const freshMsMax = 1_500;
/** One of them at least comes with a new list of processes. */
const freshSamples = 6;

describe.skipIf(lacksBrowser)('the page (in Chromium)', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser.close());

  test('shows this machine within 10 s of start, and its numbers move', async () => {
    const untilShown = async (): Promise<number> => {
      const stopwatch = new Stopwatch();
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
      const tookMs = stopwatch.ownMs;

      const before = await legendValue(page, 'CPU', 'total');
      await eventually(async () => {
        expect(await legendValue(page, 'CPU', 'total')).not.toBe(before);
      });
      return tookMs;
    };
    expect(await inTimeOnce(untilShown, (tookMs) => tookMs < shownMsMax)).toBeLessThan(shownMsMax);
  }, 400_000);

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
      const agesMs = await inTimeOnce(
        () => nextAgesMs(page, freshSamples),
        (ages) => Math.max(...ages) < freshMsMax,
      );
      for (const ageMs of agesMs) expect(ageMs, view).toBeLessThan(freshMsMax);
    }
  }, 150_000);

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
    await eventually(async () => expect(await live.innerText()).toBe('live'));
    await eventually(async () => expect(await newestTs(page)).toBeGreaterThan(before));
    expect(await page.evaluate('globalThis.sameDocument')).toBe(true);
  }, 180_000);

  test('what is lost, who else takes the name, and a backlog that drains are told without a reload', async () => {
    await using collector = await startCollector();
    await using opened = await openPage(browser, collector.url);
    const { page } = opened;
    const client = clientOf(collector.url);
    const row = page.locator('tr[data-server="pc"]');
    let seq = 0;
    /** The next sample of a boot, with so many waiting behind it. */
    const sendNext = (boot_id: string, waiting?: number) => {
      seq += 1;
      const sample = { server_id: 'pc', ts: Date.now(), seq, boot_id, cpu_pct: 5 };
      return sendSamples(client, [sample], waiting === undefined ? {} : { waiting });
    };
    let waiting = 20_000;
    await eventually(async () => {
      waiting -= 100;
      await sendNext('a', waiting);
      expect(await row.innerText()).toMatch(/catching up: 1\d,\d{3} samples, about \d+ (s|min)/);
    });
    await sendNext('a');
    await eventually(async () => expect(await row.innerText()).not.toContain('catching up'));

    for (const boot of ['b', 'a', 'b', 'a']) await sendNext(boot);
    seq += 9;
    await sendSamples(client, [{ server_id: 'pc', ts: Date.now(), seq, boot_id: 'a' }], {
      oldest_outstanding_seq: seq,
    });
    await eventually(async () => expect(await row.innerText()).toMatch(/two agents\s*\d+ lost/));
    await row.locator('a').click();
    const delivery = page.getByRole('region', { name: 'Delivery' });
    await eventually(async () => {
      expect(await delivery.innerText()).toMatch(/boot [ab] from \S+ and boot [ab] from/);
      expect(await delivery.locator('[data-fact="Lost"] dd').innerText()).not.toBe('0');
    });
    const received = await delivery.locator('[data-fact="Received"] dd').innerText();
    await sendNext('a');
    await eventually(async () => {
      const now = await delivery.locator('[data-fact="Received"] dd').innerText();
      expect(Number(now)).toBe(Number(received) + 1);
    });
  });

  test('a server that is decommissioned leaves open pages, and comes back when it sends', async () => {
    await using collector = await startCollector();
    await using opened = await openPage(browser, collector.url);
    const { page } = opened;
    await send(collector.url, ['pc', 'other']);
    const names = page.locator('tr[data-server] a');
    await eventually(async () => expect(await names.allInnerTexts()).toEqual(['other', 'pc']));
    const removed = await fetch(`${collector.url}/api/servers/1`, { method: 'DELETE' });
    expect(removed.status).toBe(204);
    await eventually(async () => expect(await names.allInnerTexts()).toEqual(['other']));
    await sendSamples(clientOf(collector.url), steadySamples('pc', Date.now(), 1, 20));
    await eventually(async () => expect(await names.allInnerTexts()).toEqual(['other', 'pc']));
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

/** How old each of the next samples is when it is on screen. */
async function nextAgesMs(page: Page, samples: number): Promise<number[]> {
  const agesMs: number[] = [];
  while (agesMs.length < samples) {
    const ts = await nextSample(page);
    agesMs.push(Date.now() - ts);
  }
  return agesMs;
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
