import {
  copyFileSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createKeptLog } from '../testing/kept-log.ts';
import { createManualClock } from '../testing/manual-clock.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { NoRoomError, openQueueFile, type QueueFile } from './file.ts';

const MiB = 1024 * 1024;
const bytesMax = 16 * MiB;
const options = { keep: [], mayDropWhenLow: true };

function fixture(cap = bytesMax) {
  const path = join(temporaryFolder(), 'queue.db');
  const clock = createManualClock();
  const { log, lines } = createKeptLog();
  const open = (): QueueFile => {
    const file = openQueueFile({ path, bytesMax: cap, clock, log });
    onTestFinished(() => file.close().catch(() => {}));
    return file;
  };
  return { path, clock, lines, open };
}

function items(count: number, { from = 0, chars = 3_000 } = {}) {
  return Array.from({ length: count }, (_, i) => ({
    lane: 'boot',
    no: from + i,
    atMs: 1_000 * (from + i),
    body: `${from + i}`.padEnd(chars, 'x'),
  }));
}

function bytesOnDisk(path: string): number {
  const folder = dirname(path);
  return readdirSync(folder)
    .filter((name) => !name.endsWith('-shm'))
    .reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}

it('counts of lanes in which nothing waits are one count from the next opening on, however many there were', async () => {
  const { path, open } = fixture();
  for (let run = 0; run < 20; run += 1) {
    const file = open();
    file.noteDropped(`boot ${run}`, { items: 3, numbered: 2 });
    await file.close();
  }
  const file = open();
  expect(file.dropped()).toEqual({ items: 60, numbered: 40 });
  expect(file.dropped('')).toEqual({ items: 60, numbered: 40 });
  file.add(items(1), options);
  file.noteDropped('boot', { items: 1, numbered: 1 });
  await file.close();
  expect(open().dropped('boot')).toEqual({ items: 1, numbered: 1 });
  const db = new DatabaseSync(path, { readOnly: true });
  const lanes = db.prepare('SELECT lane FROM queue_dropped ORDER BY lane').all();
  db.close();
  expect(lanes).toEqual([{ lane: '' }, { lane: 'boot' }]);
});

it('a file that is full drops its oldest, counts them, and never grows beyond its cap', () => {
  const { path, open } = fixture();
  const file = open();
  let dropped = 0;
  for (let from = 0; from < 12_000; from += 60) {
    dropped += file.add(items(60, { from }), options).dropped;
    expect(bytesOnDisk(path)).toBeLessThanOrEqual(bytesMax);
  }
  expect(dropped).toBeGreaterThan(9_000);
  expect(file.dropped('boot')).toEqual({ items: dropped, numbered: dropped });
  expect(file.size).toBe(12_000 - dropped);
  expect(file.oldest(1)).toMatchObject([{ no: dropped }]);
});

it('drops nothing that is on its way, and says so when nothing else is left', () => {
  const file = fixture().open();
  const [first] = file.add(items(1), options).ids;
  const all = new Set<number>();
  const fill = (): void => {
    for (let from = 1; from < 6_000; from += 60) {
      for (const id of file.add(items(60, { from }), { ...options, keep: all }).ids) all.add(id);
    }
  };
  all.add(first ?? 0);
  expect(fill).toThrow(NoRoomError);
  expect(file.oldest(1)).toMatchObject([{ id: first }]);
  expect(file.size).toBe(all.size);
});

it('what a drain leaves free is given back, with the file in use', () => {
  const { path, open } = fixture(64 * MiB);
  const file = open();
  for (let from = 0; from < 3_000; from += 60) file.add(items(60, { from }), options);
  expect(bytesOnDisk(path)).toBeGreaterThan(8 * MiB);
  for (;;) {
    const given = file.oldest(120);
    if (given.length === 0) break;
    file.delivered(given.map(({ id }) => id));
  }
  file.add(items(2, { from: 3_000 }), options);
  expect(bytesOnDisk(path)).toBeLessThan(1.5 * MiB);
  expect(file.oldest(9).map(({ no }) => no)).toEqual([3_000, 3_001]);
});

