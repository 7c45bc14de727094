/** The tables of what a receiver has, and what is asked of them. */
import { DatabaseSync } from 'node:sqlite';
import { assertNotNewer, migrate } from '../../runtime/schema-version.ts';

/** For a person who looks into the file meanwhile; the loop is held. */
const busyTimeoutMs = 100;

const transfersTable = (name: string, key: string): string => `
  CREATE TABLE ${name} (
    key           ${key},
    id            TEXT NOT NULL UNIQUE,
    sender        TEXT NOT NULL,
    file_name     TEXT NOT NULL,
    path          TEXT NOT NULL,
    size_bytes    INTEGER NOT NULL,
    block_bytes   INTEGER NOT NULL,
    total_blocks  INTEGER NOT NULL,
    folder        TEXT NOT NULL,
    folder_key    TEXT NOT NULL UNIQUE,
    assembled     TEXT,
    assembled_key TEXT UNIQUE,
    is_assembled  INTEGER NOT NULL DEFAULT 0,
    heard_ms      INTEGER NOT NULL
  ) STRICT`;

/** Append-only. */
const MIGRATIONS: readonly string[] = [
  `${transfersTable('transfers', 'INTEGER PRIMARY KEY')};
  CREATE INDEX transfers_heard ON transfers (heard_ms);

  CREATE TABLE blocks (
    transfer     INTEGER NOT NULL REFERENCES transfers (key) ON DELETE CASCADE,
    block_number INTEGER NOT NULL,
    size_bytes   INTEGER NOT NULL,
    sha256       TEXT NOT NULL,
    PRIMARY KEY (transfer, block_number)
  ) STRICT, WITHOUT ROWID`,
  // A key never comes back: what is noted of a transfer that was forgotten meanwhile cannot hit another.
  `${transfersTable('anew', 'INTEGER PRIMARY KEY AUTOINCREMENT')};
  INSERT INTO anew SELECT * FROM transfers;
  DROP TABLE transfers;
  ALTER TABLE anew RENAME TO transfers;
  CREATE INDEX transfers_heard ON transfers (heard_ms)`,
];

/** What a block takes of the disk beside its bytes: the rest of its last page, and its metadata's. */
export const blockExtraBytes = 8 * 1024;

const COLUMNS =
  'key, id, sender, file_name, path, size_bytes, block_bytes, total_blocks, folder, assembled, heard_ms';

export const STATEMENTS = {
  transfer: `SELECT ${COLUMNS} FROM transfers WHERE id = ?`,
  newest: `SELECT ${COLUMNS} FROM transfers ORDER BY heard_ms DESC LIMIT ?`,
  folderTaken: 'SELECT 1 FROM transfers WHERE folder_key = ?',
  addTransfer: `INSERT INTO transfers
    (id, sender, file_name, path, size_bytes, block_bytes, total_blocks, folder, folder_key, heard_ms)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  block: 'SELECT size_bytes, sha256 FROM blocks WHERE transfer = ? AND block_number = ?',
  blockNumbers: 'SELECT block_number FROM blocks WHERE transfer = ? ORDER BY block_number',
  count: 'SELECT count(*) AS n FROM blocks WHERE transfer = ?',
  addBlock: `INSERT INTO blocks VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET size_bytes = excluded.size_bytes, sha256 = excluded.sha256`,
  heard: 'UPDATE transfers SET heard_ms = ? WHERE key = ?',
  removeBlock: 'DELETE FROM blocks WHERE transfer = ? AND block_number = ?',
  unused: `SELECT ${COLUMNS} FROM transfers
    WHERE NOT EXISTS (SELECT 1 FROM blocks WHERE transfer = key) LIMIT ?`,
  forget:
    'DELETE FROM transfers WHERE key = ? AND NOT EXISTS (SELECT 1 FROM blocks WHERE transfer = key)',
  after: `SELECT transfer, block_number FROM blocks
    WHERE (transfer, block_number) > (?, ?) ORDER BY transfer, block_number LIMIT ?`,
  byKey: `SELECT ${COLUMNS} FROM transfers WHERE key = ?`,
  used: `SELECT ifnull(sum(size_bytes), 0) + count(*) * ${blockExtraBytes} AS n FROM blocks`,
  assembledTaken: 'SELECT 1 FROM transfers WHERE assembled_key = ?',
  claimAssembled: 'UPDATE transfers SET assembled = ?, assembled_key = ? WHERE key = ?',
  assembled: 'UPDATE transfers SET is_assembled = 1 WHERE key = ?',
  nextWhole: `SELECT ${COLUMNS} FROM transfers WHERE key > ? AND is_assembled = 0
    AND total_blocks = (SELECT count(*) FROM blocks WHERE transfer = key) ORDER BY key LIMIT 1`,
} as const;

/** @throws WindrowError `store_newer`; what SQLite says */
export function openReceived(path: string): DatabaseSync {
  // Where a table is made anew the old one's rows go with all that refers to them.
  const db = new DatabaseSync(path, { timeout: busyTimeoutMs, enableForeignKeyConstraints: false });
  try {
    // Before anything is written: whoever is refused leaves the file as it was.
    assertNotNewer(db, path, MIGRATIONS.length, 'name another output folder');
    // FULL: a block that was acknowledged is not sent again, so its row must outlive a power cut.
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
    migrate(db, MIGRATIONS);
    db.exec('PRAGMA foreign_keys = ON');
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}
