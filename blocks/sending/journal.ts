/**
 * What was sent where, in a file, so that a transfer that was stopped goes on where it was.
 *
 * What always holds: a block counts as acknowledged here only when that receiver has said that it
 * has it for good. A killed process loses nothing of this; a power cut may take the last
 * acknowledgments, and then those blocks are sent once more.
 *
 * A transfer's key is never given to another one: several processes, or paths that overlap, send at
 * once, and what one of them notes never counts for what another sends. Where the row is gone
 * meanwhile, nothing is noted.
 *
 * Of a transfer that is done only its own row stays. A row goes 30 days after it was last used,
 * an older version of a file when a newer one is done, and the oldest over the cap.
 */
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { Clock } from '../../runtime/clock.ts';
import { makeFolderDurably } from '../../runtime/durable-file.ts';
import { messageOf, WindrowError } from '../../runtime/errors.ts';
import { isDamage, setAside } from '../../runtime/queue/damage.ts';
import { assertNotNewer, schemaVersionOf } from '../../runtime/schema-version.ts';
import { inTransaction } from '../../runtime/transaction.ts';
import { type Acknowledged, acknowledgedOf, type Transfer } from './plan.ts';

/**
 * Of the first schema what is noted of one transfer may be of another: it is dropped, and all is sent
 * once more, which receivers take for repeats.
 */
const schemaVersion = 2;
/** Longer than a transaction of another process that sends takes. */
const busyTimeoutMs = 5_000;
const keptMsMax = 30 * 24 * 60 * 60 * 1000;
/** Transfers that are remembered: some 250 bytes each. */
const transfersMax = 1_000_000;
/** The cap is looked after each so many transfers. */
const pruneEvery = 10_000;

const SCHEMA = `
  DROP TABLE IF EXISTS blocks;
  DROP TABLE IF EXISTS transfers;

  CREATE TABLE transfers (
    key           INTEGER PRIMARY KEY AUTOINCREMENT,
    target        TEXT NOT NULL,
    id            TEXT NOT NULL,
    sender        TEXT NOT NULL,
    path          TEXT NOT NULL,
    relative_path TEXT NOT NULL,
    size_bytes    INTEGER NOT NULL,
    mtime_ns      TEXT NOT NULL,
    inode         TEXT NOT NULL,
    block_bytes   INTEGER NOT NULL,
    total_blocks  INTEGER NOT NULL,
    used_ms       INTEGER NOT NULL,
    is_done       INTEGER NOT NULL DEFAULT 0,
    UNIQUE (target, id)
  ) STRICT;
  CREATE INDEX transfers_path ON transfers (target, path);
  CREATE INDEX transfers_used ON transfers (is_done DESC, used_ms);

  -- Those that are acknowledged.
  CREATE TABLE blocks (
    transfer     INTEGER NOT NULL REFERENCES transfers (key) ON DELETE CASCADE,
    block_number INTEGER NOT NULL,
    PRIMARY KEY (transfer, block_number)
  ) STRICT, WITHOUT ROWID;
`;

const STATEMENTS = {
  find: 'SELECT key, is_done FROM transfers WHERE target = ? AND id = ?',
  add: `INSERT INTO transfers
    (target, id, sender, path, relative_path, size_bytes, mtime_ns, inode, block_bytes, total_blocks, used_ms)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING key`,
  use: 'UPDATE transfers SET used_ms = ? WHERE key = ?',
  // Of a transfer that another process has done meanwhile there are no blocks any more.
  block: `SELECT 1 FROM blocks WHERE transfer = ?1 AND block_number = ?2
    UNION ALL SELECT 1 FROM transfers WHERE key = ?1 AND is_done = 1`,
  count: 'SELECT count(*) AS n, max(block_number) AS last FROM blocks WHERE transfer = ?',
  acknowledged:
    'INSERT OR IGNORE INTO blocks SELECT key, ? FROM transfers WHERE key = ? AND is_done = 0',
  done: 'UPDATE transfers SET is_done = 1, used_ms = ? WHERE key = ?',
  forgetBlocks: 'DELETE FROM blocks WHERE transfer = ?',
  forgetOlder: `DELETE FROM transfers WHERE key IN (
    SELECT older.key FROM transfers AS newer
    JOIN transfers AS older USING (target, path, sender, relative_path, block_bytes)
    WHERE newer.key = ?1 AND older.key < ?1)`,
  forgetOld: 'DELETE FROM transfers WHERE used_ms < ?',
  forgetOver: `DELETE FROM transfers WHERE key IN (
    SELECT key FROM transfers ORDER BY is_done DESC, used_ms
    LIMIT max(0, (SELECT count(*) FROM transfers) - ?))`,
} as const;