it('what was delivered is not given again, and is gone with the next opening', async () => {
  const { open } = fixture();
  const file = open();
  const { ids } = file.add(items(3), options);
  file.delivered(ids.slice(0, 2));
  expect(file.size).toBe(1);
  expect(file.oldestNumber('boot')).toBe(2);
  expect(file.earliestMs([])).toBe(2_000);
  expect(file.earliestMs(ids)).toBeUndefined();
  expect(file.oldest(9)).toMatchObject([{ no: 2 }]);
  await file.close();
  expect(open().oldest(9)).toMatchObject([{ no: 2 }]);
});

it('a log that a reader keeps from being cut does not grow beyond its bound', () => {
  const { path, open } = fixture();
  const file = open();
  file.add(items(1), options);
  const reader = new DatabaseSync(path, { readOnly: true });
  reader.exec('BEGIN; SELECT count(*) FROM queue_items');
  const fill = (): void => {
    for (let from = 1; from < 6_000; from += 60) file.add(items(60, { from }), options);
  };
  expect(fill).toThrow(NoRoomError);
  expect(statSync(`${path}-wal`).size).toBeLessThan(12 * MiB);
  reader.close();
  file.add(items(1, { from: 9_000 }), options);
  expect(statSync(`${path}-wal`).size).toBeLessThan(1 * MiB);
});

/** A file as a program that stopped well leaves it: no log. */
async function stopped(open: () => QueueFile): Promise<void> {
  const file = open();
  for (let from = 0; from < 600; from += 60) file.add(items(60, { from }), options);
  await file.close();
}

/** A file as a killed process leaves it: what it last wrote is in the log alone. */
async function leftBehind(path: string, open: () => QueueFile): Promise<void> {
  await stopped(open);
  const second = open();
  second.add(items(60, { from: 600 }), options);
  // Copied while it is open: whoever closes it well moves the log into the file.
  const copies = ['', '-wal'].map((suffix) => [suffix, readFileSync(path + suffix)] as const);
  await second.close();
  for (const [suffix, bytes] of copies) writeFileSync(path + suffix, bytes);
}

function flip(path: string, offsets: readonly number[]): void {
  const bytes = readFileSync(path);
  for (const offset of offsets) bytes[offset] = (bytes[offset] ?? 0) ^ 0x55;
  writeFileSync(path, bytes);
}

function zero(path: string, from: number, to: number): void {
  const bytes = readFileSync(path);
  bytes.fill(0, from, to);
  writeFileSync(path, bytes);
}

const size = (path: string): number => statSync(path).size;
const DAMAGES: readonly (readonly [string, (path: string) => void])[] = [
  ['cut to nothing', (path) => truncateSync(path, 0)],
  ['cut within its header', (path) => truncateSync(path, 50)],
  ['cut after its first page', (path) => truncateSync(path, 1_024)],
  ['cut in the middle of a page', (path) => truncateSync(path, Math.floor(size(path) / 2) + 100)],
  ['cut by a page', (path) => truncateSync(path, size(path) - 1_024)],
  ['zeroed', (path) => zero(path, 0, size(path))],
  ['zeroed in its first page', (path) => zero(path, 0, 1_024)],
  ['zeroed in its middle', (path) => zero(path, size(path) >> 1, (size(path) >> 1) + 8_192)],
  ['overwritten with text', (path) => writeFileSync(path, 'no database\n'.repeat(10_000))],
  ['flipped in its magic', (path) => flip(path, [3])],
  ['flipped in its version', (path) => flip(path, [63])],
  ['flipped in its schema', (path) => flip(path, [900, 950, 1_000])],
  ['flipped in its tables', (path) => flip(path, range(1_024, size(path), 97))],
];

function range(from: number, to: number, step: number): number[] {
  return Array.from({ length: Math.ceil((to - from) / step) }, (_, i) => from + i * step);
}

