import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { collectorFolder, databasePath, openForReading, openForWriting } from './database.ts';
import { MIGRATIONS } from './schema.ts';
import { count } from './testing/rows.ts';

function opened(dataDir: string): DatabaseSync {
  const db = openForWriting(dataDir);
  onTestFinished(() => {
    if (db.isOpen) db.close();
  });
  return db;
}

function pragma(db: DatabaseSync, name: string): unknown {
  return Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0];
}

function tablesOf(db: DatabaseSync): string[] {
  const rows = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY 1").all();
  return rows.map((row) => String(row['name']));
}

const TABLES = [
  'alert_states',
  'alert_transitions',
  'arrivals',
  'boots',
  'deliveries',
  'details',
  'fleet_pending',
  'fleet_windows',
  'inventories',
  'log_positions',
  'outgoing',
  'own_alerts',
  'quarantine',
  'queue_dropped',
  'queue_items',
  'result_positions',
  'results',
  'samples',
  'samples_ahead',
  'shared_alert_positions',
  'shared_alerts',
  'sources',
  // SQLite's own, for AUTOINCREMENT.
  'sqlite_sequence',
  'told',
  'windows',
];

it('a new folder gets the whole schema, in a database that survives a power cut and can shrink', () => {
  const dataDir = join(temporaryFolder(), 'not', 'there', 'yet');
  const db = opened(dataDir);
  expect(tablesOf(db)).toEqual(TABLES);
  expect(pragma(db, 'user_version')).toBe(MIGRATIONS.length);
  expect(pragma(db, 'journal_mode')).toBe('wal');
  expect(pragma(db, 'synchronous')).toBe(2);
  expect(pragma(db, 'auto_vacuum')).toBe(2);
});

it('nobody else on the machine can read the state', () => {
  const dataDir = temporaryFolder();
  opened(dataDir);
  expect(statSync(collectorFolder(dataDir)).mode & 0o077).toBe(0);
});

it('opening again keeps what is stored and applies no migration twice', () => {
  const dataDir = temporaryFolder();
  const first = opened(dataDir);
  first.exec("INSERT INTO inventories VALUES (1, '{}')");
  first.close();
  const second = opened(dataDir);
  expect(count(second, 'inventories')).toBe(1);
  expect(pragma(second, 'user_version')).toBe(MIGRATIONS.length);
});

it('a database without schema, left by a kill during the first start, is migrated from version 0', () => {
  const dataDir = temporaryFolder();
  mkdirSync(collectorFolder(dataDir), { recursive: true });
  new DatabaseSync(databasePath(dataDir)).close();
  expect(tablesOf(opened(dataDir))).toEqual(TABLES);
});

it('a store of the first windrow gets what is new and keeps what it has', () => {
  const dataDir = temporaryFolder();
  mkdirSync(collectorFolder(dataDir), { recursive: true });
  const first = new DatabaseSync(databasePath(dataDir));
  first.exec(`${MIGRATIONS[0]}; PRAGMA user_version = 1; INSERT INTO inventories VALUES (1, '{}')`);
  first.close();
  const db = opened(dataDir);
  expect(tablesOf(db)).toEqual(TABLES);
  expect(count(db, 'inventories')).toBe(1);
});

it('a migration that fails leaves the version it found, so the next start begins there again', () => {
  const dataDir = temporaryFolder();
  mkdirSync(collectorFolder(dataDir), { recursive: true });
  const db = new DatabaseSync(databasePath(dataDir));
  db.exec('CREATE TABLE quarantine (mine TEXT)');
  db.close();
  expect(() => openForWriting(dataDir)).toThrow(/cannot open .*already exists/);
  const after = new DatabaseSync(databasePath(dataDir));
  onTestFinished(() => after.close());
  expect(tablesOf(after)).toEqual(['quarantine']);
  expect(pragma(after, 'user_version')).toBe(0);
});

it.each([
  ['writing', openForWriting],
  ['reading', openForReading],
])('a database of a newer windrow is refused for %s with one sentence that says so', (_, open) => {
  const dataDir = temporaryFolder();
  const db = opened(dataDir);
  db.exec(`PRAGMA user_version = ${MIGRATIONS.length + 1}`);
  db.close();
  const before = readFileSync(databasePath(dataDir));
  expect(() => open(dataDir)).toThrow(
    expect.objectContaining({
      code: 'store_newer',
      message: `${databasePath(dataDir)} was written by a newer windrow (schema ${MIGRATIONS.length + 1}, this one knows ${MIGRATIONS.length})`,
      hint: expect.stringContaining('--data'),
    }),
  );
  expect(readFileSync(databasePath(dataDir)).equals(before)).toBe(true);
});

it('a folder that cannot be made is an error that names the path and the flag', () => {
  // A file in the folder's place stops root too, whom permissions do not.
  const blocked = join(temporaryFolder(), 'file');
  writeFileSync(blocked, '');
  expect(() => openForWriting(blocked)).toThrow(
    expect.objectContaining({
      code: 'store_unavailable',
      message: expect.stringContaining(blocked),
      hint: expect.stringContaining('--data'),
    }),
  );
});

it.each([
  ['writing', openForWriting],
  ['reading', openForReading],
])('a damaged file is a clear error for %s and stays as it is', (_, open) => {
  const dataDir = temporaryFolder();
  mkdirSync(collectorFolder(dataDir), { recursive: true });
  const path = databasePath(dataDir);
  writeFileSync(path, 'this is no database, '.repeat(1_000));
  expect(() => open(dataDir)).toThrow(
    expect.objectContaining({
      code: 'store_unavailable',
      message: `cannot open ${path}: file is not a database`,
      hint: expect.stringContaining('moved away'),
    }),
  );
  expect(statSync(path).size).toBe(21_000);
});

it('reading beside the writer sees what is committed and can change nothing', () => {
  const dataDir = temporaryFolder();
  const writer = opened(dataDir);
  const reader = openForReading(dataDir);
  onTestFinished(() => reader.close());
  writer.exec("BEGIN; INSERT INTO inventories VALUES (1, '{}')");
  expect(count(reader, 'inventories')).toBe(0);
  writer.exec('COMMIT');
  expect(count(reader, 'inventories')).toBe(1);
  expect(() => reader.exec('DELETE FROM inventories')).toThrow(/readonly/);
});

it('reading a folder without a store says which file is missing and makes none', () => {
  const dataDir = temporaryFolder();
  expect(() => openForReading(dataDir)).toThrow(/cannot open .*windrow\.db/);
  expect(statSync(databasePath(dataDir), { throwIfNoEntry: false })).toBeUndefined();
});
