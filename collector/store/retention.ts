/**
 * Retention by age and size. Tables are in order of arrival, so both cut at the low end, a bounded
 * number of rows at a time, and freed pages go back to the file system.
 */
import type { DatabaseSync } from 'node:sqlite';
import { NEWEST_SAMPLE } from './sample-statements.ts';

export interface RetentionPolicy {
  readonly samplesAgeMs: number;
  readonly detailsAgeMs: number;
  readonly windowsAgeMs: number;
  readonly sizeBytesMax: number;
}

/** Free pages given back by one step. */
const stepPagesMax = 4_000;
/** The newest hour is what the page shows: to keep the size it goes only when nothing older is left. */
const recentMs = 60 * 60 * 1000;

/** Transitions of alerts deleted by one step. */
const stepTransitions = 5_000;

/** What fills the disk most and is missed least comes first; rows deleted by one step, in some 50 ms. */
const TABLES = [
  { table: 'details', column: 'details_rowid', age: 'detailsAgeMs', stepRows: 2_000 },
  { table: 'samples', column: 'samples_rowid', age: 'samplesAgeMs', stepRows: 10_000 },
  { table: 'windows', column: 'windows_rowid', age: 'windowsAgeMs', stepRows: 5_000 },
  { table: 'fleet_windows', column: 'fleet_rowid', age: 'windowsAgeMs', stepRows: 5_000 },
] as const;

type Table = (typeof TABLES)[number];

/** Bytes that the database's content takes, free pages left out. */
export function storeBytes(db: DatabaseSync): number {
  return (pragma(db, 'page_count') - pragma(db, 'freelist_count')) * pragma(db, 'page_size');
}

/**
 * One bounded step.
 * @returns whether more is left to delete, or to give back, now
 */
export function retentionStep(db: DatabaseSync, policy: RetentionPolicy, nowMs: number): boolean {
  let more = false;
  for (const table of TABLES) {
    const through = arrivedBefore(db, table, nowMs - policy[table.age]);
    if (deleteOldest(db, table, through) === table.stepRows) more = true;
  }
  if (deleteTransitions(db, nowMs - policy.windowsAgeMs) === stepTransitions) more = true;
  if (storeBytes(db) > policy.sizeBytesMax && deleteForSize(db, nowMs)) more = true;
  forgetArrivals(db, nowMs - Math.max(...TABLES.map(({ age }) => policy[age])));
  db.exec(`PRAGMA incremental_vacuum(${stepPagesMax})`);
  const fileBytes = pragma(db, 'page_count') * pragma(db, 'page_size');
  return more || (fileBytes > policy.sizeBytesMax && pragma(db, 'freelist_count') > 0);
}

/** Alerts are history like windows; their rows are few, so the size does not matter. */
function deleteTransitions(db: DatabaseSync, beforeMs: number): number {
  const { changes } = db
    .prepare(
      `DELETE FROM alert_transitions WHERE no IN
       (SELECT no FROM alert_transitions WHERE at_ms < ? ORDER BY at_ms LIMIT ?)`,
    )
    .run(beforeMs, stepTransitions);
  return Number(changes);
}

/** @returns whether anything was deleted */
function deleteForSize(db: DatabaseSync, nowMs: number): boolean {
  for (const table of TABLES) {
    if (deleteOldest(db, table, arrivedBefore(db, table, nowMs - recentMs)) > 0) return true;
  }
  for (const table of TABLES) {
    if (deleteOldest(db, table, Number.MAX_SAFE_INTEGER) > 0) return true;
  }
  return false;
}

/** The newest rowid that had arrived by then; 0 when none had. */
function arrivedBefore(db: DatabaseSync, { column }: Table, ms: number): number {
  const row = db
    .prepare(`SELECT max(${column}) AS through FROM arrivals WHERE minute_ms <= ?`)
    .get(ms);
  return Number(row?.['through'] ?? 0);
}

/**
 * The newest row always stays: SQLite numbers on from it, and an emptied table would start again
 * at 1, below the rowids that `arrivals` remembers. Of samples that is the newest that counts, for a
 * start takes those out that were written ahead.
 * @returns how many were deleted, at most the table's `stepRows`
 */
function deleteOldest(db: DatabaseSync, { table, stepRows }: Table, through: number): number {
  const newest = table === 'samples' ? NEWEST_SAMPLE : `SELECT max(rowid) FROM ${table}`;
  const { changes } = db
    .prepare(
      `DELETE FROM ${table} WHERE rowid IN
       (SELECT rowid FROM ${table} WHERE rowid <= ?
        AND rowid < (${newest}) ORDER BY rowid LIMIT ?)`,
    )
    .run(through, stepRows);
  return Number(changes);
}

/** Of the minutes that are older than anything kept, the last one tells all. */
function forgetArrivals(db: DatabaseSync, keptFromMs: number): void {
  db.prepare(
    `DELETE FROM arrivals WHERE minute_ms <
     (SELECT max(minute_ms) FROM arrivals WHERE minute_ms <= ?)`,
  ).run(keptFromMs);
}

function pragma(db: DatabaseSync, name: string): number {
  return Number(db.prepare(`PRAGMA ${name}`).get()?.[name] ?? 0);
}
