/**
 * After a restart: sources as they were at the last commit, and the panes of their open windows
 * filled again from the stored samples, so that the windows come out as if nothing had happened.
 */
import type { DatabaseSync } from 'node:sqlite';
import { METRICS } from '../../wire/metrics.ts';
import type { Ingest } from './ingest.ts';
import type { Registry } from './registry.ts';

export function restore(db: DatabaseSync, registry: Registry, ingest: Ingest): void {
  const samples = db.prepare(
    `SELECT ts, ${METRICS.join(', ')} FROM samples WHERE source_no = ? AND ts >= ? ORDER BY ts`,
  );
  for (const { source, state } of registry.restore(db)) {
    ingest.openRestored(source, state);
    // What another collector may take in, or a log will tell again, is not open.
    if (source.closed || !source.isOurs) continue;
    // −∞ when no window is final yet: then all that is stored belongs to open windows.
    const fromMs = Math.max(0, ingest.engine.restoreFromMs(source.sourceNo));
    for (const row of samples.iterate(source.sourceNo, fromMs)) {
      const values = METRICS.map((metric) => toNumber(row[metric]));
      ingest.engine.restoreSample(source.sourceNo, Number(row['ts']), values);
    }
  }
  for (const row of db.prepare('SELECT * FROM fleet_pending').iterate()) {
    ingest.restorePending({
      originMs: Number(row['origin_ms']),
      startMs: Number(row['start_ms']),
      endMs: Number(row['end_ms']),
    });
  }
}

function toNumber(value: unknown): number {
  return typeof value === 'number' ? value : Number.NaN;
}
