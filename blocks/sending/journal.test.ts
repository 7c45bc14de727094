import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, it, onTestFinished } from 'vitest';
import { createManualClock } from '../../runtime/testing/manual-clock.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { type Journal, openJournal } from './journal.ts';
import { planTransfer, type Transfer } from './plan.ts';

const target = 'http://collector';
const MiB = 1024 * 1024;
const dayMs = 24 * 60 * 60 * 1000;

function transferOf(
  path: string,
  { mtimeNs = 1n, blockBytes = MiB, relativePath = 'file', sender = 'pc', blocks = 5 } = {},
): Transfer {
  const version = { sizeBytes: blocks * blockBytes, mtimeNs, inode: 7n };
  return planTransfer({ path, relativePath, version }, { sender, blockBytes });
}

function opened(
  path = join(temporaryFolder(), 'agent', 'transfers.db'),
  clock = createManualClock(),
) {
  const set: string[] = [];
  const journal = openJournal({ path, clock, onDamage: (file) => void set.push(file) });
  onTestFinished(() => journal.close());
  return { journal, path, clock, set };
}

function rowsOf(path: string, table: 'blocks' | 'transfers'): number {
  const db = new DatabaseSync(path, { readOnly: true });
  onTestFinished(() => db.close());
  return Number(db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.['n']);
}

function acknowledge(journal: Journal, transfer: Transfer, blocks: readonly number[]): number {
  const { key } = journal.begin(target, transfer);
  for (const block of blocks) journal.acknowledged(key, block);
  return key;
}

it('what was acknowledged is known to the next process, and nothing else is', () => {
  const { journal, path } = opened();
  const transfer = transferOf('/a');
  const key = acknowledge(journal, transfer, [0, 3]);
  const again = opened(path).journal;
  expect(again.begin(target, transfer)).toEqual({
    key,
    isDone: false,
    acknowledged: { blocks: 2, bytes: 2 * MiB },
  });
  const known = [0, 1, 2, 3, 4].map((block) => again.isAcknowledged(key, block));
  expect(known).toEqual([true, false, false, true, false]);
});

it.each([
  [[0, 1], 2 * MiB],
  [[0, 2], 1.25 * MiB],
  [[0, 1, 2], 2.25 * MiB],
])('of a short last block only its own bytes are acknowledged: blocks %j', (blocks, bytes) => {
  const { journal } = opened();
  const transfer = transferOf('/a', { blocks: 2.25 });
  acknowledge(journal, transfer, blocks);
  expect(journal.begin(target, transfer).acknowledged).toEqual({ blocks: blocks.length, bytes });
});

it('what one collector has is not taken for what another has', () => {
  const { journal } = opened();
  acknowledge(journal, transferOf('/a'), [0, 1]);
  expect(journal.begin('http://other', transferOf('/a')).acknowledged.blocks).toBe(0);
});

it('a transfer that is done is known as done, and its blocks take no room', () => {
  const { journal, path } = opened();
  const key = acknowledge(journal, transferOf('/a'), [0, 1, 2, 3, 4]);
  journal.done(key);
  expect(journal.begin(target, transferOf('/a'))).toMatchObject({ key, isDone: true });
  expect(rowsOf(path, 'blocks')).toBe(0);
});

it('a newer version of a file knows nothing of the older one, which is forgotten when it is done', () => {
  const { journal } = opened();
  acknowledge(journal, transferOf('/a'), [0, 1]);
  const newer = journal.begin(target, transferOf('/a', { mtimeNs: 2n }));
  expect(newer.acknowledged.blocks).toBe(0);
  expect(journal.begin(target, transferOf('/a')).acknowledged.blocks).toBe(2);
  journal.done(newer.key);
  expect(journal.begin(target, transferOf('/a')).acknowledged.blocks).toBe(0);
});

it('an older version that is done last leaves the newer one as it is', () => {
  const { journal } = opened();
  const older = acknowledge(journal, transferOf('/a'), [0]);
  acknowledge(journal, transferOf('/a', { mtimeNs: 2n }), [1]);
  journal.done(older);
  expect(journal.begin(target, transferOf('/a', { mtimeNs: 2n })).acknowledged.blocks).toBe(1);
});

