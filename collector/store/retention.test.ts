import { statSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { expect, it, onTestFinished } from 'vitest';
import { noonMs } from '../../runtime/testing/manual-clock.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { databasePath, openForWriting } from './database.ts';
import { Group } from './group.ts';
import { type RetentionPolicy, retentionStep, storeBytes } from './retention.ts';
import { SampleRows } from './sample-rows.ts';
import { SamplesAhead } from './samples-ahead.ts';
import { GroupStatements } from './statements.ts';
import { addSample, count, sampleRow, windowRow } from './testing/rows.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const KEEP_ALL: RetentionPolicy = {
  samplesAgeMs: 3_650 * 24 * hourMs,
  detailsAgeMs: 3_650 * 24 * hourMs,
  windowsAgeMs: 3_650 * 24 * hourMs,
  sizeBytesMax: 2 ** 40,
};

function fixture() {
  const dataDir = temporaryFolder();
  const db = openForWriting(dataDir);
  onTestFinished(() => {
    if (db.isOpen) db.close();
  });
  return { dataDir, db, path: databasePath(dataDir), statements: new GroupStatements(db) };
}

interface Minute {
  readonly samples: number;
  readonly detail?: string;
  readonly windows?: number;
}

/** What one minute brings, in one commit. */
function arrive(db: DatabaseSync, statements: GroupStatements, nowMs: number, minute: Minute) {
  const group = new Group();
  for (let i = 0; i < minute.samples; i += 1) {
    addSample(group, { tsMs: nowMs + i, detail: minute.detail });
  }
  for (let i = 0; i < (minute.windows ?? 0); i += 1) {
    const window = windowRow({ source: 1, startMs: nowMs + i * 10 });
    group.windows.push({ window, skewed: false });
    group.fleetDue.push({ originMs: 0, startMs: window.startMs, endMs: window.endMs });
  }
  db.exec('BEGIN');
  statements.write(group, nowMs);
  db.exec('COMMIT');
}

/** Samples that are written ahead of a commit, as a thread does it. */
async function goAhead(db: DatabaseSync, times: readonly number[]): Promise<void> {
  const rows = new SampleRows();
  for (const tsMs of times) rows.push(sampleRow({ tsMs }));
  const ahead = new SamplesAhead(db);
  await ahead.write(rows, 1);
  await ahead.close();
}

/** Steps until nothing more is to do. @returns how many it took */
function retain(db: DatabaseSync, policy: RetentionPolicy, nowMs: number): number {
  for (let steps = 1; ; steps += 1) {
    if (!retentionStep(db, policy, nowMs)) return steps;
    if (steps > 1_000) throw new Error('retention never ends');
  }
}

function times(db: DatabaseSync, table: string, column = 'ts'): number[] {
  const rows = db.prepare(`SELECT ${column} AS ms FROM ${table} ORDER BY rowid`).all();
  return rows.map((row) => (Number(row['ms']) - noonMs) / minuteMs);
}

it('each kind of row goes at its own age, and not a minute before', () => {
  const { db, statements } = fixture();
  db.exec("INSERT INTO sources VALUES (1, 'pc', '', 0, 0, '{}')");
  for (let minute = 0; minute < 10; minute += 1) {
    arrive(db, statements, noonMs + minute * minuteMs, { samples: 1, detail: '{}', windows: 1 });
  }
  const policy = {
    ...KEEP_ALL,
    detailsAgeMs: 3 * minuteMs,
    samplesAgeMs: 5 * minuteMs,
    windowsAgeMs: 7 * minuteMs,
  };
  retain(db, policy, noonMs + 9 * minuteMs);
  expect(times(db, 'details')).toEqual([6, 7, 8, 9]);
  expect(times(db, 'samples')).toEqual([4, 5, 6, 7, 8, 9]);
  expect(times(db, 'windows', 'start_ms')).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
  expect(times(db, 'fleet_windows', 'start_ms')).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
});

