import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AlertsView } from '../../collector/api/contract.ts';
import { MadePc, rulesFile, startWithRules } from '../support/alerting.ts';
import { eventually, getJson } from '../support/http.ts';
import { tempDir } from '../support/programs.ts';
import { lacksBrowser, launchBrowser, openPage } from './browser.ts';

const RULES = `
rules:
  - name: busy
    about: The CPU is busy.
    when: cpu_pct.avg > 90
    clear: cpu_pct.avg < 50
    for: 2s
    clear_for: 2s
    severity: critical
  - name: warm
    about: The CPU is warm, for long.
    when: cpu_pct.avg > 30
    for: 1h
    severity: info
notifiers:
  own: { type: command, command: ['true'] }
`;

describe.skipIf(lacksBrowser)('alerts on the page (in Chromium)', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser.close());

  test('a breach fires, is explained, and is over, all without a reload', async () => {
    await using collector = await startWithRules(rulesFile(RULES));
    await using opened = await openPage(browser, collector.url);
    const { page } = opened;
    const pc = new MadePc(collector.url, 'pc-07', 25_000);
    await pc.send(20, 5);
    const row = page.locator('tr[data-server="pc-07"]');
    await row.waitFor();
    await page.evaluate('globalThis.sameDocument = true');
    expect(await page.title()).toBe('windrow');

    await pc.send(97, 8, 'ffmpeg <b>');
    await eventually(async () => expect(await page.title()).toBe('(1) windrow'));
    const notice = page.locator('.notices[aria-live="polite"] li');
    expect(await notice.innerText()).toContain('critical: busy on pc-07 fires: cpu_pct.avg 97 for');
    const mark = row.locator('.alert-mark');
    expect(await mark.getAttribute('aria-label')).toBe('1 alert, 1 critical');
    await mark.click();
    const sentence = page.locator('.explain h1');
    await eventually(async () => {
      expect(await sentence.innerText()).toMatch(
        /^busy fired on pc-07 at \d\d:\d\d:\d\d because cpu_pct\.avg stayed above 90% for 2s: 97\.0%$/,
      );
    });
    const processes = 'Top processes then: ffmpeg <b> (97 % of a core)';
    expect(await page.locator('.explain .on-top').innerText()).toBe(processes);
    expect(await page.locator('.chart canvas').count()).toBe(1);

    pc.pausedUntil(7_000);
    await pc.send(20, 6);
    await eventually(async () => expect(await page.title()).toBe('Alerts · windrow'));
    await eventually(async () => {
      expect(await page.locator('.explain').innerText()).toContain('Resolved at');
    });
    await eventually(async () => {
      const told = await sectionOf(page, 'Notifications').innerText();
      expect(told).toMatch(/own\s+firing\s+sent[^]*own\s+resolved\s+sent/);
    });
    const kinds = sectionOf(page, 'Timeline').locator('li b');
    expect(await kinds.allInnerTexts()).toEqual(['pending', 'firing', 'resolved']);
    const verdicts = await sectionOf(page, 'Windows').locator('td .verdict').allInnerTexts();
    expect(new Set(verdicts)).toEqual(new Set(['clear', 'between', 'breach']));

    await page.getByRole('link', { name: 'All alerts' }).click();
    await eventually(async () => expect(await rules(page, 'past')).toEqual(['busy']));
    expect(await cells(page, 'past', '.col-reason .on-top')).toEqual([processes]);
    expect(await page.getByRole('heading', { name: 'All quiet' }).count()).toBe(1);
    expect(await page.evaluate('globalThis.sameDocument')).toBe(true);
  });

  test('by keyboard to what fires, from there to why and to the server', async () => {
    await using collector = await startWithRules(rulesFile(RULES));
    await breach(collector.url, 'pc-1');
    await using opened = await openPage(browser, collector.url);
    const { page } = opened;
    const link = page.getByRole('link', { name: 'Alerts, firing: 1 critical' });
    await link.waitFor();
    await reach(page, 'Alerts, firing: 1 critical');
    await page.keyboard.press('Enter');
    await eventually(async () => expect(await rules(page, 'firing')).toEqual(['busy']));
    expect(await rules(page, 'pending')).toEqual(['warm']);
    await reach(page, 'busy');
    await page.keyboard.press('Enter');
    await page.locator('.explain').waitFor();
    await reach(page, 'pc-1');
    await page.keyboard.press('Enter');
    await page.getByLabel('Show server').waitFor();
  });

  test('a server leads to its own alerts alone, and its name is text', async () => {
    const name = '<img src=x onerror=alert(1)>';
    await using collector = await startWithRules(rulesFile(RULES));
    await Promise.all([breach(collector.url, name), breach(collector.url, 'other')]);
    await using opened = await openPage(browser, collector.url);
    const { page } = opened;
    await page.locator('tr[data-server] a.text', { hasText: name }).click();
    await page.getByRole('link', { name: 'alerts', exact: true }).click();
    await eventually(async () => {
      expect(await cells(page, 'firing', '.col-server')).toEqual([name]);
    });
    await page.reload();
    await eventually(async () => {
      expect(await cells(page, 'firing', '.col-server')).toEqual([name]);
    });
    await page.getByRole('link', { name: 'Show those of all servers' }).click();
    await eventually(async () => expect(await rules(page, 'firing')).toEqual(['busy', 'busy']));
    expect(await page.locator('img').count()).toBe(0);
  });

  test('no row moves away while it is pointed at', async () => {
    await using collector = await startWithRules(rulesFile(RULES));
    await breach(collector.url, 'first');
    await using opened = await openPage(browser, `${collector.url}/#/alerts`);
    const { page } = opened;
    const first = page.locator('[data-kind="firing"] tr', { hasText: 'first' });
    await first.hover();
    await breach(collector.url, 'second', 20_000);
    await eventually(async () => {
      expect(await cells(page, 'firing', '.col-server')).toEqual(['first', 'second']);
    });
    await page.mouse.move(5, 5);
    await eventually(async () => {
      expect(await cells(page, 'firing', '.col-server')).toEqual(['second', 'first']);
    });
  });

  test('with nothing to tell it says who looks out, and of what it does not know that it is unknown', async () => {
    await using collector = await startWithRules(rulesFile(RULES));
    await new MadePc(collector.url, 'pc', 20_000).send(10, 10);
    const expected = /status of 404/;
    await using opened = await openPage(browser, `${collector.url}/#/alerts`, { expected });
    const { page } = opened;
    const quiet = page.locator('.quiet');
    await eventually(async () => expect(await quiet.innerText()).toContain('watch 1 server.'));
    expect(await quiet.innerText()).toContain('2 rules');

    await page.goto(`${collector.url}/#/alerts/0123456789abcdef`);
    const unknown = page.getByRole('heading', { name: 'The collector knows no such alert.' });
    await unknown.waitFor();
    await page.getByRole('link', { name: 'To all alerts' }).click();
    await quiet.waitFor();
    await page.goto(`${collector.url}/#/alerts?server=99`);
    await page.getByRole('heading', { name: 'The collector knows no such server.' }).waitFor();
    expect(await quiet.count()).toBe(0);
  });

  test('a page that was open while the collector restarted shows what fires now', async () => {
    using data = tempDir();
    const path = rulesFile(RULES);
    await using programs = new AsyncDisposableStack();
    const first = programs.use(await startWithRules(path, { dataDir: data.path }));
    const pc = await breach(first.url, 'pc-1');
    const expected = /ERR_|Failed to load/;
    await using opened = await openPage(browser, `${first.url}/#/alerts`, { expected });
    const { page } = opened;
    await eventually(async () => expect(await rules(page, 'firing')).toEqual(['busy']));
    const port = Number(new URL(first.url).port);
    await first.stop();
    programs.use(await startWithRules(path, { dataDir: data.path, port }));
    await eventually(async () => expect(await page.locator('#live').innerText()).toBe('live'));
    expect(await rules(page, 'firing')).toEqual(['busy']);
    pc.pausedUntil(7_000);
    await pc.send(20, 6);
    await eventually(async () => expect(await rules(page, 'past')).toEqual(['busy']));
  });
});