it('a file by another path or of another name of this PC is another one, and both are kept', () => {
  const { journal } = opened();
  const others = [{ relativePath: 'folder/file' }, { sender: 'other' }, {}];
  for (const other of others) {
    const key = acknowledge(journal, transferOf('/a', other), [0, 1, 2, 3, 4]);
    journal.done(key);
  }
  for (const other of others) {
    expect(journal.begin(target, transferOf('/a', other)).isDone).toBe(true);
  }
});

it('what one process notes of a version that another has overtaken counts for nothing', () => {
  const one = opened();
  const other = opened(one.path);
  const older = acknowledge(one.journal, transferOf('/a'), [0]);
  const newer = transferOf('/a', { mtimeNs: 2n });
  other.journal.done(acknowledge(other.journal, newer, [0, 1, 2, 3, 4]));
  one.journal.acknowledged(older, 3);
  one.journal.done(older);
  expect(rowsOf(one.path, 'blocks')).toBe(0);
  expect(rowsOf(one.path, 'transfers')).toBe(1);
  expect(other.journal.begin(target, newer).isDone).toBe(true);
});

it('what one process notes of a transfer that was forgotten counts for no other one', () => {
  const clock = createManualClock();
  const one = opened(undefined, clock);
  const forgotten = acknowledge(one.journal, transferOf('/a'), [0]);
  clock.advance(31 * dayMs);
  const other = opened(one.path, clock);
  const key = acknowledge(other.journal, transferOf('/b'), [4]);
  one.journal.acknowledged(forgotten, 3);
  one.journal.done(forgotten);
  const known = other.journal.begin(target, transferOf('/b'));
  expect(known).toEqual({ key, isDone: false, acknowledged: { blocks: 1, bytes: MiB } });
  expect(other.journal.isAcknowledged(key, 3)).toBe(false);
});

it('a transfer that another process has done is acknowledged to whoever still sends it', () => {
  const one = opened();
  const other = opened(one.path);
  const key = acknowledge(one.journal, transferOf('/a'), [0]);
  other.journal.done(acknowledge(other.journal, transferOf('/a'), [1, 2, 3, 4]));
  expect(one.journal.isAcknowledged(key, 4)).toBe(true);
});

it('an acknowledgment that comes after the file was done leaves nothing behind', () => {
  const { journal, path } = opened();
  const key = acknowledge(journal, transferOf('/a'), [0, 1, 2, 3, 4]);
  journal.done(key);
  journal.acknowledged(key, 4);
  expect(rowsOf(path, 'blocks')).toBe(0);
});

it('a journal of the first schema, which may be wrong, is begun anew: all is sent again', () => {
  const path = join(temporaryFolder(), 'transfers.db');
  const { id } = transferOf('/a');
  const usedMs = createManualClock().wallMs();
  const db = new DatabaseSync(path);
  db.exec(`
    CREATE TABLE transfers (
      key INTEGER PRIMARY KEY, target TEXT NOT NULL, id TEXT NOT NULL, path TEXT NOT NULL,
      size_bytes INTEGER NOT NULL, mtime_ns TEXT NOT NULL, inode TEXT NOT NULL,
      block_bytes INTEGER NOT NULL, total_blocks INTEGER NOT NULL, used_ms INTEGER NOT NULL,
      is_done INTEGER NOT NULL DEFAULT 0, UNIQUE (target, id)) STRICT;
    CREATE TABLE blocks (
      transfer INTEGER NOT NULL REFERENCES transfers (key) ON DELETE CASCADE,
      block_number INTEGER NOT NULL, sha256 TEXT NOT NULL, is_acknowledged INTEGER NOT NULL,
      PRIMARY KEY (transfer, block_number)) STRICT, WITHOUT ROWID;
    INSERT INTO transfers VALUES (1, '${target}', '${id}', '/a', 1, '1', '7', 1, 5, ${usedMs}, 1);
    INSERT INTO blocks VALUES (1, 0, '${'ab'.repeat(32)}', 1);
    PRAGMA user_version = 1`);
  db.close();
  const { journal, set } = opened(path);
  expect(journal.begin(target, transferOf('/a'))).toMatchObject({
    isDone: false,
    acknowledged: { blocks: 0, bytes: 0 },
  });
  expect(set).toEqual([]);
  acknowledge(journal, transferOf('/a'), [0]);
  expect(opened(path).journal.begin(target, transferOf('/a')).acknowledged.blocks).toBe(1);
});

