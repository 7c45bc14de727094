/** What the writer does with samples that a thread writes ahead, and when that fails. */
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { createKeptLog } from '../../runtime/testing/kept-log.ts';
import { createManualClock } from '../../runtime/testing/manual-clock.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { openForReading, openForWriting } from './database.ts';
import type { SampleRows } from './sample-rows.ts';
import { SamplesAhead } from './samples-ahead.ts';
import { heldDisk } from './testing/held-disk.ts';
import { count, sampleRow } from './testing/rows.ts';
import { StoreWriter } from './writer.ts';

const aheadRowsMin = 4_096;
const logGatherMs = 100;
const retryMs = 1_000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A real thread, whose outcomes are told when the test says so. */
function fixture() {
  const dataDir = temporaryFolder();
  const db = openForWriting(dataDir);
  const reader = openForReading(dataDir);
  const thread = new SamplesAhead(db);
  const passes: { readonly rows: number; readonly pass: number; tell: () => Promise<void> }[] = [];
  let failure: Error | undefined;
  const ahead = {
    write: (rows: SampleRows, pass: number): Promise<void> => {
      const told = Promise.withResolvers<void>();
      const why = failure;
      const written = why === undefined ? thread.write(rows, pass) : Promise.reject(why);
      written.catch(() => {});
      const tell = async (): Promise<void> => {
        await written.then(told.resolve, told.reject);
        await vi.advanceTimersByTimeAsync(0);
      };
      passes.push({ rows: rows.length, pass, tell });
      return told.promise;
    },
    close: () => thread.close(),
  };
  const { disk: wal, syncs } = heldDisk();
  const onLost = vi.fn<() => void>();
  const { log, lines } = createKeptLog();
  const onCommit = vi.fn<() => void>();
  const clock = createManualClock();
  const hooks = { beforeCommit: () => {}, inCommit: () => {}, onCommit, onLost };
  const writer = new StoreWriter({ db, wal, ahead, clock, log, ...hooks });
  onTestFinished(async () => {
    await thread.close();
    reader.close();
    db.close();
  });
  let next = 0;
  const add = (rows: number): void => {
    for (let i = 0; i < rows; i += 1) writer.group.samples.push(sampleRow({ tsMs: next++ }));
    writer.scheduleRead();
  };
  const fail = (why: Error | undefined): void => {
    failure = why;
  };
  const stored = (): number[] => [count(reader, 'samples'), count(reader, 'samples_ahead')];
  return { db, writer, passes, syncs, stored, onCommit, onLost, lines, add, fail };
}

it('many samples that were read from a log are handed over at once, few wait for the commit', async () => {
  const { writer, passes, stored, syncs, onCommit, add } = fixture();
  add(aheadRowsMin - 1);
  expect(passes).toEqual([]);
  add(1);
  expect(passes).toMatchObject([{ rows: aheadRowsMin, pass: 1 }]);
  expect([writer.group.samples.length, writer.handedOver?.length]).toEqual([0, aheadRowsMin]);
  await passes[0]?.tell();
  expect([writer.handedOver, onCommit.mock.calls.length]).toEqual([undefined, 0]);
  expect(stored()).toEqual([aheadRowsMin, 1]);
  add(10);
  await vi.advanceTimersByTimeAsync(logGatherMs);
  expect(stored()).toEqual([aheadRowsMin + 10, 0]);
  expect(writer.isStored).toBe(false);
  syncs[0]?.resolve();
  await vi.advanceTimersByTimeAsync(0);
  expect(writer.isStored).toBe(true);
});

it('a commit that is due waits for the thread, and then stores what came meanwhile', async () => {
  const { writer, passes, stored, onCommit, add } = fixture();
  add(aheadRowsMin);
  add(5);
  const committed = vi.fn<() => void>();
  void writer.committed().then(committed);
  await vi.advanceTimersByTimeAsync(logGatherMs);
  expect([onCommit.mock.calls.length, writer.isStored]).toEqual([0, false]);
  await passes[0]?.tell();
  expect(onCommit).toHaveBeenCalledTimes(1);
  expect(stored()).toEqual([aheadRowsMin + 5, 0]);
  // Not on the disk yet.
  expect(committed).not.toHaveBeenCalled();
});

it('what is left at the commit goes ahead too, where it is worth it, twice at most', async () => {
  const { passes, stored, onCommit, add } = fixture();
  const restRowsMin = 1_024;
  add(restRowsMin);
  expect(passes).toEqual([]);
  for (const pass of [1, 2]) {
    await vi.advanceTimersByTimeAsync(logGatherMs);
    expect(passes.at(-1)).toMatchObject({ pass, rows: restRowsMin });
    add(restRowsMin);
    await passes.at(-1)?.tell();
  }
  expect([onCommit.mock.calls.length, ...stored()]).toEqual([1, 3 * restRowsMin, 0]);
  add(restRowsMin - 1);
  await vi.advanceTimersByTimeAsync(logGatherMs);
  expect(passes).toHaveLength(2);
});