it('age is when a row arrived, not what its clock said', () => {
  const { db, statements } = fixture();
  const group = new Group();
  for (const tsMs of [0, noonMs + 1_000 * hourMs]) group.samples.push(sampleRow({ tsMs }));
  statements.write(group, noonMs);
  const policy = { ...KEEP_ALL, samplesAgeMs: hourMs };
  retain(db, policy, noonMs + hourMs);
  expect(count(db, 'samples')).toBe(2);
});

it('after everything aged out, what comes later still ages: rowids do not start again', () => {
  const { db, statements } = fixture();
  const policy = { ...KEEP_ALL, samplesAgeMs: 2 * minuteMs, detailsAgeMs: 2 * minuteMs };
  arrive(db, statements, noonMs, { samples: 50, detail: '{}' });
  const laterMs = noonMs + 10 * hourMs;
  // Where a minute's rows end is known when the next minute with arrivals begins.
  arrive(db, statements, noonMs + minuteMs, { samples: 0 });
  retain(db, policy, laterMs);
  expect([count(db, 'samples'), count(db, 'details')]).toEqual([1, 1]);

  arrive(db, statements, laterMs, { samples: 20, detail: '{}' });
  retain(db, policy, laterMs + minuteMs);
  // The new rows are young: a table that had begun at 1 again would lose them now.
  expect([count(db, 'samples'), count(db, 'details')]).toEqual([20, 20]);
  arrive(db, statements, laterMs + 2 * minuteMs, { samples: 5, detail: '{}' });
  retain(db, policy, laterMs + 4 * minuteMs);
  expect([count(db, 'samples'), count(db, 'details')]).toEqual([5, 5]);
});

it('one step deletes a bounded number of rows and says that more is left', () => {
  const { db, statements } = fixture();
  arrive(db, statements, noonMs, { samples: 25_000 });
  const policy = { ...KEEP_ALL, samplesAgeMs: minuteMs };
  arrive(db, statements, noonMs + hourMs, { samples: 1 });
  const nowMs = noonMs + 2 * hourMs;
  expect(retentionStep(db, policy, nowMs)).toBe(true);
  expect(count(db, 'samples')).toBe(15_001);
  expect(retain(db, policy, nowMs)).toBeLessThanOrEqual(3);
  expect(count(db, 'samples')).toBe(1);
});

it('freed pages go back to the file system', () => {
  const { db, path, statements } = fixture();
  arrive(db, statements, noonMs, { samples: 4_000, detail: 'x'.repeat(4_000) });
  arrive(db, statements, noonMs + minuteMs, { samples: 1, detail: '{}' });
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  const before = statSync(path).size;
  retain(db, { ...KEEP_ALL, detailsAgeMs: minuteMs, sizeBytesMax: 2 ** 20 }, noonMs + hourMs);
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  expect(before).toBeGreaterThan(16_000_000);
  expect(statSync(path).size).toBeLessThan(2_000_000);
});

it('the size holds while samples keep coming, in the file too', () => {
  const { db, path, statements } = fixture();
  const sizeBytesMax = 4 * 2 ** 20;
  const policy = { ...KEEP_ALL, sizeBytesMax };
  let largest = 0;
  for (let minute = 0; minute < 60; minute += 1) {
    const nowMs = noonMs + minute * minuteMs;
    arrive(db, statements, nowMs, { samples: 200, detail: 'x'.repeat(1_000), windows: 20 });
    retain(db, policy, nowMs);
    largest = Math.max(largest, storeBytes(db));
  }
  expect(largest).toBeLessThanOrEqual(sizeBytesMax);
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  expect(statSync(path).size).toBeLessThanOrEqual(sizeBytesMax);
  // Not by throwing away more than needed, and the newest are still there.
  expect(storeBytes(db)).toBeGreaterThan(sizeBytesMax / 2);
  expect(times(db, 'samples').at(-1)).toBeCloseTo(59, 1);
});

