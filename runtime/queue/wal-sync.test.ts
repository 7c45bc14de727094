import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createKeptLog } from '../testing/kept-log.ts';
import { createManualClock } from '../testing/manual-clock.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { WalSync } from './wal-sync.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

function fixture(walPath: string) {
  const { log, lines } = createKeptLog();
  const clock = createManualClock();
  let tries = 0;
  let works = false;
  const walSync = new WalSync(walPath, {
    clock,
    log,
    moveIntoFile: () => {
      tries += 1;
      if (!works) throw new Error('disk I/O error');
    },
  });
  const pass = (seconds: number): void => {
    for (let i = 0; i < seconds; i += 1) {
      clock.advance(1_000);
      vi.advanceTimersByTime(1_000);
    }
  };
  return {
    walSync,
    pass,
    mend: () => void (works = true),
    tries: () => tries,
    told: () => lines.map(({ level, msg }) => `${level}: ${msg}`),
  };
}

const fails =
  'warn: the disk does not confirm what is written; a power cut may take more than a second of it';
const works = 'info: the disk confirms again what is written';

it('after a sync that failed only a log that was moved into the file counts as on the disk', async () => {
  // A device that cannot be synced: the system says so each time.
  const { walSync, pass, mend, tries, told } = fixture('/dev/null');
  walSync.wrote([1]);
  pass(1);
  await vi.waitFor(() => expect(told()).toEqual([fails]));
  // Nothing is owed any longer, and yet nobody knows what the disk has.
  walSync.settled([1]);
  const before = tries();
  pass(3);
  expect(tries()).toBe(before + 3);
  expect(told()).toEqual([fails]);
  mend();
  pass(1);
  expect(told()).toEqual([fails, works]);
  pass(5);
  expect(tries()).toBe(before + 4);
  await walSync.close();
});

it('a log that is synced is not moved, and one that is closed is left alone', async () => {
  const path = join(temporaryFolder(), 'log');
  writeFileSync(path, 'log');
  const good = fixture(path);
  good.walSync.wrote([1]);
  good.pass(5);
  await good.walSync.close();
  expect([good.tries(), good.told()]).toEqual([0, []]);

  const bad = fixture('/dev/null');
  bad.walSync.begin();
  await bad.walSync.close();
  bad.pass(5);
  expect([bad.tries(), bad.told()]).toEqual([0, [fails]]);
});
