import type { DatabaseSync } from 'node:sqlite';

/**
 * What `work` writes is committed as a whole, or not at all when it throws. Begun for writing: two
 * that both began by reading could not both go on. @returns what `work` does
 */
export function inTransaction<T>(db: DatabaseSync, work: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    // SQLite has already rolled back after a full disk; then there is nothing left to undo.
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}