export interface JournalOptions {
  readonly path: string;
  readonly clock: Clock;
  /** Told when the file was damaged and had to be set aside, with its new name. */
  readonly onDamage: (file: string) => void;
}

/** @throws WindrowError `store_newer`; `store_unavailable` when the file cannot be used */
export function openJournal(options: JournalOptions): Journal {
  const { path, clock, onDamage } = options;
  try {
    makeFolderDurably(dirname(path));
    try {
      return new Journal(path, clock);
    } catch (error) {
      if (!isDamage(error)) throw error;
      onDamage(setAside(path, clock.wallMs()));
      return new Journal(path, clock);
    }
  } catch (error) {
    if (error instanceof WindrowError) throw error;
    throw unusable(path, error);
  }
}

function unusable(path: string, error: unknown): WindrowError {
  return new WindrowError('store_unavailable', `cannot use ${path}: ${messageOf(error)}`, {
    cause: error,
    hint: 'Name a folder that this user may write, with room, with --data.',
  });
}

/** What is known of a transfer. */
export interface Known {
  /** Names it in the other calls. */
  readonly key: number;
  /** Every block is acknowledged. */
  readonly isDone: boolean;
  /** With their bytes. Nothing when it is done. */
  readonly acknowledged: Acknowledged;
}

export class Journal {
  readonly #db: DatabaseSync;
  readonly #path: string;
  readonly #clock: Clock;
  readonly #sql: Readonly<Record<keyof typeof STATEMENTS, StatementSync>>;
  #begun = 0;

  constructor(path: string, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
    this.#db = new DatabaseSync(path, { timeout: busyTimeoutMs });
    try {
      // Before anything is written: whoever is refused leaves the file as it was.
      assertNotNewer(this.#db, path, schemaVersion);
      // A power cut may take the last commits, never the file: what is sent twice is taken as a repeat.
      this.#db.exec(
        'PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON',
      );
      this.#prepareSchema();
      this.#sql = Object.fromEntries(
        Object.entries(STATEMENTS).map(([name, sql]) => [name, this.#db.prepare(sql)]),
      ) as Record<keyof typeof STATEMENTS, StatementSync>;
      this.#prune();
    } catch (error) {
      this.#db.close();
      throw error;
    }
  }

  /** What is known of a transfer; from now on it is remembered. @throws WindrowError `store_unavailable` */
  begin(target: string, transfer: Transfer): Known {
    this.#begun += 1;
    return this.#noted(() => {
      if (this.#begun % pruneEvery === 0) this.#prune();
      const found = this.#sql.find.get(target, transfer.id);
      const key = found === undefined ? this.#add(target, transfer) : Number(found['key']);
      this.#sql.use.run(this.#clock.wallMs(), key);
      const isDone = found?.['is_done'] === 1;
      const counted = this.#sql.count.get(key);
      const hasLast = counted?.['last'] === transfer.totalBlocks - 1;
      const acknowledged = acknowledgedOf(transfer, Number(counted?.['n']), hasLast);
      return { key, isDone, acknowledged };
    });
  }

  isAcknowledged(key: number, block: number): boolean {
    return this.#sql.block.get(key, block) !== undefined;
  }

  /** @throws WindrowError `store_unavailable` */
  acknowledged(key: number, block: number): void {
    this.#noted(() => this.#sql.acknowledged.run(block, key));
  }

  /** All its blocks are acknowledged. @throws WindrowError `store_unavailable` */
  done(key: number): void {
    this.#noted(() => {
      this.#sql.done.run(this.#clock.wallMs(), key);
      this.#sql.forgetBlocks.run(key);
      this.#sql.forgetOlder.run(key);
    });
  }

  close(): void {
    this.#db.close();
  }

  /** In a transaction. @throws WindrowError `store_unavailable`, of a full disk too */
  #noted<T>(work: () => T): T {
    try {
      return inTransaction(this.#db, work);
    } catch (error) {
      throw unusable(this.#path, error);
    }
  }

  #add(target: string, { id, sender, file, blockBytes, totalBlocks }: Transfer): number {
    const { path, relativePath, version } = file;
    const { sizeBytes, mtimeNs, inode } = version;
    const of = [target, id, sender, path, relativePath];
    const values = [...of, sizeBytes, String(mtimeNs), String(inode), blockBytes, totalBlocks];
    return Number(this.#sql.add.get(...values, this.#clock.wallMs())?.['key']);
  }

  #prune(): void {
    this.#sql.forgetOld.run(this.#clock.wallMs() - keptMsMax);
    this.#sql.forgetOver.run(transfersMax);
  }

  #prepareSchema(): void {
    inTransaction(this.#db, () => {
      // Another process that sends may have been faster.
      if (schemaVersionOf(this.#db) >= schemaVersion) return;
      this.#db.exec(`${SCHEMA} PRAGMA user_version = ${schemaVersion}`);
    });
  }
}
