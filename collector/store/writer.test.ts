import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { createKeptLog } from '../../runtime/testing/kept-log.ts';
import { createManualClock } from '../../runtime/testing/manual-clock.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { databasePath, openForReading, openForWriting } from './database.ts';
import type { Group } from './group.ts';
import { count, sampleRow, sourceRow } from './testing/rows.ts';
import { StoreWriter } from './writer.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

function fixture(beforeCommit: (group: Group) => void = () => {}) {
  const dataDir = temporaryFolder();
  const db = openForWriting(dataDir);
  const reader = openForReading(dataDir);
  const { log, lines } = createKeptLog();
  const onCommit = vi.fn<() => void>();
  const clock = createManualClock();
  const inCommit = (): void => {};
  const writer = new StoreWriter({ db, clock, log, beforeCommit, inCommit, onCommit });
  onTestFinished(() => {
    reader.close();
    if (db.isOpen) db.close();
  });
  return { dataDir, db, reader, writer, lines, onCommit, clock };
}

/** Another process that holds the database, as a backup or a person with a shell might. */
function lockedByAnother(dataDir: string): () => void {
  const other = new DatabaseSync(databasePath(dataDir));
  onTestFinished(() => {
    if (other.isOpen) other.close();
  });
  other.exec('BEGIN IMMEDIATE');
  return () => other.close();
}

const gatherMs = 20;
const logGatherMs = 100;
const logGatherMsMax = 500;
const retryMs = 1_000;

it('batches that come together share one commit: each of them must not cost an fsync', async () => {
  const { writer, reader, onCommit } = fixture();
  const waits = [1, 2, 3].map((seq) => {
    writer.group.samples.push(sampleRow({ tsMs: seq, seq }));
    return writer.committed();
  });
  await vi.advanceTimersByTimeAsync(gatherMs);
  await Promise.all(waits);
  expect(onCommit).toHaveBeenCalledTimes(1);
  expect(count(reader, 'samples')).toBe(3);
});

it('what is read from a log waits longer for company, but not once somebody waits for the commit', async () => {
  const { writer, onCommit } = fixture();
  writer.group.samples.push(sampleRow({ tsMs: 1 }));
  writer.scheduleRead();
  await vi.advanceTimersByTimeAsync(gatherMs);
  expect(onCommit).toHaveBeenCalledTimes(0);
  await vi.advanceTimersByTimeAsync(logGatherMs - gatherMs);
  expect(onCommit).toHaveBeenCalledTimes(1);

  writer.group.samples.push(sampleRow({ tsMs: 2 }));
  writer.scheduleRead();
  const committed = writer.committed();
  writer.scheduleRead();
  await vi.advanceTimersByTimeAsync(gatherMs);
  await committed;
  expect(onCommit).toHaveBeenCalledTimes(2);
});

it('where commits take long, what is read from a log waits so many times as long, up to a bound', async () => {
  let tookMs = 60;
  const { writer, onCommit, clock } = fixture(() => clock.advance(tookMs));
  const commitsAfter = async (waitMs: number): Promise<void> => {
    const before = onCommit.mock.calls.length;
    writer.group.samples.push(sampleRow({ tsMs: 1 }));
    writer.scheduleRead();
    await vi.advanceTimersByTimeAsync(waitMs - 1);
    expect(onCommit).toHaveBeenCalledTimes(before);
    await vi.advanceTimersByTimeAsync(1);
    expect(onCommit).toHaveBeenCalledTimes(before + 1);
  };
  await commitsAfter(logGatherMs);
  tookMs = 400;
  await commitsAfter(4 * 60);
  await commitsAfter(logGatherMsMax);
});

it('nothing is acknowledged before another connection can see it', async () => {
  const { writer, reader } = fixture();
  writer.group.samples.push(sampleRow({ tsMs: 1 }));
  let seenWhenAcknowledged: number | undefined;
  const acknowledged = writer.committed().then(() => {
    seenWhenAcknowledged = count(reader, 'samples');
  });
  await vi.advanceTimersByTimeAsync(gatherMs - 1);
  expect(count(reader, 'samples')).toBe(0);
  expect(seenWhenAcknowledged).toBeUndefined();
  await vi.advanceTimersByTimeAsync(1);
  await acknowledged;
  expect(seenWhenAcknowledged).toBe(1);
});

it('what arrives after a commit waits for the next one', async () => {
  const { writer, reader, onCommit } = fixture();
  writer.group.samples.push(sampleRow({ tsMs: 1 }));
  const first = writer.committed();
  await vi.advanceTimersByTimeAsync(gatherMs);
  await first;
  writer.group.samples.push(sampleRow({ tsMs: 2 }));
  const second = writer.committed();
  expect(count(reader, 'samples')).toBe(1);
  await vi.advanceTimersByTimeAsync(gatherMs);
  await second;
  expect(count(reader, 'samples')).toBe(2);
  expect(onCommit).toHaveBeenCalledTimes(2);
});

