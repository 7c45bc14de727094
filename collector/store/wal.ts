/**
 * Puts the write-ahead log on the disk without holding the loop: a commit writes to the log, and a
 * sync by a descriptor of our own, in a thread of libuv's, is waited for before anybody is told.
 *
 * After a sync that failed the system takes for written what the disk may not have: the next one
 * would say that all is well, and what is committed behind the hole would go with it at a power cut.
 * So nothing is believed after it. The process ends, and the next one writes the log anew, as it is
 * read, before it reads it.
 *
 * SQLite's locks are on the database and its -shm, so closing this descriptor drops none of them.
 */
import {
  close,
  closeSync,
  existsSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  openSync,
  readSync,
  realpathSync,
  writeSync,
} from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';

const pieceBytes = 1024 * 1024;

export class Wal {
  readonly #db: DatabaseSync;
  readonly #fd: number;
  #syncing: Promise<void> = Promise.resolve();

  /** @param db of a file that has been read or written, so that it has a log */
  constructor(db: DatabaseSync) {
    this.#db = db;
    // Windows flushes no file that is open for reading alone.
    this.#fd = openSync(walPath(db.location() ?? ''), 'r+');
  }

  /** What `work` commits is on the disk after the next sync, and not before. */
  unsynced(work: () => void): void {
    this.#db.exec('PRAGMA synchronous = NORMAL');
    try {
      work();
    } finally {
      this.#db.exec('PRAGMA synchronous = FULL');
    }
  }

  /** What was committed before the call is on the disk when it resolves. One at a time. @throws Error of the system */
  sync(): Promise<void> {
    const syncing = promisify(fdatasync)(this.#fd);
    this.#syncing = syncing.catch(() => {});
    return syncing;
  }

  /** Waits for a sync that is under way. */
  async close(): Promise<void> {
    await this.#syncing;
    await promisify(close)(this.#fd);
  }
}

/**
 * What an earlier process left in the log may be in memory alone, though it reads well, and a sync
 * may not write it. Before anybody has the database open. @throws Error of the system
 */
export function writeLogAnew(databasePath: string): void {
  if (!existsSync(databasePath)) return;
  // Where the file is a link, SQLite's log lies beside what it links to; on Windows it follows none.
  const file = process.platform === 'win32' ? databasePath : realpathSync(databasePath);
  const path = walPath(file);
  if (!existsSync(path)) return;
  const fd = openSync(path, 'r+');
  try {
    const piece = Buffer.alloc(Math.min(pieceBytes, fstatSync(fd).size));
    for (let at = 0; ; ) {
      const bytes = readSync(fd, piece, 0, piece.length, at);
      if (bytes === 0) break;
      at += writeSync(fd, piece, 0, bytes, at);
    }
    fdatasyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function walPath(databasePath: string): string {
  return `${databasePath}-wal`;
}