describe('a damaged file', () => {
  it.each(DAMAGES)(
    '%s is set aside with a message that names it, and a new one works',
    async (_, damage) => {
      const { path, lines, open } = fixture();
      await stopped(open);
      damage(path);
      const file = open();
      const aside = readdirSync(dirname(path)).filter((name) => /\.corrupt-\d+T\d+Z$/.test(name));
      expect(aside.length).toBe(1);
      expect(lines).toMatchObject([
        {
          level: 'error',
          file: join(dirname(path), aside[0] ?? ''),
          msg: 'a damaged file was set aside',
        },
      ]);
      file.add(items(1, { from: 5_000 }), options);
      expect(file.oldest(9)).toMatchObject([{ no: 5_000 }]);
    },
  );

  it.each(DAMAGES)('%s beside its log either loses nothing or is set aside', async (_, damage) => {
    const { path, lines, open } = fixture();
    await leftBehind(path, open);
    damage(path);
    const file = open();
    // The log may hold a newer copy of the pages that were hit.
    expect([file.size, lines.length]).toEqual(lines.length === 0 ? [660, 0] : [0, 1]);
    file.add(items(1, { from: 5_000 }), options);
  });

  it.each([
    ['garbage', Buffer.from('no log\n'.repeat(1_000))],
    ['a few bytes', Buffer.from('no')],
  ])('a log of %s is set aside alone: what is in the file itself is kept', async (_, bytes) => {
    const { path, lines, open } = fixture();
    await leftBehind(path, open);
    writeFileSync(`${path}-wal`, bytes);
    const file = open();
    expect(file.size).toBe(600);
    expect(lines).toMatchObject([
      { level: 'error', msg: expect.stringContaining('log was set aside') },
    ]);
    expect(readFileSync(String(lines[0]?.['file']))).toEqual(bytes);
  });

  it('a log with a flipped bit ends where it was flipped, and that is told; nothing before it is lost', async () => {
    const { path, lines, open } = fixture();
    await leftBehind(path, open);
    flip(`${path}-wal`, [size(`${path}-wal`) - 500]);
    const flipped = readFileSync(`${path}-wal`);
    expect(open().size).toBe(600);
    expect(lines).toMatchObject([
      { level: 'error', msg: expect.stringContaining('log was set aside') },
    ]);
    expect(readFileSync(String(lines[0]?.['file']))).toEqual(flipped);
  });

  it.each([
    ['in its salts', 17],
    ['in its checksum', 25],
    ['in its page size', 10],
  ])('a log whose header was flipped %s is told too', async (_, offset) => {
    const { path, lines, open } = fixture();
    await leftBehind(path, open);
    flip(`${path}-wal`, [offset]);
    expect(open().size).toBe(600);
    expect(lines).toMatchObject([
      { level: 'error', msg: expect.stringContaining('log was set aside') },
    ]);
  });

  it('a log with zeros in its middle is told by what stands behind them', async () => {
    const { path, lines, open } = fixture();
    await leftBehind(path, open);
    zero(`${path}-wal`, 20_000, 24_096);
    expect(open().size).toBe(600);
    expect(lines).toHaveLength(1);
  });

  it('what an earlier round of the log left behind its end is no damage', () => {
    const { path, open } = fixture(64 * MiB);
    const file = open();
    for (let from = 0; from < 1_800; from += 60) {
      file.add(items(60, { from }), options);
      const copy = fixture(64 * MiB);
      for (const suffix of ['', '-wal']) copyFileSync(path + suffix, copy.path + suffix);
      expect(copy.open().size).toBe(from + 60);
      expect(copy.lines).toEqual([]);
    }
  });

  it('no more than two are kept', async () => {
    const { path, clock, open } = fixture();
    for (let no = 0; no < 4; no += 1) {
      const file = open();
      await file.close();
      writeFileSync(path, 'no database'.repeat(100));
      clock.advance(1_000);
    }
    await open().close();
    const names = readdirSync(dirname(path)).filter((name) => name.includes('corrupt'));
    expect(names).toEqual([
      'queue.db.corrupt-20260115T120003000Z',
      'queue.db.corrupt-20260115T120004000Z',
    ]);
  });

  it('a sound file is never taken for a damaged one', async () => {
    const { path, lines, open } = fixture();
    await leftBehind(path, open);
    expect(open().size).toBe(660);
    expect(lines).toEqual([]);
  });
});
