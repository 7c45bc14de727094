/** Opens the collector's SQLite file: its log on the disk, in WAL mode, schema migrated. */
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { makeFolderDurably } from '../../runtime/durable-file.ts';
import { messageOf, WindrowError } from '../../runtime/errors.ts';
import { assertNotNewer, migrate } from '../../runtime/schema-version.ts';
import { inTransaction } from '../../runtime/transaction.ts';
import { MIGRATIONS } from './schema.ts';
import { writeLogAnew } from './wal.ts';

/** How long a statement waits for another process's lock; the loop is held meanwhile. */
const busyTimeoutMs = 100;
/** The same of a command that reads beside a collector. */
const readTimeoutMs = 5_000;
/** The same of the thread that writes samples ahead: the loop writes little at once, and a stop waits for the thread. */
export const besideTimeoutMs = 1_000;
const cacheKiB = 16 * 1024;
/** A connection beside it: what one transaction of it writes. */
const besideCacheKiB = 8 * 1024;
/**
 * Pages in the write-ahead log, 16 MiB, before a commit moves them into the database. What many commits
 * write to the same pages is moved once, and the disk is waited for less often.
 */
const checkpointPages = 4_000;
/**
 * The same of the loop's connection where a thread commits too, 48 MiB. While there is much to write the
 * thread comes first, so that the loop waits for no disk; this is for when there is too little for it.
 */
const rareCheckpointPages = 12_000;
/** The write-ahead log is cut back to this after a checkpoint. */
const walBytesMax = 64 * 1024 * 1024;

export function collectorFolder(dataDir: string): string {
  return join(dataDir, 'collector');
}

export function databasePath(dataDir: string): string {
  return join(collectorFolder(dataDir), 'windrow.db');
}

/**
 * Opens for writing, making file and schema when missing. What an earlier process left in the log
 * is on the disk. synchronous=FULL: so is what is committed, but for the writer's commits, which are
 * on the disk when it says so (`wal.ts`). Nobody else may be writing.
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
      assertNotNewer(db, path, MIGRATIONS.length);
      // Only takes effect on a file that is still empty, and then lets retention give pages back.
      db.exec('PRAGMA auto_vacuum = INCREMENTAL');
      db.exec('PRAGMA journal_mode = WAL');
      db.exec('PRAGMA synchronous = FULL');
      db.exec(`PRAGMA cache_size = -${cacheKiB}`);
      db.exec(`PRAGMA wal_autocheckpoint = ${checkpointPages}`);
      db.exec(`PRAGMA journal_size_limit = ${walBytesMax}`);
      migrate(db, MIGRATIONS);
      dropSamplesAhead(db);
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  });
}

/**
 * Another connection of the same process, to a file that is open for writing. What it commits is on
 * the disk after the next sync of the log, and not before.
 * @param path of the database
 */
export function openForSamples(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: besideTimeoutMs });
  db.exec('PRAGMA synchronous = NORMAL');
  db.exec(`PRAGMA cache_size = -${besideCacheKiB}`);
  db.exec(`PRAGMA wal_autocheckpoint = ${checkpointPages}`);
  db.exec(`PRAGMA journal_size_limit = ${walBytesMax}`);
  return db;
}

/** For the loop's connection: leaves checkpoints to the thread, as far as that has something to do. */
export function checkpointRarely(db: DatabaseSync): void {
  db.exec(`PRAGMA wal_autocheckpoint = ${rareCheckpointPages}`);
}

/** @param timeoutMs how long a statement waits for another connection that writes, ms */
export function setBusyTimeout(db: DatabaseSync, timeoutMs = busyTimeoutMs): void {
  db.exec(`PRAGMA busy_timeout = ${timeoutMs}`);
}

/** What an earlier process wrote ahead of a commit that never came (samples-ahead.ts). */
function dropSamplesAhead(db: DatabaseSync): void {
  if (db.prepare('SELECT 1 FROM samples_ahead').get() === undefined) return;
  inTransaction(db, () => {
    db.exec('DELETE FROM samples WHERE rowid > (SELECT behind_rowid FROM samples_ahead)');
    db.exec('DELETE FROM samples_ahead');
  });
}

/** Opens for reading beside the running collector, or without one. @throws WindrowError */
export function openForReading(dataDir: string): DatabaseSync {
  const path = databasePath(dataDir);
  return explained(path, () => {
    const db = new DatabaseSync(path, { readOnly: true, timeout: readTimeoutMs });
    try {
      assertNotNewer(db, path, MIGRATIONS.length);
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  });
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