it('while the disk is at work samples go ahead, of the commit that comes next', async () => {
  const { writer, passes, syncs, stored, onCommit, add } = fixture();
  add(1);
  await vi.advanceTimersByTimeAsync(logGatherMs);
  expect(onCommit).toHaveBeenCalledTimes(1);
  for (const pass of [1, 2]) {
    add(aheadRowsMin);
    expect(passes.at(-1)).toMatchObject({ pass });
    await passes.at(-1)?.tell();
  }
  await vi.advanceTimersByTimeAsync(logGatherMs);
  expect([onCommit.mock.calls.length, ...stored()]).toEqual([1, 2 * aheadRowsMin + 1, 1]);
  syncs[0]?.resolve();
  await vi.advanceTimersByTimeAsync(0);
  expect([onCommit.mock.calls.length, ...stored()]).toEqual([2, 2 * aheadRowsMin + 1, 0]);
  expect(writer.group.rows).toBe(0);
});

it('who waits for room goes on when samples are handed over', async () => {
  const { writer, add } = fixture();
  const room = writer.room();
  add(aheadRowsMin);
  await room;
  expect(writer.group.samples.length).toBe(0);
});

it('what cannot be written ahead is kept and tried again, and nothing is committed or taken before it', async () => {
  const { writer, passes, stored, syncs, lines, add, fail } = fixture();
  fail(new Error('database or disk is full'));
  add(aheadRowsMin);
  add(5);
  const refused = expect(writer.committed()).rejects.toMatchObject({
    code: 'store_unavailable',
    message: 'cannot store: database or disk is full',
    retryable: true,
  });
  await passes[0]?.tell();
  await refused;
  expect(() => writer.assertReady()).toThrow(/cannot store/);
  await vi.advanceTimersByTimeAsync(retryMs);
  expect(passes).toMatchObject([{ pass: 1 }, { pass: 1, rows: aheadRowsMin }]);
  fail(undefined);
  await passes[1]?.tell();
  expect(stored()).toEqual([0, 0]);
  await vi.advanceTimersByTimeAsync(retryMs);
  await passes[2]?.tell();
  await vi.advanceTimersByTimeAsync(retryMs);
  expect(stored()).toEqual([aheadRowsMin + 5, 0]);
  syncs[0]?.resolve();
  await vi.advanceTimersByTimeAsync(0);
  expect([writer.failure, writer.isStored]).toEqual([undefined, true]);
  expect(lines.map(({ msg }) => msg)).toEqual([
    'cannot store; nothing is acknowledged until it works again',
    'the store works again',
  ]);
});

it('closing waits for the thread and for the disk, and stores all of it', async () => {
  const { writer, passes, syncs, stored, add } = fixture();
  add(1);
  await vi.advanceTimersByTimeAsync(logGatherMs);
  add(aheadRowsMin);
  add(1);
  const closed = vi.fn<() => void>();
  const closing = writer.close().then(closed);
  syncs[0]?.resolve();
  await vi.advanceTimersByTimeAsync(0);
  expect(stored()[0]).toBeLessThan(aheadRowsMin + 2);
  await passes[0]?.tell();
  expect([...stored(), closed.mock.calls.length]).toEqual([aheadRowsMin + 2, 0, 0]);
  syncs[1]?.resolve();
  await closing;
  expect(vi.getTimerCount()).toBe(0);
});

it('closing while the thread cannot write leaves nobody waiting', async () => {
  const { writer, passes, add, fail } = fixture();
  fail(new Error('EIO'));
  add(aheadRowsMin);
  const refused = expect(writer.committed()).rejects.toThrow('cannot store: EIO');
  const closing = writer.close();
  await passes[0]?.tell();
  await refused;
  await closing;
  // Once more might take as long as a stop may take in all.
  expect([passes.length, vi.getTimerCount()]).toEqual([1, 0]);
});

it('a commit that fails after samples went ahead is tried again, and all of it is stored once', async () => {
  const { db, writer, passes, syncs, stored, add } = fixture();
  db.exec(`CREATE TEMP TRIGGER full BEFORE DELETE ON main.samples_ahead
           BEGIN SELECT RAISE(ROLLBACK, 'database or disk is full'); END`);
  add(aheadRowsMin);
  await passes[0]?.tell();
  add(10);
  await vi.advanceTimersByTimeAsync(logGatherMs);
  expect(writer.failure?.message).toBe('cannot store: database or disk is full');
  // While it fails nothing more is handed over.
  add(aheadRowsMin);
  expect([passes.length, ...stored()]).toEqual([1, aheadRowsMin, 1]);
  db.exec('DROP TRIGGER full');
  await vi.advanceTimersByTimeAsync(retryMs);
  await passes[1]?.tell();
  expect(stored()).toEqual([2 * aheadRowsMin + 10, 0]);
  syncs[0]?.resolve();
  await vi.advanceTimersByTimeAsync(0);
  expect([writer.failure, writer.isStored]).toEqual([undefined, true]);
});

it('after a sync that failed nothing more is handed over or committed', async () => {
  const { writer, passes, syncs, stored, onLost, add } = fixture();
  add(1);
  await vi.advanceTimersByTimeAsync(logGatherMs);
  add(aheadRowsMin);
  const refused = expect(writer.committed()).rejects.toThrow('does not confirm');
  syncs[0]?.reject(new Error('EIO: i/o error, fdatasync'));
  await refused;
  await passes[0]?.tell();
  add(aheadRowsMin);
  await vi.advanceTimersByTimeAsync(10 * retryMs);
  await writer.close();
  expect([onLost.mock.calls.length, passes.length, ...stored()]).toEqual([
    1,
    1,
    1 + aheadRowsMin,
    1,
  ]);
});