/** A PC whose CPU is busy for as long as the rule asks. @returns it, when its alert fires */
async function breach(url: string, name: string, agoMs = 30_000): Promise<MadePc> {
  const pc = new MadePc(url, name, agoMs);
  await pc.send(20, 3);
  await pc.send(97, 8);
  await eventually(async () => {
    const { active } = await getJson<AlertsView>(`${url}/api/alerts`);
    const firing = active.filter(({ state }) => state === 'firing');
    expect(firing.map(({ server }) => server)).toContain(name);
  });
  return pc;
}

function sectionOf(page: Page, title: string) {
  return page.getByRole('region', { name: title, exact: true });
}

function rules(page: Page, kind: string): Promise<string[]> {
  return cells(page, kind, '.col-rule a');
}

function cells(page: Page, kind: string, column: string): Promise<string[]> {
  return page.locator(`[data-kind="${kind}"] tbody ${column}`).allInnerTexts();
}

/** Presses Tab until the link of this name has the focus. */
async function reach(page: Page, name: string): Promise<void> {
  const wanted = page.getByRole('link', { name, exact: true });
  await wanted.first().waitFor();
  for (let press = 0; press < 30; press += 1) {
    await page.keyboard.press('Tab');
    const focus = page.locator(':focus');
    if ((await focus.and(wanted).count()) > 0) return;
  }
  throw new Error(`the link ${name} is not reached by Tab`);
}
