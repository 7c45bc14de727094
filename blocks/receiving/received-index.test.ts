import fs, { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { WindrowError } from '../../runtime/errors.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { Commits } from './commits.ts';
import { Sweep } from './sweep.ts';
import { chunksOf, contentOf, madeFile, mib } from './testing/made-file.ts';
import { ackFor, receiverRig, takeAll } from './testing/rig.ts';

const start = { transfer: 0, block_number: -1 };
const two = madeFile({ content: contentOf(mib + 70_000) });

/** As version 1 of it was written. */
const firstSchema = `
  CREATE TABLE transfers (
    key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, sender TEXT NOT NULL,
    file_name TEXT NOT NULL, path TEXT NOT NULL, size_bytes INTEGER NOT NULL,
    block_bytes INTEGER NOT NULL, total_blocks INTEGER NOT NULL, folder TEXT NOT NULL,
    folder_key TEXT NOT NULL UNIQUE, assembled TEXT, assembled_key TEXT UNIQUE,
    is_assembled INTEGER NOT NULL DEFAULT 0, heard_ms INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX transfers_heard ON transfers (heard_ms);
  CREATE TABLE blocks (
    transfer INTEGER NOT NULL REFERENCES transfers (key) ON DELETE CASCADE,
    block_number INTEGER NOT NULL, size_bytes INTEGER NOT NULL, sha256 TEXT NOT NULL,
    PRIMARY KEY (transfer, block_number)
  ) STRICT, WITHOUT ROWID;
  PRAGMA user_version = 1;`;

describe('a file that somebody took away', () => {
  it('makes room in the quota, and is taken again', async () => {
    const { receiver, folder } = receiverRig({ quotaBytes: 2 * mib });
    const sweep = new Sweep(receiver);
    for (const block of [0, 1]) await takeAll(receiver, chunksOf(two, block));
    const used = receiver.index.usedBytes;
    rmSync(join(folder, 'processed_data_node-1', 'log_txt', 'block_0000.bin'));
    await sweep.step();
    expect(receiver.index.usedBytes).toBe(used - mib - 8 * 1024);
    expect(await ackFor(receiver, chunksOf(two, 0))).not.toHaveProperty('duplicate');
    expect(receiver.index.usedBytes).toBe(used);
  });

  it.each(['is there again', 'begins to come again'])(
    'stays listed when it %s while that is noted',
    async (what) => {
      const { receiver, folder } = receiverRig();
      const { index } = receiver;
      await takeAll(receiver, chunksOf(two, 0));
      const path = join(folder, 'processed_data_node-1', 'log_txt', 'block_0000.bin');
      const used = index.usedBytes;
      rmSync(path);
      const [first] = chunksOf(two, 0);
      if (first === undefined) throw new Error('a chunk');
      const gone = index.gone.bind(index);
      const noted = vi.spyOn(index, 'gone').mockImplementation(async (...args) => {
        const noting = gone(...args);
        if (what === 'is there again') writeFileSync(path, 'x');
        else await receiver.take(first);
        return noting;
      });
      await new Sweep(receiver).step();
      expect(noted).toHaveBeenCalledOnce();
      expect([index.after(start, 10), index.usedBytes]).toEqual([
        [{ transfer: 1, block_number: 0 }],
        used,
      ]);
    },
  );

  it('with its whole folder gives the name back, but not while a block of it comes', async () => {
    const { receiver, folder } = receiverRig();
    const sweep = new Sweep(receiver);
    const round = async (): Promise<void> => {
      for (const _ of [1, 2]) await sweep.step();
    };
    await takeAll(receiver, chunksOf(two, 1));
    rmSync(join(folder, 'processed_data_node-1', 'log_txt'), { recursive: true });
    await takeAll(receiver, chunksOf(two, 0).slice(0, 1));
    await round();
    expect(receiver.index.transfer(two.transferId)).toBeDefined();
    expect(await ackFor(receiver, chunksOf(two, 0).slice(1))).toMatchObject({ success: true });
    rmSync(join(folder, 'processed_data_node-1', 'log_txt'), { recursive: true });
    await round();
    expect(receiver.index.transfer(two.transferId)).toBeUndefined();
    const other = madeFile({ sender: 'other', path: 'log.txt' });
    await takeAll(receiver, chunksOf(other, 0));
    expect(readdirSync(join(folder, 'processed_data_node-1'))).toEqual(['log_txt']);
  });
});

it('a damaged list is set aside, and nothing that is there is written over', async () => {
  const { receiver, folder } = receiverRig();
  await takeAll(receiver, chunksOf(two, 1));
  await receiver.close();
  const path = join(folder, '.windrow', 'received.db');
  for (const end of ['-wal', '-shm']) rmSync(`${path}${end}`, { force: true });
  writeFileSync(path, 'no database');
  const again = receiverRig({ folder });
  expect(again.lines).toEqual([
    expect.objectContaining({
      level: 'error',
      msg: expect.stringContaining('set aside') as string,
    }),
  ]);
  expect(await ackFor(again.receiver, chunksOf(two, 1))).toMatchObject({ success: true });
  const suffix = two.transferId.slice(0, 8);
  expect(readdirSync(join(folder, 'processed_data_node-1')).sort()).toEqual([
    'log_txt',
    `log_txt~${suffix}`,
  ]);
});

describe('a transfer that is forgotten', () => {
  it('is not, when a block of it began to come while that was decided', async () => {
    const { receiver, folder } = receiverRig();
    await takeAll(receiver, chunksOf(two, 1));
    rmSync(join(folder, 'processed_data_node-1', 'log_txt'), { recursive: true });
    const { index } = receiver;
    const transfer = index.transfer(two.transferId);
    if (transfer === undefined) throw new Error('a transfer');
    await index.gone(transfer, 1, () => true);
    const forgetting = index.forget(transfer, () => receiver.isOpen(transfer.id));
    const [first, last] = chunksOf(two, 0);
    if (first === undefined || last === undefined) throw new Error('two chunks');
    await Promise.all([forgetting, receiver.take(first)]);
    expect(await receiver.take(last)).toMatchObject({ ack: { success: true } });
    expect(index.blockNumbers(transfer)).toEqual([0]);
  });

  it('leaves nobody its key: what is noted of it never counts for another', async () => {
    const { receiver } = receiverRig();
    const { index } = receiver;
    const claim = async (path: string) => {
      const [chunk] = chunksOf(madeFile({ path }), 0);
      if (chunk === undefined) throw new Error('a chunk');
      return index.claim(chunk.chunk);
    };
    const one = await claim('one');
    await index.forget(one, () => false);
    const other = await claim('other');
    const noting = index.stored(one, 0, { size_bytes: 5, sha256: 'x' });
    await expect(noting).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(index.blockNumbers(other)).toEqual([]);
  });
});

it('a list of the first schema is taken over whole, and its keys are never given again', async () => {
  const folder = temporaryFolder();
  const path = join(folder, '.windrow', 'received.db');
  mkdirSync(join(folder, '.windrow'));
  const rowsOf = (db: DatabaseSync) =>
    ['transfers', 'blocks'].map((table) => db.prepare(`SELECT * FROM ${table}`).all());
  const first = new DatabaseSync(path);
  first.exec(`${firstSchema}
    INSERT INTO transfers VALUES
      (3, 'a', 'desk', 'x', 'd/x', 9, 4, 3, 'x', 'x', 'd/x', 'd/x', 1, 77),
      (7, 'b', 'desk', 'y', 'd/y', 9, 4, 3, 'y', 'y', NULL, NULL, 0, 78);
    INSERT INTO blocks VALUES (3, 0, 4, 'one'), (3, 2, 1, 'two'), (7, 1, 4, 'three');`);
  const before = rowsOf(first);
  first.close();
  const { receiver } = receiverRig({ folder });
  await receiver.close();
  const db = new DatabaseSync(path);
  expect(rowsOf(db)).toEqual(before);
  db.exec('DELETE FROM transfers WHERE key = 7');
  expect(db.prepare('SELECT transfer FROM blocks').all()).toHaveLength(2);
  db.close();
  const again = receiverRig({ folder });
  const [chunk] = chunksOf(two, 0);
  if (chunk === undefined) throw new Error('a chunk');
  expect((await again.receiver.index.claim(chunk.chunk)).key).toBe(8);
});

it('one that a newer version wrote is left alone', async () => {
  const { receiver, folder } = receiverRig();
  await receiver.close();
  const path = join(folder, '.windrow', 'received.db');
  const db = new DatabaseSync(path);
  db.exec('PRAGMA user_version = 99; PRAGMA journal_mode = DELETE');
  db.close();
  const before = readFileSync(path);
  expect(() => receiverRig({ folder })).toThrow(
    expect.objectContaining({
      code: 'store_newer',
      message: `${path} was written by a newer windrow (schema 99, this one knows 2)`,
      hint: 'Install that newer windrow again, or name another output folder.',
    }),
  );
  expect(readFileSync(path).equals(before)).toBe(true);
});

it('a file whose folder cannot be made for its length is refused for good', async () => {
  const { receiver } = receiverRig();
  const real = fs.lstatSync;
  vi.spyOn(fs, 'lstatSync').mockImplementation(((path: string, options: object) => {
    if (!path.endsWith('log_txt')) return real(path, options);
    throw Object.assign(new Error('ENAMETOOLONG'), { code: 'ENAMETOOLONG' });
  }) as typeof fs.lstatSync);
  syncBuiltinESMExports();
  onTestFinished(() => {
    vi.restoreAllMocks();
    syncBuiltinESMExports();
  });
  const refused = takeAll(receiver, chunksOf(two, 0));
  await expect(refused).rejects.toMatchObject({ code: 'input', retryable: false });
});

describe('changes of one moment', () => {
  function open(): DatabaseSync {
    const db = new DatabaseSync(join(temporaryFolder(), 'x.db'));
    db.exec('PRAGMA journal_mode = WAL; CREATE TABLE t (n INTEGER UNIQUE)');
    return db;
  }
  const rows = (db: DatabaseSync): unknown[] => db.prepare('SELECT n FROM t').all();

  it('are one commit, and tell what each came to', async () => {
    const db = open();
    const commits = new Commits(db);
    const add = (n: number) =>
      commits.commit(() => Number(db.prepare('INSERT INTO t VALUES (?)').run(n).lastInsertRowid));
    const added = Promise.all([add(7), add(8)]);
    expect(rows(db)).toHaveLength(0);
    expect(await added).toEqual([1, 2]);
    db.close();
  });

  it('of which one is refused are done without it', async () => {
    const db = open();
    const commits = new Commits(db);
    const add = (n: number) => commits.commit(() => db.prepare('INSERT INTO t VALUES (?)').run(n));
    const refused = new WindrowError('input', 'no folder is left');
    const hostile = commits.commit(() => {
      db.exec('INSERT INTO t VALUES (8)');
      throw refused;
    });
    const outcomes = await Promise.allSettled([add(7), hostile, add(9)]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(outcomes[1]).toMatchObject({ reason: refused });
    expect(rows(db)).toEqual([{ n: 7 }, { n: 9 }]);
    db.close();
  });

  it('of which one fails for what the disk or the code says are done without it', async () => {
    const db = open();
    const commits = new Commits(db);
    const add = (n: number) => commits.commit(() => db.prepare('INSERT INTO t VALUES (?)').run(n));
    const failing = commits.commit(() => {
      db.exec('INSERT INTO t VALUES (8)');
      throw Object.assign(new Error('EACCES'), { code: 'EACCES' });
    });
    const outcomes = await Promise.allSettled([add(7), failing, add(9)]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(outcomes[1]).toMatchObject({ reason: { code: 'store_unavailable', retryable: true } });
    expect(rows(db)).toEqual([{ n: 7 }, { n: 9 }]);
    db.close();
  });

  it('of which one fails change nothing, and all hear of it', async () => {
    const db = open();
    const commits = new Commits(db);
    const add = (n: number) => commits.commit(() => db.prepare('INSERT INTO t VALUES (?)').run(n));
    const outcomes = await Promise.allSettled([add(7), add(7), add(8)]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(outcomes[2]).toMatchObject({ reason: { code: 'store_unavailable', retryable: true } });
    expect(rows(db)).toEqual([]);
    await add(9);
    expect(rows(db)).toHaveLength(1);
    db.close();
  });
});
