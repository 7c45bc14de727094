/**
 * Retention by age and size. Tables are in order of arrival, so both cut at the low end, a bounded
 * number of rows at a time, and freed pages go back to the file system.
 */
import type { DatabaseSync } from 'node:sqlite';

export interface RetentionPolicy {
  readonly samplesAgeMs: number;
  readonly detailsAgeMs: number;
  readonly windowsAgeMs: number;
  readonly sizeBytesMax: number;
}

/** Rows deleted by one step; the loop is held for some 50 ms. */
const stepRowsMax = 20_000;
/** Free pages given back by one step. */
const stepPagesMax = 4_000;

const TABLES = [
  { table: 'details', column: 'details_rowid', age: 'detailsAgeMs' },
  { table: 'samples', column: 'samples_rowid', age: 'samplesAgeMs' },
  { table: 'windows', column: 'windows_rowid', age: 'windowsAgeMs' },
  { table: 'fleet_windows', column: 'fleet_rowid', age: 'windowsAgeMs' },
] as const;

/** Bytes that the database's content takes, free pages left out. */
export function storeBytes(db: DatabaseSync): number {
  return (pragma(db, 'page_count') - pragma(db, 'freelist_count')) * pragma(db, 'page_size');
}

/**
 * One bounded step.
 * @returns whether more is left to delete now
 */
export function retentionStep(db: DatabaseSync, policy: RetentionPolicy, nowMs: number): boolean {
  let more = false;
  for (const { table, column, age } of TABLES) {
    const cutoffMs = nowMs - policy[age];
    const row = db
      .prepare(`SELECT max(${column}) AS through FROM arrivals WHERE minute_ms <= ?`)
      .get(cutoffMs);
    const through = row?.['through'];
    if (typeof through === 'number' && deleteOldest(db, table, through)) more = true;
  }
  if (storeBytes(db) > policy.sizeBytesMax && deleteForSize(db)) more = true;
  forgetArrivals(db);
  db.exec(`PRAGMA incremental_vacuum(${stepPagesMax})`);
  return more;
}

/** What fills the disk most and is missed least goes first. @returns whether anything was deleted */
function deleteForSize(db: DatabaseSync): boolean {
  for (const { table } of TABLES) {
    const row = db.prepare(`SELECT min(rowid) AS first, max(rowid) AS last FROM ${table}`).get();
    const first = Number(row?.['first'] ?? 0);
    const last = Number(row?.['last'] ?? 0);
    // The newest tenth stays while another table can give.
    const through = Math.min(first + stepRowsMax - 1, last - Math.ceil((last - first) / 10));
    if (last > first && through >= first) {
      deleteOldest(db, table, through);
      return true;
    }
  }
  return false;
}

/**
 * The newest row always stays: SQLite numbers on from it, and an emptied table would start again
 * at 1, below the rowids that `arrivals` remembers.
 * @returns whether rows up to `through` are left
 */
function deleteOldest(db: DatabaseSync, table: string, through: number): boolean {
  const { changes } = db
    .prepare(
      `DELETE FROM ${table} WHERE rowid IN
       (SELECT rowid FROM ${table} WHERE rowid <= ?
        AND rowid < (SELECT max(rowid) FROM ${table}) ORDER BY rowid LIMIT ?)`,
    )
    .run(through, stepRowsMax);
  return Number(changes) === stepRowsMax;
}

/** A minute whose windows, the longest kept, are gone tells nothing any more. */
function forgetArrivals(db: DatabaseSync): void {
  db.exec(
    `DELETE FROM arrivals WHERE minute_ms < (SELECT max(minute_ms) FROM arrivals) AND
     windows_rowid < (SELECT ifnull(min(rowid), 0) FROM windows) - 1 AND
     samples_rowid < (SELECT ifnull(min(rowid), 0) FROM samples) - 1 AND
     details_rowid < (SELECT ifnull(min(rowid), 0) FROM details) - 1`,
  );
}

function pragma(db: DatabaseSync, name: string): number {
  return Number(db.prepare(`PRAGMA ${name}`).get()?.[name] ?? 0);
}
