/** Opens the collector's SQLite file: WAL, every commit on disk before it counts, schema migrated. */
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { makeFolderDurably } from '../../runtime/durable-file.ts';
import { messageOf, WindrowError } from '../../runtime/errors.ts';
import { MIGRATIONS } from './schema.ts';
import { writeLogAnew } from './wal.ts';

/** How long a statement waits for another process's lock; the loop is held meanwhile. */
const busyTimeoutMs = 100;
const cacheKiB = 16 * 1024;
/**
 * Pages in the write-ahead log, 16 MiB, before a commit moves them into the database. What many commits
 * write to the same pages is moved once, and the disk is waited for less often.
 */
const checkpointPages = 4_000;
/** The write-ahead log is cut back to this after a checkpoint. */
const walBytesMax = 64 * 1024 * 1024;

export function collectorFolder(dataDir: string): string {
  return join(dataDir, 'collector');
}

export function databasePath(dataDir: string): string {
  return join(collectorFolder(dataDir), 'windrow.db');
}

/**
 * Opens for writing, making file and schema when missing. synchronous=FULL: what is committed
 * survives a power cut, and so does what an earlier process left in the log. Nobody else may be
 * writing.
 * @throws WindrowError `store_newer`, `store_unavailable`
 */
export function openForWriting(dataDir: string): DatabaseSync {
  const path = databasePath(dataDir);
  return explained(path, () => {
    makeFolderDurably(dirname(path));
    writeLogAnew(path);
    const db = new DatabaseSync(path, { timeout: busyTimeoutMs });
    try {
      // Before anything is written: whoever is refused leaves the file as it was.
      assertNotNewer(db, path);
      // Only takes effect on a file that is still empty, and then lets retention give pages back.
      db.exec('PRAGMA auto_vacuum = INCREMENTAL');
      db.exec('PRAGMA journal_mode = WAL');
      db.exec('PRAGMA synchronous = FULL');
      db.exec(`PRAGMA cache_size = -${cacheKiB}`);
      db.exec(`PRAGMA wal_autocheckpoint = ${checkpointPages}`);
      db.exec(`PRAGMA journal_size_limit = ${walBytesMax}`);
      migrate(db);
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  });
}

/** Opens for reading beside the running collector, or without one. @throws WindrowError */
export function openForReading(dataDir: string): DatabaseSync {
  const path = databasePath(dataDir);
  return explained(path, () => {
    const db = new DatabaseSync(path, { readOnly: true, timeout: 5_000 });
    try {
      assertNotNewer(db, path);
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  });
}

function schemaVersion(db: DatabaseSync): number {
  return Number(db.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
}

function assertNotNewer(db: DatabaseSync, path: string): void {
  const version = schemaVersion(db);
  if (version <= MIGRATIONS.length) return;
  throw new WindrowError(
    'store_newer',
    `${path} was written by a newer windrow (schema ${version}, this one knows ${MIGRATIONS.length})`,
    { hint: 'Install that newer windrow again, or name another folder with --data.' },
  );
}

function migrate(db: DatabaseSync): void {
  for (let version = schemaVersion(db); version < MIGRATIONS.length; version += 1) {
    db.exec(
      `BEGIN IMMEDIATE; ${MIGRATIONS[version]}; PRAGMA user_version = ${version + 1}; COMMIT`,
    );
  }
}

function explained<T>(path: string, open: () => T): T {
  try {
    return open();
  } catch (error) {
    if (error instanceof WindrowError) throw error;
    throw new WindrowError('store_unavailable', `cannot open ${path}: ${messageOf(error)}`, {
      cause: error,
      hint: 'Check that the folder named by --data exists, is writable and has room; a damaged file can be moved away to start anew.',
    });
  }
}
