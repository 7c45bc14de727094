import { DatabaseSync } from 'node:sqlite';
import { expect, it, onTestFinished, vi } from 'vitest';
import { createKeptLog } from '../../runtime/testing/kept-log.ts';
import { createManualClock, noonMs } from '../../runtime/testing/manual-clock.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { databasePath, openForWriting } from './database.ts';
import { Group } from './group.ts';
import { RetentionLoop } from './retention-loop.ts';
import { GroupStatements } from './statements.ts';
import { count, sampleRow } from './testing/rows.ts';

const minuteMs = 60_000;

function fixture(samples: number) {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const dataDir = temporaryFolder();
  const db = openForWriting(dataDir);
  onTestFinished(() => db.close());
  const group = new Group();
  for (let i = 0; i < samples; i += 1) group.samples.push(sampleRow({ tsMs: i }));
  const statements = new GroupStatements(db);
  db.exec('BEGIN');
  statements.write(group, noonMs);
  // Where a minute's rows end is known when the next minute begins.
  statements.write(new Group(), noonMs + minuteMs);
  db.exec('COMMIT');
  const { log, lines } = createKeptLog();
  const ageMs = 10 * minuteMs;
  const ages = { samplesAgeMs: ageMs, detailsAgeMs: ageMs, windowsAgeMs: ageMs };
  const clock = createManualClock(noonMs + 20 * minuteMs);
  const forgetStep = vi.fn<() => boolean>(() => false);
  const loop = new RetentionLoop(
    db,
    { ...ages, sizeBytesMax: 2 ** 40 },
    { log, clock, forgetStep },
  );
  onTestFinished(() => loop.stop());
  return { dataDir, db, loop, lines, forgetStep };
}

it('much to delete goes in steps with pauses between them, so that ingest has its turn', async () => {
  const { db } = fixture(25_000);
  await vi.advanceTimersByTimeAsync(minuteMs);
  expect(count(db, 'samples')).toBe(15_000);
  await vi.advanceTimersByTimeAsync(249);
  expect(count(db, 'samples')).toBe(15_000);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(count(db, 'samples')).toBe(1);
});

it('what has ended is looked for in the same steps, soon again while more of it waits', async () => {
  const { forgetStep } = fixture(1);
  forgetStep.mockReturnValueOnce(true);
  await vi.advanceTimersByTimeAsync(minuteMs);
  expect(forgetStep).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(250);
  expect(forgetStep).toHaveBeenCalledTimes(2);
  await vi.advanceTimersByTimeAsync(minuteMs - 1);
  expect(forgetStep).toHaveBeenCalledTimes(2);
});

it('a locked database is told once and retention goes on when the lock is gone', async () => {
  const { dataDir, db, lines } = fixture(100);
  const other = new DatabaseSync(databasePath(dataDir));
  other.exec('BEGIN IMMEDIATE');
  await vi.advanceTimersByTimeAsync(3 * minuteMs);
  expect(lines.map(({ msg }) => msg)).toEqual(['retention failed; it is tried again']);
  other.close();
  await vi.advanceTimersByTimeAsync(minuteMs);
  expect(count(db, 'samples')).toBe(1);
});

it('stopped, it touches the database no more', async () => {
  const { db, loop } = fixture(100);
  loop.stop();
  await vi.advanceTimersByTimeAsync(10 * minuteMs);
  expect(count(db, 'samples')).toBe(100);
  expect(vi.getTimerCount()).toBe(0);
});