it('for size, the newest hour of details outlives old samples: the page shows it', () => {
  const { db, statements } = fixture();
  for (let minute = 0; minute < 180; minute += 1) {
    const recent = minute >= 150 ? { detail: 'x'.repeat(500) } : {};
    arrive(db, statements, noonMs + minute * minuteMs, { samples: 500, ...recent });
  }
  const sizeBytesMax = storeBytes(db) - 2_000_000;
  retain(db, { ...KEEP_ALL, sizeBytesMax }, noonMs + 180 * minuteMs);
  expect(storeBytes(db)).toBeLessThanOrEqual(sizeBytesMax);
  expect(count(db, 'details')).toBe(30 * 500);
  expect(count(db, 'samples')).toBeLessThan(180 * 500);
});

it('a size that even the newest hour exceeds is still kept, and the newest rows stay', () => {
  const { db, statements } = fixture();
  arrive(db, statements, noonMs, { samples: 20_000, detail: 'x'.repeat(200), windows: 100 });
  retain(db, { ...KEEP_ALL, sizeBytesMax: 1 }, noonMs);
  for (const table of ['details', 'samples', 'windows']) expect(count(db, table), table).toBe(1);
});

it('arrivals do not pile up for ever, not even where a table stays empty', () => {
  const { db, statements } = fixture();
  const policy = { ...KEEP_ALL, samplesAgeMs: hourMs, detailsAgeMs: hourMs, windowsAgeMs: hourMs };
  for (let minute = 0; minute < 300; minute += 1) {
    arrive(db, statements, noonMs + minute * minuteMs, { samples: 1 });
  }
  const nowMs = noonMs + 300 * minuteMs;
  retain(db, policy, nowMs);
  expect(count(db, 'arrivals')).toBeLessThanOrEqual(61);
  expect(count(db, 'samples')).toBe(60);
  // And none that is still needed has gone.
  for (let minute = 1; minute <= 60; minute += 1) retain(db, policy, nowMs + minute * minuteMs);
  expect(count(db, 'samples')).toBe(1);
});

it('steps of alerts go with the windows of their age, however many there are', () => {
  const { db } = fixture();
  db.exec(`WITH RECURSIVE step(no) AS (SELECT 1 UNION ALL SELECT no + 1 FROM step WHERE no < 12000)
    INSERT INTO alert_transitions
    SELECT no, 'x', 'cpu', 'a', 'pending', 'info', ${noonMs} + no, 1, '', NULL, NULL FROM step`);
  const nowMs = noonMs + hourMs + 11_000;
  expect(retain(db, { ...KEEP_ALL, windowsAgeMs: hourMs }, nowMs)).toBe(3);
  const { n, oldest } = db
    .prepare('SELECT count(*) AS n, min(no) AS oldest FROM alert_transitions')
    .get() as { n: number; oldest: number };
  expect([n, oldest]).toEqual([1_001, 11_000]);
});

it('the newest sample that counts stays: what a start takes out again is no place to number on from', async () => {
  const { dataDir, db, statements } = fixture();
  const policy = { ...KEEP_ALL, samplesAgeMs: 24 * hourMs };
  arrive(db, statements, noonMs, { samples: 5_000 });
  const laterMs = noonMs + 1_000 * hourMs;
  // A collector that has no samples for long commits all the same.
  for (const nowMs of [noonMs + minuteMs, laterMs]) arrive(db, statements, nowMs, { samples: 0 });
  await goAhead(db, [laterMs]);
  retain(db, policy, laterMs + 120_000);
  expect(count(db, 'samples')).toBe(2);
  db.close();

  const again = openForWriting(dataDir);
  onTestFinished(() => again.close());
  expect(count(again, 'samples')).toBe(1);
  arrive(again, new GroupStatements(again), laterMs + 180_000, { samples: 3_000 });
  retain(again, policy, laterMs + 240_000);
  expect(count(again, 'samples')).toBeGreaterThanOrEqual(3_000);
});

it('samples that do not count yet are no older than their minute', async () => {
  const { db, statements } = fixture();
  arrive(db, statements, noonMs, { samples: 10 });
  await goAhead(db, [noonMs + 60_000]);
  arrive(db, statements, noonMs + 60_000, { samples: 1 });
  const row = db.prepare('SELECT samples_rowid FROM arrivals ORDER BY minute_ms DESC').get();
  expect(row).toEqual({ samples_rowid: 10 });
});
