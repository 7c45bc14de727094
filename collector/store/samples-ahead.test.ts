/** The thread itself, on a real file. */
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { dirname } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { inTransaction } from '../../runtime/transaction.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { databasePath, openForWriting } from './database.ts';
import { Group } from './group.ts';
import { storedSamples } from './history.ts';
import { SampleRows } from './sample-rows.ts';
import { SamplesAhead } from './samples-ahead.ts';
import { GroupStatements } from './statements.ts';
import { addSample, count, sampleRow, sourceRow } from './testing/rows.ts';

function fixture() {
  const dataDir = temporaryFolder();
  const db = openForWriting(dataDir);
  const ahead = new SamplesAhead(db);
  onTestFinished(async () => {
    await ahead.close();
    if (db.isOpen) db.close();
  });
  return { dataDir, db, ahead };
}

/** Of SQLite's write-ahead log, with pages of 4,096 bytes: https://sqlite.org/fileformat2.html#walformat */
const walHeadBytes = 32;
const frameBytes = 24 + 4_096;

function started(dataDir: string) {
  const db = openForWriting(dataDir);
  return { db, [Symbol.dispose]: () => db.close() };
}

function rowsOf(times: readonly number[]): SampleRows {
  const rows = new SampleRows();
  for (const tsMs of times) rows.push(sampleRow({ tsMs, seq: tsMs, sourceNo: 1 + (tsMs % 3) }));
  return rows;
}

function manyRows(count: number): SampleRows {
  return rowsOf(Array.from({ length: count }, (_, i) => i));
}

function times(db: DatabaseSync): number[] {
  return db
    .prepare('SELECT ts FROM samples ORDER BY ts')
    .all()
    .map(({ ts }) => Number(ts));
}

function commit(db: DatabaseSync, fill: (group: Group) => void): void {
  const group = new Group();
  fill(group);
  inTransaction(db, () => new GroupStatements(db).write(group, 0));
}

it('what is written ahead counts with the commit: until then a start takes it out again', async () => {
  const { dataDir, db, ahead } = fixture();
  commit(db, (group) => addSample(group, { tsMs: 1 }));
  await ahead.write(rowsOf([2, 3]), 1);
  await ahead.write(rowsOf([4]), 2);
  expect(times(db)).toEqual([1, 2, 3, 4]);
  expect(db.prepare('SELECT behind_rowid, passes FROM samples_ahead').get()).toEqual({
    behind_rowid: 1,
    passes: 2,
  });
  await ahead.close();
  db.close();

  const again = openForWriting(dataDir);
  onTestFinished(() => again.close());
  expect([times(again), count(again, 'samples_ahead')]).toEqual([[1], 0]);
});

it('what a commit counted stays, and what came with it', async () => {
  const { dataDir, db, ahead } = fixture();
  await ahead.write(rowsOf([1, 2]), 1);
  commit(db, (group) => {
    group.passes = 1;
    addSample(group, { tsMs: 3 });
  });
  // The first of the next commit has the same number.
  await ahead.write(rowsOf([4]), 1);
  await ahead.close();
  db.close();
  const again = openForWriting(dataDir);
  onTestFinished(() => again.close());
  expect(times(again)).toEqual([1, 2, 3]);
});

it('the same given once more, after a failure or not, is written once', async () => {
  const { db, ahead } = fixture();
  db.exec(`CREATE TRIGGER full BEFORE INSERT ON samples WHEN NEW.ts = 3
           BEGIN SELECT RAISE(ROLLBACK, 'database or disk is full'); END`);
  const rows = rowsOf([1, 2, 3]);
  await expect(ahead.write(rows, 1)).rejects.toThrow('database or disk is full');
  expect([times(db), count(db, 'samples_ahead')]).toEqual([[], 0]);
  db.exec('DROP TRIGGER full');
  await ahead.write(rows, 1);
  await ahead.write(rows, 1);
  expect(times(db)).toEqual([1, 2, 3]);
});

it('a thread that ends is told of, and the next order has another one', async () => {
  const { db, ahead } = fixture();
  const lost = expect(ahead.write(manyRows(50_000), 1)).rejects.toThrow(
    'the thread that writes samples ended',
  );
  await ahead.close();
  await lost;
  await ahead.write(rowsOf([1]), 1);
  expect(times(db)).toEqual([1]);
});

