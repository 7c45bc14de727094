import fs, {
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { expect, it, onTestFinished, vi } from 'vitest';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { collectorFolder, databasePath, openForWriting } from './database.ts';
import { Wal, writeLogAnew } from './wal.ts';

function fixture() {
  const dataDir = temporaryFolder();
  const db = openForWriting(dataDir);
  const wal = new Wal(db);
  onTestFinished(() => db.close());
  return { db, wal, path: databasePath(dataDir) };
}

const level = (db: DatabaseSync): unknown =>
  db.prepare('PRAGMA synchronous').get()?.['synchronous'];
const [normal, full] = [1, 2];

it('only what is told to waits for the next sync: other commits are on the disk at once', async () => {
  const { db, wal } = fixture();
  let during: unknown;
  wal.unsynced(() => {
    during = level(db);
  });
  expect([during, level(db)]).toEqual([normal, full]);
  const fail = (): void => {
    throw new Error('database or disk is full');
  };
  expect(() => wal.unsynced(fail)).toThrow(/full/);
  expect(level(db)).toBe(full);
  await wal.sync();
  const running = wal.sync();
  await wal.close();
  await running;
});

it('a log that is written anew is what it was, also where it is longer than a piece', () => {
  const { db, path } = fixture();
  const body = 'x'.repeat(1_000);
  db.exec('BEGIN');
  const insert = db.prepare('INSERT INTO details VALUES (1, ?, ?)');
  for (let tsMs = 0; tsMs < 3_000; tsMs += 1) insert.run(tsMs, body);
  db.exec('COMMIT');
  const before = readFileSync(`${path}-wal`);
  expect(before.length).toBeGreaterThan(3 * 1024 * 1024);
  writeLogAnew(path);
  expect(readFileSync(`${path}-wal`).equals(before)).toBe(true);
});

it.skipIf(process.platform === 'win32')(
  'where the database is a link to another folder, it is the log there that is written anew',
  () => {
    const elsewhere = join(temporaryFolder(), 'store.db');
    const first = temporaryFolder();
    openForWriting(first).close();
    renameSync(databasePath(first), elsewhere);
    const dataDir = temporaryFolder();
    mkdirSync(collectorFolder(dataDir), { recursive: true });
    symlinkSync(elsewhere, databasePath(dataDir));
    const db = openForWriting(dataDir);
    onTestFinished(() => db.close());
    db.exec("INSERT INTO inventories VALUES (1, '{}')");
    expect(statSync(`${elsewhere}-wal`).size).toBeGreaterThan(0);
    const opened = vi.spyOn(fs, 'openSync');
    syncBuiltinESMExports();
    onTestFinished(() => {
      opened.mockRestore();
      syncBuiltinESMExports();
    });
    writeLogAnew(databasePath(dataDir));
    expect(opened.mock.calls.map(([path]) => path)).toEqual([`${elsewhere}-wal`]);
  },
);

it('no log, or an empty one, is nothing to write', () => {
  const { path } = fixture();
  const other = `${path}-other`;
  writeLogAnew(other);
  writeFileSync(other, '');
  writeLogAnew(other);
  expect(() => statSync(`${other}-wal`)).toThrow(/ENOENT/);
  writeFileSync(`${other}-wal`, '');
  writeLogAnew(other);
  expect(statSync(`${other}-wal`).size).toBe(0);
  rmSync(`${other}-wal`);
  rmSync(other);
});