it('the checkpoint of what changed is in the same commit as the samples that changed it', async () => {
  const { writer, reader } = fixture((group) => group.sources.set(1, sourceRow({ sourceNo: 1 })));
  writer.group.samples.push(sampleRow({ tsMs: 1 }));
  const done = writer.committed();
  await vi.advanceTimersByTimeAsync(gatherMs);
  await done;
  expect([count(reader, 'sources'), count(reader, 'samples')]).toEqual([1, 1]);
});

it('a locked database refuses what waits and everything new, and then stores the refused group once', async () => {
  const { dataDir, writer, reader, lines } = fixture();
  const release = lockedByAnother(dataDir);
  for (const tsMs of [1, 2]) writer.group.samples.push(sampleRow({ tsMs }));
  const refused = [writer.committed(), writer.committed()].map((wait) =>
    expect(wait).rejects.toMatchObject({
      code: 'store_unavailable',
      retryable: true,
      message: 'cannot store: database is locked',
    }),
  );
  await vi.advanceTimersByTimeAsync(gatherMs);
  await Promise.all(refused);
  expect(() => writer.assertReady()).toThrow(/cannot store/);
  await vi.advanceTimersByTimeAsync(3 * retryMs);
  expect(() => writer.assertReady()).toThrow(/cannot store/);
  expect(count(reader, 'samples')).toBe(0);

  release();
  await vi.advanceTimersByTimeAsync(retryMs);
  expect(() => writer.assertReady()).not.toThrow();
  expect(writer.failure).toBeUndefined();
  expect(count(reader, 'samples')).toBe(2);
  await vi.advanceTimersByTimeAsync(5 * retryMs);
  expect(count(reader, 'samples')).toBe(2);
  // One line for the outage and one for its end, not one for each try.
  expect(lines.map(({ level, msg }) => [level, msg])).toEqual([
    ['error', 'cannot store; nothing is acknowledged until it works again'],
    ['info', 'the store works again'],
  ]);
});

it('a checkpoint that was gathered for a commit that failed goes into the one that succeeds', async () => {
  let dirty = true;
  const { dataDir, writer, reader } = fixture((group) => {
    if (dirty) group.sources.set(1, sourceRow({ sourceNo: 1 }));
    dirty = false;
  });
  const release = lockedByAnother(dataDir);
  writer.group.samples.push(sampleRow({ tsMs: 1 }));
  const refused = expect(writer.committed()).rejects.toThrow(/locked/);
  await vi.advanceTimersByTimeAsync(gatherMs);
  await refused;
  release();
  await vi.advanceTimersByTimeAsync(retryMs);
  expect([count(reader, 'sources'), count(reader, 'samples')]).toEqual([1, 1]);
});

it('a group that fails halfway leaves nothing behind: all of it is stored later, or none', async () => {
  const { writer, db, reader } = fixture();
  db.exec(`CREATE TEMP TRIGGER full BEFORE INSERT ON main.windows
           BEGIN SELECT RAISE(ROLLBACK, 'database or disk is full'); END`);
  writer.group.samples.push(sampleRow({ tsMs: 1 }));
  const aggregates = [null, null, null, null, null, null];
  const flags = { final: true, incomplete: false, warmUp: false };
  const span = { source: 1, startMs: 0, endMs: 30_000, samples: 1 };
  writer.group.windows.push({ window: { ...span, aggregates, ...flags }, skewed: false });
  const refused = expect(writer.committed()).rejects.toThrow(/disk is full/);
  await vi.advanceTimersByTimeAsync(gatherMs);
  await refused;
  expect(count(reader, 'samples')).toBe(0);
  db.exec('DROP TRIGGER full');
  await vi.advanceTimersByTimeAsync(retryMs);
  expect([count(reader, 'samples'), count(reader, 'windows')]).toEqual([1, 1]);
  // Retention would never find this minute's rows.
  expect(count(reader, 'arrivals')).toBe(1);
});

it('too much waiting is refused as overload, not kept without bound', async () => {
  const { writer } = fixture();
  for (let i = 0; i < 200_000; i += 1) writer.group.samples.push(sampleRow({ tsMs: i }));
  expect(() => writer.assertReady()).toThrow(
    expect.objectContaining({ code: 'overloaded', retryable: true }),
  );
  writer.schedule();
  await vi.advanceTimersByTimeAsync(gatherMs);
  expect(() => writer.assertReady()).not.toThrow();
});

it('closing commits what waits and answers those who wait', async () => {
  const { writer, reader } = fixture();
  writer.group.samples.push(sampleRow({ tsMs: 1 }));
  const done = writer.committed();
  void writer.close();
  await done;
  expect(count(reader, 'samples')).toBe(1);
});

it('closing while the store fails leaves nobody waiting and no timer that runs on a closed database', async () => {
  const { dataDir, writer, db } = fixture();
  const release = lockedByAnother(dataDir);
  writer.group.samples.push(sampleRow({ tsMs: 1 }));
  const refused = expect(writer.committed()).rejects.toMatchObject({ retryable: true });
  void writer.close();
  await refused;
  db.close();
  release();
  expect(vi.getTimerCount()).toBe(0);
});

it('a waiter with nothing to store is told at the end too', async () => {
  const { writer } = fixture();
  const refused = expect(writer.committed()).rejects.toMatchObject({ code: 'store_unavailable' });
  void writer.close();
  await refused;
});