it('the same file in blocks of another size is another transfer, and both are kept', () => {
  const { journal } = opened();
  acknowledge(journal, transferOf('/a'), [0, 1]);
  acknowledge(journal, transferOf('/a', { blockBytes: 2 * MiB }), [0]);
  expect(journal.begin(target, transferOf('/a')).acknowledged.blocks).toBe(2);
});

it('what was not used for 30 days is forgotten, and only that', () => {
  const clock = createManualClock();
  const { journal, path } = opened(undefined, clock);
  acknowledge(journal, transferOf('/old'), [0]);
  clock.advance(29 * dayMs);
  acknowledge(journal, transferOf('/young'), [0]);
  clock.advance(2 * dayMs);
  const again = opened(path, clock).journal;
  expect(again.begin(target, transferOf('/old')).acknowledged.blocks).toBe(0);
  expect(again.begin(target, transferOf('/young')).acknowledged.blocks).toBe(1);
});

it('two processes that send at the same time share the journal', () => {
  const one = opened();
  const other = opened(one.path);
  const key = acknowledge(one.journal, transferOf('/a'), [0]);
  acknowledge(other.journal, transferOf('/b'), [1]);
  expect(other.journal.begin(target, transferOf('/a'))).toMatchObject({
    key,
    acknowledged: { blocks: 1, bytes: MiB },
  });
});

it('a journal that is no database is set aside: the blocks are sent again', () => {
  const path = join(temporaryFolder(), 'transfers.db');
  writeFileSync(path, 'no database at all, and long enough to be looked at as one'.repeat(40));
  const { journal, set } = opened(path);
  expect(set).toHaveLength(1);
  expect(journal.begin(target, transferOf('/a')).acknowledged.blocks).toBe(0);
  expect(readdirSync(join(path, '..')).length).toBeGreaterThan(1);
});

it('a journal of a newer windrow is left alone', () => {
  const path = join(temporaryFolder(), 'transfers.db');
  const db = new DatabaseSync(path);
  db.exec('PRAGMA user_version = 99');
  db.close();
  const before = readFileSync(path);
  expect(() => opened(path)).toThrow(
    expect.objectContaining({
      code: 'store_newer',
      message: `${path} was written by a newer windrow (schema 99, this one knows 2)`,
      hint: 'Install that newer windrow again, or name another folder with --data.',
    }),
  );
  expect(readFileSync(path).equals(before)).toBe(true);
});

it('a folder that cannot be made is told with the flag that mends it', () => {
  const file = join(temporaryFolder(), 'file');
  writeFileSync(file, '');
  expect(() => opened(join(file, 'transfers.db'))).toThrow(
    expect.objectContaining({ code: 'store_unavailable', hint: expect.stringContaining('--data') }),
  );
});

it('a journal that can no longer be written to is told with the flag that mends it', () => {
  const { journal, path } = opened();
  const { key } = journal.begin(target, transferOf('/a'));
  const db = new DatabaseSync(path);
  onTestFinished(() => db.close());
  // As a full disk: what was opened well takes nothing any more.
  db.exec('DROP TABLE blocks; DROP TABLE transfers');
  const calls = [
    () => journal.begin(target, transferOf('/b')),
    () => journal.acknowledged(key, 0),
    () => journal.done(key),
  ];
  for (const call of calls) {
    expect(call).toThrow(
      expect.objectContaining({
        code: 'store_unavailable',
        message: expect.stringContaining(`cannot use ${path}: `),
        hint: expect.stringContaining('--data'),
      }),
    );
  }
});
