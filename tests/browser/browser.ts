/** A real browser for the page's tests, and what must hold in all of them. */
import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';
import { expect } from 'vitest';

const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium';

/** In CI a missing browser is a failure, on a person's machine a skip. */
export const lacksBrowser = !existsSync(executablePath) && process.env['CI'] === undefined;

export function launchBrowser(): Promise<Browser> {
  const args = ['--no-sandbox', '--disable-gpu', '--disable-background-networking'];
  return chromium.launch({ executablePath, args });
}

export interface OpenOptions {
  /** Complaints of the browser that this test provokes. */
  readonly expected?: RegExp;
}

export interface OpenedPage extends AsyncDisposable {
  readonly page: Page;
}

/**
 * Opens the page. Its disposal fails if the browser complained about anything: an error in the
 * console, an uncaught exception, a violation of the content security policy, a dialog.
 */
export async function openPage(
  browser: Browser,
  url: string,
  { expected }: OpenOptions = {},
): Promise<OpenedPage> {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  const complaints: string[] = [];
  const note = (text: string): void => {
    if (expected?.test(text) !== true) complaints.push(text);
  };
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') note(message.text());
  });
  page.on('pageerror', (error) => note(error.message));
  page.on('dialog', (dialog) => {
    note(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.goto(url);
  return {
    page,
    async [Symbol.asyncDispose]() {
      await page.close();
      expect(complaints).toEqual([]);
    },
  };
}

/** Event time of the newest sample on screen. */
export async function newestTs(page: Page): Promise<number> {
  return Number(await page.locator('#live').getAttribute('data-ts'));
}

/** The value beside a name in a chart's legend, as it is on screen. */
export async function legendValue(page: Page, chart: string, line: string): Promise<string> {
  const entry = page.locator(`[data-chart="${chart}"] .legend > div`).filter({ hasText: line });
  return entry.locator('dd').innerText();
}
