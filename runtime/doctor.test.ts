import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type Check, checkDataFolder, runChecks } from './doctor.ts';
import { WindrowError } from './errors.ts';
import { temporaryFolder } from './testing/temporary-folder.ts';

async function printed(checks: readonly Check[]): Promise<{ good: boolean; text: string }> {
  let text = '';
  const good = await runChecks(checks, (line) => {
    text += line;
  });
  return { good, text };
}

it('every check is told, with what to do about it; a warning is no failure', async () => {
  const { good, text } = await printed([
    { name: 'port', run: async () => ({ status: 'ok', message: 'free' }) },
    { name: 'disk', run: async () => ({ status: 'warn', message: 'full', advice: 'make room' }) },
  ]);
  expect(good).toBe(true);
  expect(text).toMatch(/^OK +port +free\nWARN +disk +full\n +→ make room\n$/);
});

it('where several things are to be done each has its line', async () => {
  const advice = ['make room', 'buy a disk'];
  const { text } = await printed([
    { name: 'disk', run: async () => ({ status: 'warn', message: 'full', advice }) },
    { name: 'port', run: async () => ({ status: 'ok', message: 'free', advice: [] }) },
  ]);
  expect(text).toMatch(/^WARN +disk +full\n +→ make room\n +→ buy a disk\nOK +port +free\n$/);
});

it('a check that throws is a finding with its hint, and the next one is made', async () => {
  const { good, text } = await printed([
    {
      name: 'name',
      run: () => Promise.reject(new WindrowError('unreachable', 'no', { hint: 'try' })),
    },
    { name: 'next', run: async () => ({ status: 'ok', message: 'fine' }) },
  ]);
  expect(good).toBe(false);
  expect(text).toMatch(/^FAIL +name +no\n +→ try\nOK +next +fine\n$/);
});

it('what another failure has made pointless is not asked, and is no second failure to read about', async () => {
  let asked = false;
  const { good, text } = await printed([
    { name: 'name', run: async () => ({ status: 'fail', message: 'unknown' }) },
    {
      name: 'port',
      needs: 'name',
      run: async () => {
        asked = true;
        return { status: 'ok', message: '' };
      },
    },
    { name: 'clock', needs: 'port', run: async () => ({ status: 'ok', message: '' }) },
  ]);
  expect([good, asked]).toEqual([false, false]);
  expect(text).toMatch(/^FAIL +name +unknown\n- +port +not checked\n- +clock +not checked\n$/);
});

it('a data folder that cannot be made or written is found out, and nothing is left behind', () => {
  const folder = temporaryFolder();
  expect(checkDataFolder(join(folder, 'new', 'one')).status).toMatch(/ok|warn/);
  expect(readdirSync(folder)).toEqual([]);
  const file = join(folder, 'file');
  writeFileSync(file, '');
  for (const path of [file, join(file, 'below')]) {
    expect(checkDataFolder(path)).toMatchObject({
      status: 'fail',
      advice: expect.stringContaining('--data'),
    });
  }
});
