/** What `bench catch-up` finds in the collector's store when all is over. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { FLAG } from '../collector/store/schema.ts';
import { DAY_BOOT, DAY_SAMPLES, type Day, intervalMs } from './catch-up-day.ts';

/** The collector's defaults. */
const windowMs = 30_000;
const slideMs = 10_000;

export interface Stored {
  /** Samples of the day that are not there. */
  readonly missing: number;
  /** Live samples that are there, and those of their numbers that are not. */
  readonly live: number;
  readonly liveMissing: number;
  /** Windows that lie in the day; of those the ones not there, not final, or without all samples. */
  readonly windows: number;
  readonly windowsUnfinished: number;
}

export function storedIn(dataDir: string, day: Day): Stored {
  const db = new DatabaseSync(join(dataDir, 'collector', 'windrow.db'), { readOnly: true });
  try {
    const seqs = db.prepare(
      `SELECT count(DISTINCT seq) AS n, max(seq) + 1 AS most
       FROM samples JOIN boots USING (boot_no) WHERE (boot_id = ?) = ?`,
    );
    const ofDay = seqs.get(DAY_BOOT, 1);
    const live = seqs.get(DAY_BOOT, 0);
    const liveCount = Number(live?.['n'] ?? 0);
    const windows = windowsIn(day);
    return {
      missing: DAY_SAMPLES - Number(ofDay?.['n'] ?? 0),
      live: liveCount,
      liveMissing: Number(live?.['most'] ?? 0) - liveCount,
      windows,
      windowsUnfinished: windows - finishedWindows(db, day),
    };
  } finally {
    db.close();
  }
}

function windowsIn({ fromMs, toMs }: Day): number {
  const first = Math.ceil(fromMs / slideMs);
  const last = Math.floor((toMs - windowMs) / slideMs);
  return last - first + 1;
}

function finishedWindows(db: DatabaseSync, { fromMs, toMs }: Day): number {
  const row = db
    .prepare(
      `SELECT count(*) AS n FROM windows WHERE start_ms >= ? AND end_ms <= ? AND samples = ?
       AND flags & ${FLAG.final} <> 0 AND flags & ${FLAG.incomplete} = 0`,
    )
    .get(fromMs, toMs, windowMs / intervalMs);
  return Number(row?.['n'] ?? 0);
}
