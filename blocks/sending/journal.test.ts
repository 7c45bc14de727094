import { writeFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, it, onTestFinished } from 'vitest';
import { createManualClock } from '../../runtime/testing/manual-clock.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { type Journal, openJournal } from './journal.ts';
import { planTransfer, type Transfer } from './plan.ts';

const target = 'http://collector';
const sha256 = 'ab'.repeat(32);
const dayMs = 24 * 60 * 60 * 1000;

function transferOf(path: string, { mtimeNs = 1n, blockBytes = 1024 * 1024 } = {}): Transfer {
  const version = { sizeBytes: 5 * blockBytes, mtimeNs, inode: 7n };
  return planTransfer({ path, relativePath: 'file', version }, { sender: 'pc', blockBytes });
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

function acknowledge(journal: Journal, transfer: Transfer, blocks: readonly number[]): number {
  const { key } = journal.begin(target, transfer);
  for (const block of blocks) journal.acknowledged(key, block, sha256);
  return key;
}

it('what was acknowledged is known to the next process; what was only sent is not taken for it', () => {
  const { journal, path } = opened();
  const transfer = transferOf('/a');
  const key = acknowledge(journal, transfer, [0, 3]);
  journal.sent(key, 1, sha256);
  journal.sent(key, 3, sha256);
  const again = opened(path).journal;
  expect(again.begin(target, transfer)).toEqual({ key, isDone: false, acknowledgedBlocks: 2 });
  const known = [0, 1, 2, 3, 4].map((block) => again.isAcknowledged(key, block));
  expect(known).toEqual([true, false, false, true, false]);
});

it('what one collector has is not taken for what another has', () => {
  const { journal } = opened();
  acknowledge(journal, transferOf('/a'), [0, 1]);
  expect(journal.begin('http://other', transferOf('/a')).acknowledgedBlocks).toBe(0);
});

it('a transfer that is done is known as done, and its blocks take no room', () => {
  const { journal, path } = opened();
  const key = acknowledge(journal, transferOf('/a'), [0, 1, 2, 3, 4]);
  journal.done(key);
  expect(journal.begin(target, transferOf('/a'))).toMatchObject({ key, isDone: true });
  const db = new DatabaseSync(path, { readOnly: true });
  onTestFinished(() => db.close());
  expect(db.prepare('SELECT count(*) AS n FROM blocks').get()).toEqual({ n: 0 });
});

it('a newer version of a file knows nothing of the older one, which is forgotten', () => {
  const { journal } = opened();
  acknowledge(journal, transferOf('/a'), [0, 1]);
  expect(journal.begin(target, transferOf('/a', { mtimeNs: 2n })).acknowledgedBlocks).toBe(0);
  expect(journal.begin(target, transferOf('/a')).acknowledgedBlocks).toBe(0);
});

it('the same file in blocks of another size is another transfer, and both are kept', () => {
  const { journal } = opened();
  acknowledge(journal, transferOf('/a'), [0, 1]);
  acknowledge(journal, transferOf('/a', { blockBytes: 2 * 1024 * 1024 }), [0]);
  expect(journal.begin(target, transferOf('/a')).acknowledgedBlocks).toBe(2);
});

it('what was not used for 30 days is forgotten, and only that', () => {
  const clock = createManualClock();
  const { journal, path } = opened(undefined, clock);
  acknowledge(journal, transferOf('/old'), [0]);
  clock.advance(29 * dayMs);
  acknowledge(journal, transferOf('/young'), [0]);
  clock.advance(2 * dayMs);
  const again = opened(path, clock).journal;
  expect(again.begin(target, transferOf('/old')).acknowledgedBlocks).toBe(0);
  expect(again.begin(target, transferOf('/young')).acknowledgedBlocks).toBe(1);
});

it('two processes that send at the same time share the journal', () => {
  const one = opened();
  const other = opened(one.path);
  const key = acknowledge(one.journal, transferOf('/a'), [0]);
  acknowledge(other.journal, transferOf('/b'), [1]);
  expect(other.journal.begin(target, transferOf('/a'))).toMatchObject({
    key,
    acknowledgedBlocks: 1,
  });
});

it('a journal that is no database is set aside: the blocks are sent again', () => {
  const path = join(temporaryFolder(), 'transfers.db');
  writeFileSync(path, 'no database at all, and long enough to be looked at as one'.repeat(40));
  const { journal, set } = opened(path);
  expect(set).toHaveLength(1);
  expect(journal.begin(target, transferOf('/a')).acknowledgedBlocks).toBe(0);
  expect(readdirSync(join(path, '..')).length).toBeGreaterThan(1);
});

it('a journal of a newer windrow is left alone', () => {
  const path = join(temporaryFolder(), 'transfers.db');
  const db = new DatabaseSync(path);
  db.exec('PRAGMA user_version = 99');
  db.close();
  expect(() => opened(path)).toThrow(expect.objectContaining({ code: 'store_newer' }));
});

it('a folder that cannot be made is told with the flag that mends it', () => {
  const file = join(temporaryFolder(), 'file');
  writeFileSync(file, '');
  expect(() => opened(join(file, 'transfers.db'))).toThrow(
    expect.objectContaining({ code: 'store_unavailable', hint: expect.stringContaining('--data') }),
  );
});