it('who else writes by the loop’s connection meanwhile waits for the thread', async () => {
  const { db, ahead } = fixture();
  await ahead.write(rowsOf([-1]), 1);
  const written = ahead.write(manyRows(200_000), 2);
  // Until the thread holds the file, which it does for some hundred ms.
  const isFree = (): boolean => {
    try {
      db.exec('PRAGMA busy_timeout = 0; BEGIN IMMEDIATE; ROLLBACK');
      return true;
    } catch {
      return false;
    }
  };
  while (isFree()) await new Promise((resolve) => setImmediate(resolve));
  expect(() => inTransaction(db, () => {})).toThrow('database is locked');
  db.exec('PRAGMA busy_timeout = 2000');
  inTransaction(db, () => {});
  await written;
  expect(count(db, 'samples')).toBe(200_001);
});

it('only while it writes: another process that holds the file holds the loop no longer than ever', async () => {
  const { db, ahead } = fixture();
  const timeoutMs = (): unknown => Object.values(db.prepare('PRAGMA busy_timeout').get() ?? {})[0];
  const before = timeoutMs();
  const written = ahead.write(rowsOf([1]), 1);
  expect(timeoutMs()).toBeGreaterThan(Number(before));
  await written;
  expect(timeoutMs()).toBe(before);
});

it('an export has samples that count, and no others', async () => {
  const { db, ahead } = fixture();
  commit(db, (group) => {
    for (const sourceNo of [1, 2, 3]) group.sources.set(sourceNo, sourceRow({ sourceNo }));
    addSample(group, { tsMs: 1 });
  });
  await ahead.write(rowsOf([2]), 1);
  const exported = (): number[] =>
    [...storedSamples(db, { fromMs: 0, toMs: 10 })].map(({ tsMs }) => tsMs);
  expect(exported()).toEqual([1]);
  commit(db, (group) => (group.passes = 1));
  expect(exported()).toEqual([1, 2]);
});

it('wherever a power cut ends the log, samples and what a commit says of them are there together', async () => {
  const { dataDir, db, ahead } = fixture();
  let next = 0;
  const times = (count: number): number[] => Array.from({ length: count }, () => next++);
  for (let passes = 1; passes <= 3; passes += 1) {
    for (let pass = 1; pass <= passes; pass += 1) await ahead.write(rowsOf(times(100)), pass);
    commit(db, (group) => {
      group.passes = passes;
      for (const tsMs of times(20)) addSample(group, { tsMs });
      group.logPositions.set('t', { topic: 't', partition: 0, offset: next, topicId: undefined });
    });
  }
  await ahead.write(rowsOf(times(100)), 1);
  const path = databasePath(dataDir);
  const [file, log] = [readFileSync(path), readFileSync(`${path}-wal`)];
  const offsets = new Set<number>();
  for (let end = log.length; end > walHeadBytes; end -= frameBytes) {
    const after = temporaryFolder();
    mkdirSync(dirname(databasePath(after)), { recursive: true });
    writeFileSync(databasePath(after), file);
    writeFileSync(`${databasePath(after)}-wal`, log.subarray(0, end));
    using found = started(after);
    const offset = Number(
      found.db.prepare('SELECT max(taken_through) AS n FROM log_positions').get()?.['n'],
    );
    offsets.add(offset);
    expect([count(found.db, 'samples'), count(found.db, 'samples_ahead')]).toEqual([offset, 0]);
  }
  expect([...offsets]).toEqual([660, 340, 120, 0]);
});

it('the thread moves SQLite’s log into the database, not the loop; that would only where it grew to 48 MiB', async () => {
  const { dataDir, db, ahead } = fixture();
  const databasePages = () => statSync(databasePath(dataDir)).size / 4_096;
  db.exec('CREATE TABLE pages (bytes BLOB) STRICT');
  const fill = db.prepare('INSERT INTO pages VALUES (zeroblob(4000))');
  const commitPages = (pages: number) =>
    inTransaction(db, () => {
      for (let page = 0; page < pages; page += 1) fill.run();
    });
  commitPages(6_000);
  expect(databasePages()).toBeLessThan(1_000);
  await ahead.write(rowsOf([1]), 1);
  expect(databasePages()).toBeGreaterThan(6_000);
  commitPages(6_000);
  expect(databasePages()).toBeLessThan(7_000);
  commitPages(7_000);
  expect(databasePages()).toBeGreaterThan(19_000);
});
