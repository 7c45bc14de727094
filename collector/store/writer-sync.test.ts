/** What the writer tells while the disk is at work, and what when the disk fails. */
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { createKeptLog } from '../../runtime/testing/kept-log.ts';
import { createManualClock } from '../../runtime/testing/manual-clock.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { openForReading, openForWriting } from './database.ts';
import { heldDisk } from './testing/held-disk.ts';
import { count, sampleRow } from './testing/rows.ts';
import { StoreWriter } from './writer.ts';

const gatherMs = 20;
const broken = new Error('EIO: i/o error, fdatasync');

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

function fixture() {
  const dataDir = temporaryFolder();
  const db = openForWriting(dataDir);
  const reader = openForReading(dataDir);
  const { disk, syncs } = heldDisk();
  const told: string[] = [];
  const writer = new StoreWriter({
    db,
    wal: disk,
    clock: createManualClock(),
    log: createKeptLog().log,
    beforeCommit: () => {},
    inCommit: () => {},
    onCommit: () => void told.push('committed'),
    onSynced: (_tookMs, notices) => void told.push(`synced ${notices}`),
    onLost: ({ message }) => void told.push(message),
  });
  onTestFinished(() => {
    reader.close();
    db.close();
  });
  const acknowledged = (tsMs: number): Promise<void> => {
    writer.group.samples.push(sampleRow({ tsMs }));
    return writer.committed().then(
      () => void told.push(`acknowledged ${tsMs}`),
      () => void told.push(`refused ${tsMs}`),
    );
  };
  return { writer, disk, reader, syncs, told, acknowledged };
}

it('a commit is acknowledged, and its notices told, when it is on the disk and not before', async () => {
  const { writer, reader, syncs, told, acknowledged } = fixture();
  const done = acknowledged(1);
  await vi.advanceTimersByTimeAsync(gatherMs);
  expect(count(reader, 'samples')).toBe(1);
  expect(told).toEqual(['committed']);
  expect(writer.group.rows).toBe(0);
  // Offsets of a log must not be committed yet.
  expect(writer.isStored).toBe(false);
  const synced = writer.synced()?.then(() => told.push('may be published'));
  syncs[0]?.resolve();
  await Promise.all([done, synced]);
  expect(told).toEqual(['committed', 'synced 0', 'acknowledged 1', 'may be published']);
  expect([writer.isStored, writer.synced()]).toEqual([true, undefined]);
});

it('while the disk is at work the next group gathers, and is committed when that has ended', async () => {
  const { reader, syncs, told, acknowledged } = fixture();
  const first = acknowledged(1);
  await vi.advanceTimersByTimeAsync(gatherMs);
  const others = [acknowledged(2), acknowledged(3)];
  await vi.advanceTimersByTimeAsync(10 * gatherMs);
  expect([syncs.length, count(reader, 'samples')]).toEqual([1, 1]);
  syncs[0]?.resolve();
  await first;
  expect([syncs.length, count(reader, 'samples')]).toEqual([2, 3]);
  expect(told).not.toContain('acknowledged 2');
  syncs[1]?.resolve();
  await Promise.all(others);
  expect(told.filter((word) => word === 'committed')).toHaveLength(2);
});

it('who waits for room alone goes on at the commit', async () => {
  const { writer, syncs } = fixture();
  writer.group.samples.push(sampleRow({ tsMs: 1 }));
  const room = writer.room();
  await vi.advanceTimersByTimeAsync(0);
  await room;
  expect([syncs.length, writer.isStored]).toEqual([1, false]);
  syncs[0]?.resolve();
});

it('after a sync that failed nothing is acknowledged or committed any more, and it is told once', async () => {
  const { writer, reader, syncs, told, acknowledged } = fixture();
  const first = acknowledged(1);
  await vi.advanceTimersByTimeAsync(gatherMs);
  const second = acknowledged(2);
  await vi.advanceTimersByTimeAsync(gatherMs);
  syncs[0]?.reject(broken);
  await Promise.all([first, second]);
  expect(told).toEqual([
    'committed',
    `the disk does not confirm what was stored: ${broken.message}`,
    'refused 1',
    'refused 2',
  ]);
  expect(() => writer.assertReady()).toThrow(/does not confirm/);
  const late = acknowledged(3);
  await vi.advanceTimersByTimeAsync(60_000);
  // A sync that comes later says that all is well.
  await writer.close();
  await late;
  expect(told.slice(4)).toEqual(['refused 3']);
  expect([syncs.length, count(reader, 'samples')]).toEqual([1, 1]);
});

it('closing waits for the sync under way, and then puts on the disk what waits', async () => {
  const { writer, disk, reader, syncs, told, acknowledged } = fixture();
  const all = [acknowledged(1)];
  await vi.advanceTimersByTimeAsync(gatherMs);
  all.push(acknowledged(2));
  const closing = vi.spyOn(disk, 'close');
  const closed = writer.close();
  await vi.advanceTimersByTimeAsync(0);
  // A second sync beside it may be told that all is well where the first is not.
  expect([syncs.length, told, count(reader, 'samples')]).toEqual([1, ['committed'], 1]);
  syncs[0]?.resolve();
  await vi.advanceTimersByTimeAsync(0);
  expect([syncs.length, count(reader, 'samples')]).toEqual([2, 2]);
  expect(told).toEqual(['committed', 'synced 0', 'acknowledged 1', 'committed']);
  expect(closing).not.toHaveBeenCalled();
  syncs[1]?.resolve();
  await Promise.all([...all, closed]);
  expect(told.slice(4)).toEqual(['synced 0', 'acknowledged 2']);
  expect([syncs.length, vi.getTimerCount()]).toEqual([2, 0]);
});

it.each([
  ['is gathering', 0],
  ['is due', gatherMs],
])(
  'closing while a sync fails acknowledges nothing, and commits nothing of what %s behind it',
  async (_, waitedMs) => {
    const { writer, reader, syncs, told, acknowledged } = fixture();
    const all = [acknowledged(1)];
    await vi.advanceTimersByTimeAsync(gatherMs);
    all.push(acknowledged(2));
    await vi.advanceTimersByTimeAsync(waitedMs);
    const closed = writer.close();
    await vi.advanceTimersByTimeAsync(0);
    expect([syncs.length, told]).toEqual([1, ['committed']]);
    syncs[0]?.reject(broken);
    await Promise.all([...all, closed]);
    expect(told.slice(1)).toEqual([
      `the disk does not confirm what was stored: ${broken.message}`,
      'refused 1',
      'refused 2',
    ]);
    expect([syncs.length, count(reader, 'samples'), vi.getTimerCount()]).toEqual([1, 1, 0]);
  },
);

it('what closing itself commits is not acknowledged when its sync fails', async () => {
  const { writer, syncs, told, acknowledged } = fixture();
  const waiting = acknowledged(1);
  const closed = writer.close();
  await vi.advanceTimersByTimeAsync(0);
  syncs[0]?.reject(broken);
  await Promise.all([waiting, closed]);
  expect(told).toEqual([
    'committed',
    `the disk does not confirm what was stored: ${broken.message}`,
    'refused 1',
  ]);
});
